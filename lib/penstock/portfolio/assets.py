"""The classical portfolio: weights of assets, or of pools of loans, from their past returns."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Interval
from pyspark.sql import DataFrame

from penstock.annotations import Positive
from penstock.errors import ConfigError
from penstock.evidence import Evidence
from penstock.portfolio.asset_report import Portfolio, report_weights
from penstock.portfolio.asset_returns import collect_returns
from penstock.portfolio.asset_risk import Estimator, Shortfall, Volatility, covariance_of
from penstock.portfolio.weight_limits import (
    Bounds,
    WeightLimit,
    attributes_of,
    bounds_of,
    weight_rows,
)
from penstock.portfolio.weights import WeightProblem

WEIGHT_COLUMNS = """
    asset STRING COMMENT 'key',
    weight DOUBLE COMMENT 'share of the portfolio; all add up to 1, below 0 = sold short',
    expected_return DOUBLE COMMENT 'mean of past returns, by period, fraction',
    volatility DOUBLE COMMENT 'standard deviation of the return, by period, fraction',
    risk_share DOUBLE COMMENT 'share of the risk of the portfolio; all add up to 1',
    least_weight DOUBLE COMMENT 'bound',
    greatest_weight DOUBLE COMMENT 'bound',
    bound_price DOUBLE COMMENT 'gain by unit of weight beyond the bound; 0 inside'"""

Level = Annotated[float, Interval(gt=0.5, lt=1)]


def optimise_assets(
    returns: DataFrame,
    *,
    objective: Literal["mean_variance", "cvar"],
    risk_aversion: Positive | None,
    target_return: float | None,
    level: Level,
    covariance: Estimator,
    weight_bounds: Bounds,
    asset_bounds: dict[str, Bounds],
    limits: list[WeightLimit],
    frontier_points: Annotated[int, Ge(2)],
) -> tuple[DataFrame, Evidence]:
    """Choose the weights of assets by return and risk, under limits.

    All figures are by period, as the returns are: those of months give a return by month. Past
    returns reach the driver, at most `MOST_RETURNS` of `asset_returns.py`; equal returns give equal
    weights, in any order and partitioning.

    Args:
        returns: One row per `date` and `asset`, without gaps, with the `return` (fraction) over the
            period that ends on the date, and the columns that limits mention: texts, or numbers.
        objective: What risk is: "mean_variance" the variance, "cvar" the expected shortfall.
        risk_aversion: Greatest is return less this x half the variance, or this x the shortfall.
        target_return: Or least is the risk at this expected return. One of the two must be null.
        level: Of the shortfall (0.95: the mean loss of the worst 5 % of periods).
        covariance: "ledoit_wolf", shrunk, or "sample".
        weight_bounds: Least and greatest weight of an asset.
        asset_bounds: Asset to bounds of its own.
        limits: On shares of the portfolio and on averages over it.
        frontier_points: Portfolios of least risk, by return, that the frontier is drawn through.

    Returns:
        Weights: one row per asset, with `WEIGHT_COLUMNS`.
        Evidence: Metrics `assets`, `periods`, `expected_return`, `volatility`, `shortfall`,
            `effective_assets` (1 / sum of squared weights), `shrinkage` (0-1; null of "sample") and
            `price_of_return` (risk by unit of return at the target; null without one). Tables
            "portfolios", "limits" (use, and price: what one unit looser would gain, in expected
            return, or save of the risk with a target) and "frontier"; figures "frontier" and
            "weights".

    Raises:
        DataError: As of `collect_returns`.
        ConfigError: Both or none of aversion and target, limits that speak of what is not there, or
            that exclude each other.
    """
    if (risk_aversion is None) == (target_return is None):
        raise ConfigError(
            f"risk_aversion is {risk_aversion} and target_return {target_return}: give one of the "
            "two, and null for the other."
        )
    past = collect_returns(returns, attributes=attributes_of(limits))
    scale = float(np.sqrt((past.by_period**2).mean())) or 1.0
    spread, shrinkage = covariance_of(past.by_period / scale, covariance)
    risks = (Volatility(spread), Shortfall(past.by_period / scale, level))
    problem = WeightProblem(
        past.assets,
        past.mean,
        risks[0] if objective == "mean_variance" else risks[1],
        scale,
        *bounds_of(past.assets, weight_bounds, asset_bounds),
        weight_rows(limits, past),
    )
    problem.check(target_return)
    chosen = (
        problem.with_least_risk(target_return)
        if risk_aversion is None
        else problem.with_greatest_utility(risk_aversion)
    )
    portfolio = Portfolio(problem, len(past.by_period), risks, chosen, shrinkage)
    weights = returns.sparkSession.createDataFrame(portfolio.rows(), WEIGHT_COLUMNS)
    return weights, report_weights(portfolio, frontier_points)
