"""Weights of a portfolio of assets as rows, metrics, tables and figures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.portfolio.asset_risk import Shortfall, Volatility
from penstock.portfolio.weights import TOUCHES, WeightProblem, Weights

Floats = NDArray[np.float64]

MOST_ASSETS = 20  # in a figure: those of greatest weight


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Chosen weights, and what they were chosen from.

    Attributes:
        problem: What was solved.
        periods: Of the returns.
        risks: Volatility and shortfall, of the problem's scale.
        chosen: The best weights.
        shrinkage: Of the covariance, 0-1; None if it was not shrunk.
    """

    problem: WeightProblem
    periods: int
    risks: tuple[Volatility, Shortfall]
    chosen: Weights
    shrinkage: float | None

    def expected(self, weights: Floats) -> float:
        """Return the expected return, by period."""
        return float(self.problem.mean @ weights)

    def risk(self, weights: Floats) -> float:
        """Return the risk that was chosen by, by period."""
        return self.problem.risk.of(weights) * self.problem.scale

    def risk_shares(self) -> Floats:
        """Return the share of each asset in the risk, adding up to 1; 0 without risk."""
        added = self.problem.risk.contributions(self.chosen.weights)
        shares: Floats = added / (added.sum() or 1.0)
        return shares

    def rows(self) -> list[tuple[str | float, ...]]:
        """Return the rows of `WEIGHT_COLUMNS`."""
        volatility, _ = self.risks
        columns = (
            self.chosen.weights,
            self.problem.mean,
            np.sqrt(np.diag(volatility.covariance)) * self.problem.scale,
            self.risk_shares(),
            self.problem.least,
            self.problem.greatest,
            self.chosen.bound_prices,
        )
        return [
            (asset, *(float(column[place]) for column in columns))
            for place, asset in enumerate(self.problem.assets)
        ]

    def keeps_limits(self, weights: Floats) -> bool:
        """Return whether weights keep all bounds and limits."""
        problem = self.problem
        is_inside = (weights >= problem.least - TOUCHES) & (weights <= problem.greatest + TOUCHES)
        beyond = [row.sign * (row.coefficients @ weights - row.bound) for row in problem.rows]
        return bool(is_inside.all() and all(each <= TOUCHES for each in beyond))


def report_weights(portfolio: Portfolio, frontier_points: int) -> Evidence:
    """Return the evidence that `optimise_assets` promises."""
    frontier = portfolio.problem.frontier(frontier_points)
    return Evidence(
        _metrics(portfolio),
        {
            "portfolios": _portfolio_table(portfolio, frontier),
            "limits": _limit_table(portfolio),
            "frontier": _frontier_table(portfolio, frontier),
        },
        {
            "frontier": _frontier_figure(portfolio, frontier),
            "weights": _weight_figure(portfolio),
        },
    )


def _metrics(portfolio: Portfolio) -> dict[str, float | None]:
    weights = portfolio.chosen.weights
    volatility, shortfall = portfolio.risks
    return {
        "assets": float(len(weights)),
        "periods": float(portfolio.periods),
        "expected_return": portfolio.expected(weights),
        "volatility": volatility.of(weights) * portfolio.problem.scale,
        "shortfall": shortfall.of(weights) * portfolio.problem.scale,
        "effective_assets": _effective(weights),
        "shrinkage": portfolio.shrinkage,
        "price_of_return": portfolio.chosen.return_price,
    }


def _effective(weights: Floats) -> float:
    return float(1 / (weights @ weights))


def _portfolio_table(portfolio: Portfolio, frontier: list[Floats]) -> Table:
    n = len(portfolio.problem.assets)
    named = {
        "chosen": portfolio.chosen.weights,
        "least risk": frontier[0],
        "greatest return": frontier[-1],
        "equal weights": np.full(n, 1 / n),
    }
    rows = tuple(
        (
            name,
            portfolio.expected(weights),
            *(risk.of(weights) * portfolio.problem.scale for risk in portfolio.risks),
            _effective(weights),
            portfolio.keeps_limits(weights),
        )
        for name, weights in named.items()
    )
    columns = (
        "portfolio", "expected return", "volatility", "shortfall", "effective assets",
        "keeps all limits",
    )  # fmt: skip
    return Table("Portfolios, by period", columns, rows)


def _limit_table(portfolio: Portfolio) -> Table:
    chosen = portfolio.chosen
    rows = tuple(
        (
            row.name,
            row.sense,
            row.bound,
            float(row.coefficients @ chosen.weights),
            float(price),
        )
        for row, price in zip(portfolio.problem.rows, chosen.row_prices, strict=True)
    )
    return Table(
        "Limits: their use, and what one unit looser would gain",
        ("limit", "sense", "bound", "use", "price"),
        rows,
    )


def _frontier_table(portfolio: Portfolio, frontier: list[Floats]) -> Table:
    rows = tuple((portfolio.risk(w), portfolio.expected(w), _effective(w)) for w in frontier)
    columns = (portfolio.problem.risk.name, "expected return", "effective assets")
    return Table("The efficient frontier, by period", columns, rows)


def _frontier_figure(portfolio: Portfolio, frontier: list[Floats]) -> Figure:
    chosen = [portfolio.chosen.weights]
    alone = list(np.eye(len(portfolio.problem.assets)))
    risk = portfolio.problem.risk.name

    def points(weights: list[Floats]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(map(portfolio.risk, weights)), tuple(map(portfolio.expected, weights))

    return Figure(
        "The efficient frontier",
        f"{risk} by period",
        "expected return by period",
        (
            Series("least risk under the limits", *points(frontier)),
            Series("an asset alone", *points(alone), "points"),
            Series("chosen", *points(chosen), "points"),
        ),
        "Left of the curve no weights keep the limits. An asset alone need not keep them.",
    )


def _weight_figure(portfolio: Portfolio) -> Figure:
    weights, shares = portfolio.chosen.weights, portfolio.risk_shares()
    largest = np.argsort(-np.abs(weights), kind="stable")[:MOST_ASSETS]
    names = tuple(portfolio.problem.assets[place] for place in largest)
    return Figure(
        "Weights, and what they add to the risk",
        "asset",
        "share",
        (
            Series("weight", names, tuple(map(float, weights[largest])), "bars"),
            Series("share of the risk", names, tuple(map(float, shares[largest])), "bars"),
        ),
        "An asset with more of the risk than of the weight is riskier than the portfolio.",
    )
