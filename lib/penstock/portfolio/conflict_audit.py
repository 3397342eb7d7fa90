"""The audit of a conflict: what its limits leave, added up by SQL on the table of offers itself.

As `audit.py` it knows nothing of cells, rows, blocks or prices: it reads limits as users write
them. Of a cut of a tail limit it is told which scenarios count, and draws these anew.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import permutations
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.portfolio.audit import use_of
from penstock.portfolio.factors import draw_scenarios
from penstock.portfolio.feasibility import Conflict
from penstock.portfolio.limits import Limit, Parity, parity_row
from penstock.portfolio.measuring import applicants_by
from penstock.portfolio.tail_audit import loss_at
from penstock.portfolio.tail_limits import group_of, mean_pds
from penstock.portfolio.wishes import Wishes

_EXACT = "decimal(38,15)"  # sums of it are the same in any order

Term = tuple[Column, float]  # multiplier x what an offer uses of a limit; multiplier x bound


def left_by_sql(candidates: DataFrame, conflict: Conflict, wishes: Wishes) -> float:
    """Return what limits leave at most, added with the multipliers of a conflict.

    Below 0 no plan keeps them all, not even one in parts: of a plan that does, each limit leaves 0
    or more.

    Args:
        candidates: One row per `application_id` and `offer`; without a profit it cannot be made.

    Source:
        Farkas' lemma: sum l b + the sum over applicants of max(0, max(-l a)).
    """
    makeable = candidates.where(column_of(wishes.profit).isNotNull())
    terms = [
        *_of_limits(wishes.limits, conflict),
        *_of_parities(candidates, wishes.parities, conflict),
        *_of_cuts(makeable, wishes, conflict),
    ]
    used = reduce(add, (each for each, _ in terms), F.lit(0.0))
    least = makeable.groupBy("application_id").agg(F.least(F.min(used), F.lit(0.0)).alias("used"))
    total = least.agg(F.sum(F.col("used").cast(_EXACT))).collect()[0][0]
    return sum(bound for _, bound in terms) - float(total or 0)


def _of_limits(limits: Sequence[Limit], conflict: Conflict) -> Iterator[Term]:
    for limit in limits:
        if multiplier := conflict.multipliers.get(limit["name"]):
            sign = multiplier if "at_most" in limit else -multiplier
            bound = limit["at_most"] if "at_most" in limit else limit["at_least"]
            yield sign * use_of(limit), 0.0 if "per" in limit else sign * bound


def _of_parities(
    candidates: DataFrame, parities: Sequence[Parity], conflict: Conflict
) -> Iterator[Term]:
    for attribute, least in ((p["attribute"], p["min_ratio"]) for p in parities if p["enforce"]):
        group = F.col(attribute).cast("string")
        counts = applicants_by(candidates, attribute)
        named = {name: count for name, count in counts.items() if name is not None}
        for one, other in permutations(named, 2):
            if multiplier := conflict.multipliers.get(parity_row(attribute, one, other)):
                of_one = F.when(group == one, least / named[one])
                used = of_one.when(group == other, -1 / named[other]).otherwise(0.0)
                yield multiplier * used, 0.0


def _of_cuts(makeable: DataFrame, wishes: Wishes, conflict: Conflict) -> Iterator[Term]:
    if not conflict.cuts:
        return
    factors = wishes.factors
    named = (column_of(factors[key]).cast("string") for key in ("sector", "pd_band"))
    rows = makeable.select(*named).distinct().collect()
    groups = sorted(group_of(sector, band, factors) for sector, band in rows)
    scenarios = draw_scenarios(groups, factors)
    tails = {tail["name"]: tail for tail in wishes.tail_limits}
    for cut in conflict.cuts:
        tail = tails[cut.limit]
        pds = map(float, mean_pds(scenarios, tail["level"], cut.scenarios))
        used = loss_at(dict(zip(groups, pds, strict=True)), factors)
        yield cut.multiplier * used, cut.multiplier * tail["at_most"]
