"""Allowance walk: why the allowance of one reporting date is not that of the date before."""

import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.lending.outlook import Outlooks

CENTS = "decimal(14,2)"
STEPS = ("closed", "new", "stage", "pd", "lgd", "ead", "macro", "overlay")
"""What moves an allowance, in the order in which it is told apart."""
_SIDES = {"before": "opening_usd", "after": "closing_usd"}
_MODELLED = ("pd", "lgd", "ead", "macro")
_COMPARED = (
    "loan_id", "stage", "lgd", "lifetime_pd", "pd_12m", "exposure_lifetime_usd",
    "exposure_12m_usd", "macro_factor", "overlay_usd", "allowance_usd",
)  # fmt: skip


def walk_allowance(provisions: DataFrame, *, outlooks: Outlooks) -> DataFrame:
    """Walk from the allowance of each reporting date to that of the next, step by step.

    Grain: one row per `reporting_date`, which is the later one, `stage_before` and `stage_after`;
    0 stands for not open. With one reporting date there are no rows.

    A modelled allowance is LGD x PD x exposure x macro factor, the PD and the exposure being those
    of twelve months in stage 1 and of the life else. For a loan that is open on both dates, first
    the stage is that of the later date, then the PD, the LGD, the exposure and the macro factor, so
    that each step is the difference of two products, each rounded to cents. No step is what is
    left over: the last product is the allowance of the later date.

    Args:
        provisions: Columns of `provision_checks.PROVISION_COLUMNS`.
        outlooks: Their reporting dates.

    Returns:
        The columns of `provision_checks.WALK_COLUMNS`; what was closed and what is new counts in
        full.

    Source:
        Reconciliation of the loss allowance: IFRS 7, 35H and 35I.
    """
    days = [outlook["reporting_date"] for outlook in outlooks]
    pairs = zip(days, days[1:], strict=False)
    walked = [_walked(provisions, before, after) for before, after in pairs]
    if not walked:
        return _grouped(_walked(provisions, days[0], days[0]).where(F.lit(False)))
    return _grouped(reduce(DataFrame.unionByName, walked))


def _walked(provisions: DataFrame, before: datetime.date, after: datetime.date) -> DataFrame:
    earlier, later = (
        provisions.where(F.col("reporting_date") == F.lit(day)).select(
            "loan_id", F.struct(*_COMPARED).alias(name)
        )
        for day, name in ((before, "before"), (after, "after"))
    )
    both = earlier.join(later, "loan_id", how="full")
    return both.select(
        F.lit(after).alias("reporting_date"),
        *[F.coalesce(f"{side}.stage", F.lit(0)).alias(f"stage_{side}") for side in _SIDES],
        *[_usd(f"{side}.allowance_usd").alias(name) for side, name in _SIDES.items()],
        *[column.alias(f"{step}_usd") for step, column in _steps().items()],
    )


def _steps() -> dict[str, Column]:
    is_new, is_closed = F.col("before").isNull(), F.col("after").isNull()
    stays = ~is_new & ~is_closed
    products = [_usd("before.allowance_usd") - _usd("before.overlay_usd")]
    taken = dict.fromkeys(_MODELLED, "before")
    products.append(_product(taken))
    for factor in _MODELLED:
        taken = {**taken, factor: "after"}
        products.append(_product(taken))
    moved = [now - was for was, now in zip(products, products[1:], strict=False)]
    named = dict(zip(("stage", *_MODELLED), moved, strict=True))
    named["overlay"] = _usd("after.overlay_usd") - _usd("before.overlay_usd")
    return {
        "closed": _if(is_closed, -_usd("before.allowance_usd")),
        "new": _if(is_new, _usd("after.allowance_usd")),
        **{step: _if(stays, column) for step, column in named.items()},
    }


def _product(taken: dict[str, str]) -> Column:
    """Return an allowance in the later stage, with each factor from one of the dates."""
    is_year = F.col("after.stage") == 1

    def of(side: str, year: str, life: str) -> Column:
        return F.when(is_year, F.col(f"{side}.{year}")).otherwise(F.col(f"{side}.{life}"))

    pd = of(taken["pd"], "pd_12m", "lifetime_pd")
    exposure = of(taken["ead"], "exposure_12m_usd", "exposure_lifetime_usd")
    lgd, macro = F.col(f"{taken['lgd']}.lgd"), F.col(f"{taken['macro']}.macro_factor")
    return (lgd * pd * exposure * macro).cast(CENTS)


def _usd(name: str) -> Column:
    return F.coalesce(name, F.lit(0)).cast(CENTS)


def _if(condition: Column, amount: Column) -> Column:
    return F.when(condition, amount).otherwise(F.lit(0)).cast(CENTS)


def _grouped(walked: DataFrame) -> DataFrame:
    amounts = ("opening_usd", *[f"{step}_usd" for step in STEPS], "closing_usd")
    return walked.groupBy("reporting_date", "stage_before", "stage_after").agg(
        F.count(F.lit(1)).alias("loans"),
        *[F.sum(name).cast("decimal(18,2)").alias(name) for name in amounts],
    )
