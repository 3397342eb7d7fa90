"""The audit of tail limits: the loss in each scenario, by SQL sums over the plan's own offers."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.portfolio.audit import Use
from penstock.portfolio.factors import Factors, Group, draw_scenarios
from penstock.portfolio.limits import exact
from penstock.portfolio.measuring import amount_of
from penstock.portfolio.tail_limits import TailLimit, group_of, worst_scenarios


def audit_tails(
    offers: DataFrame, chosen: DataFrame, tail_limits: Sequence[TailLimit], factors: Factors
) -> tuple[Use, ...]:
    """Return the mean loss of a plan's worst scenarios, for each tail limit.

    Scenarios are drawn anew, of the plan's sectors and bands of PD alone.

    Args:
        offers: One row per `application_id` and `offer`, with the columns that factors name.
        chosen: `application_id` and `offer` (null: none), one row per applicant.
    """
    if not tail_limits:
        return ()
    made = chosen.where("offer IS NOT NULL").select("application_id", "offer")
    joined = offers.join(made, ["application_id", "offer"])
    sector = column_of(factors["sector"]).cast("string").alias("sector")
    pd_band = column_of(factors["pd_band"]).cast("string").alias("pd_band")
    lost = F.sum(amount_of(factors["loss_at_default"])).alias("lost")
    rows = joined.groupBy(sector, pd_band).agg(lost).collect()
    by_group = {group_of(row["sector"], row["pd_band"], factors): row["lost"] for row in rows}
    groups = sorted(by_group)
    scenarios = draw_scenarios(groups, factors)
    # Sums have six decimals: whole numbers of millionths.
    in_millionths = [int(by_group[group] * 10**6) for group in groups]
    uses = []
    for limit in tail_limits:
        worst = worst_scenarios(scenarios, limit["level"], in_millionths)
        amount = worst.mean / 10**6
        uses.append(Use(Fraction(amount), amount - exact(limit["at_most"])))
    return tuple(uses)


def loss_at(pds: Mapping[Group, float], factors: Factors) -> Column:
    """Return what an offer loses at the PDs of sectors and bands of PD; null of any other."""
    by_sector: dict[str, dict[str, float]] = {}
    for (sector, band), pd in pds.items():
        by_sector.setdefault(sector, {})[band] = pd
    of_sector = F.try_element_at(
        _map_of({sector: _map_of(bands) for sector, bands in by_sector.items()}),
        column_of(factors["sector"]).cast("string"),
    )
    pd_of = F.try_element_at(of_sector, column_of(factors["pd_band"]).cast("string"))
    return pd_of * amount_of(factors["loss_at_default"]).cast("double")


def _map_of(values: Mapping[str, float | Column]) -> Column:
    return F.create_map(
        *(each for key, value in values.items() for each in (F.lit(key), F.lit(value)))
    )
