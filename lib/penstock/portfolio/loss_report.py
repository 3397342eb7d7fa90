"""The loss distribution of a portfolio as metrics, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.portfolio.concentration import TOP, Concentration
from penstock.portfolio.loss_cells import LossCells
from penstock.portfolio.loss_simulation import SimulatedRisk
from penstock.portfolio.one_factor import AnalyticRisk, shares_between

Floats = NDArray[np.float64]

BARS = 60
MOST_SECTORS = 20  # in a figure: the riskiest
STANDARD_ERRORS = 1.959964  # either way, to 95 %


@dataclass(frozen=True)
class RiskAtLevel:
    """What is known of the risk at one level, such as 0.999."""

    level: float
    analytic: AnalyticRisk | None
    simulated: SimulatedRisk

    @property
    def percent(self) -> str:
        """The level in percent, such as "99.9"."""
        return f"{100 * self.level:.10g}"

    @property
    def analytic_var(self) -> float | None:
        """Value at risk with one factor and with granularity, USD."""
        exact = self.analytic
        return exact.var + exact.var_granularity if exact else None

    @property
    def analytic_es(self) -> float | None:
        """Expected shortfall with one factor and with granularity, USD."""
        exact = self.analytic
        return exact.es + exact.es_granularity if exact else None

    def metrics(self) -> dict[str, float | None]:
        """Return both risks by name, the simulated ones with their intervals."""
        level, found = self.percent.replace(".", "_"), self.simulated
        named: dict[str, float | None] = {
            f"analytic_var_{level}_usd": self.analytic_var,
            f"analytic_es_{level}_usd": self.analytic_es,
        }
        errors = {"var": (found.var, found.var_error), "es": (found.es, found.es_error)}
        for measure, (value, error) in errors.items():
            name, half = f"simulated_{measure}_{level}_usd", STANDARD_ERRORS * error
            named |= {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
        return named


def report_losses(
    cells: LossCells,
    correlations: Floats,
    losses: Floats,
    risks: Sequence[RiskAtLevel],
    concentrations: Mapping[str, Concentration],
) -> Evidence:
    """Return what `measure_losses` promises.

    Args:
        cells: The portfolio.
        correlations: Asset correlation of each cell, shape (n_cells,).
        losses: Simulated, USD, shape (n_scenarios,).
        risks: Of each level, rising.
        concentrations: By what is concentrated.
    """
    worst = risks[-1]
    amounts = {
        "exposure": cells.by_sector(cells.exposure),
        "expected loss": cells.by_sector(cells.at_default * cells.pd),
        f"{worst.percent} % shortfall": worst.simulated.by_sector,
    }
    # Where nothing is lost, no sector has a share in it.
    shares = {name: usd / (usd.sum() or 1.0) for name, usd in amounts.items()}
    return Evidence(
        _metrics(cells, risks, concentrations),
        {
            "risk": _risk_table(risks),
            "sectors": _sector_table(cells, amounts, shares),
            "concentration": _concentration_table(concentrations),
        },
        {
            "distribution": _distribution(cells, correlations, losses, worst),
            "sectors": _sector_figure(cells, shares),
        },
    )


def _metrics(
    cells: LossCells, risks: Sequence[RiskAtLevel], concentrations: Mapping[str, Concentration]
) -> dict[str, float | None]:
    exposure = float(cells.exposure.sum())
    metrics: dict[str, float | None] = {
        "loans": float(cells.loans.sum()),
        "exposure_usd": exposure,
        "expected_loss_usd": cells.expected_loss,
        "expected_loss_rate": cells.expected_loss / exposure,
    }
    for risk in risks:
        metrics |= risk.metrics()
    for what, found in concentrations.items():
        metrics |= found.metrics(what)
    return metrics


def _risk_table(risks: Sequence[RiskAtLevel]) -> Table:
    rows: list[tuple[str | float | None, ...]] = []
    for risk in risks:
        exact, found, level = risk.analytic, risk.simulated, f"{risk.percent} %"
        of_var, of_es = (exact.var_granularity, exact.es_granularity) if exact else (None, None)
        rows += [
            (level, "VaR", risk.analytic_var, of_var, found.var, found.var_error),
            (level, "ES", risk.analytic_es, of_es, found.es, found.es_error),
        ]
    columns = (
        "level", "measure", "one factor", "of it granularity", "a factor per sector",
        "standard error",
    )  # fmt: skip
    return Table("Value at risk and expected shortfall, USD", columns, tuple(rows))


def _sector_table(
    cells: LossCells, amounts: Mapping[str, Floats], shares: Mapping[str, Floats]
) -> Table:
    loans = cells.by_sector(cells.loans).astype(int)
    columns = [each for name in amounts for each in (amounts[name], shares[name])]
    rows = tuple(
        (name, int(loans[place]), *[float(column[place]) for column in columns])
        for place, name in enumerate(cells.sectors)
    )
    names = (title for name in amounts for title in (name, f"share of {name}"))
    return Table("What each sector adds, USD", ("sector", "loans", *names), rows)


def _concentration_table(concentrations: Mapping[str, Concentration]) -> Table:
    rows = tuple((what, c.effective, c.hhi, c.largest, c.top) for what, c in concentrations.items())
    return Table(
        "Concentration of the exposure",
        ("by", "effective number", "HHI", "share of the largest", f"share of the {TOP} largest"),
        rows,
    )


def _distribution(
    cells: LossCells, correlations: Floats, losses: Floats, risk: RiskAtLevel
) -> Figure:
    worst = max(risk.simulated.es, risk.analytic_es or 0.0)
    edges = np.linspace(0.0, 1.1 * worst or 1.0, BARS + 1)
    exposure = cells.exposure.sum()
    middles = tuple(float(x) for x in (edges[:-1] + edges[1:]) / 2 / exposure)
    simulated = np.histogram(losses, bins=edges)[0] / len(losses)
    series = [Series("sectors", middles, tuple(map(float, simulated)), "bars")]
    if risk.analytic:
        smooth = tuple(map(float, shares_between(cells, correlations, edges)))
        series.append(Series("one factor", middles, smooth))
    marked = {
        "expected loss": cells.expected_loss,
        f"VaR {risk.percent} %": risk.simulated.var,
        f"ES {risk.percent} %": risk.simulated.es,
    }
    top = max(max(each.y) for each in series)
    for name, usd in marked.items():
        series.append(Series(name, (float(usd / exposure),) * 2, (0.0, top), "reference"))
    return Figure(
        "Distribution of the loss",
        "loss as a share of the exposure",
        "probability",
        tuple(series),
        "Bars have a factor for each sector, the curve has one for all, and infinitely many loans. "
        f"Upright lines, from the left: {', '.join(marked)}.",
    )


def _sector_figure(cells: LossCells, shares: Mapping[str, Floats]) -> Figure:
    *_, shortfall = shares.values()
    riskiest = np.argsort(-shortfall, kind="stable")[:MOST_SECTORS]
    names = tuple(cells.sectors[place] for place in riskiest)
    return Figure(
        "What each sector adds",
        "sector",
        "share",
        tuple(
            Series(what, names, tuple(map(float, of_sector[riskiest])), "bars")
            for what, of_sector in shares.items()
        ),
        "A sector that has more of the shortfall than of the expected loss adds more risk than its "
        "PDs alone say.",
    )
