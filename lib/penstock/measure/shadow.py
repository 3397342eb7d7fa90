"""The shadow: what a model that does not decide yet says of the loans that another one scores."""

import math
from typing import Annotated

import numpy as np
from annotated_types import MinLen
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Share
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.evaluation import Decimals
from penstock.measure.paired import PairCounts, count_by_both
from penstock.measure.populations import Population
from penstock.measure.stability import estimated_auc
from penstock.measure.swaps import SwapSet, swap_set

# What `compare_shadow` reads of each scored table.
SHADOWED_COLUMNS = "row_id STRING, pd DOUBLE"


def compare_shadow(
    champion: DataFrame,
    shadow: DataFrame,
    *,
    decimals: Decimals,
    approval_rates: Annotated[list[Share], MinLen(1)],
) -> Evidence:
    """Compare the PDs of two models for loans whose outcome nobody knows yet.

    Runs one Spark query, whose result is bounded as `count_by_pair` says.

    Grain: one row per `row_id` in each table; both have the same.

    Args:
        champion: Loans by the model that decides: `row_id`, `pd` (0-1).
        shadow: The same loans by the model beside it.
        decimals: Decimals of PD that loans are counted by, 1-8.
        approval_rates: Shares of loans to approve, each above 0 and below 1.

    Returns:
        Metrics loans, mean_pd, shadow_mean_pd, estimated_auc and shadow_estimated_auc (the AUC that
        the PDs promise, as far as they are calibrated; None if all are 0 or 1) and rank_correlation
        (Spearman's; None if all PDs of a model are equal); table and figure swapped, by approval
        rate.

    Raises:
        DataError: There are no loans, a loan stands in one table only, has no PD or one outside
            0-1.
    """
    # All of them count as good: nothing below asks which are.
    scored = [
        table.select("row_id", "pd", F.lit(0).alias("is_bad")) for table in (champion, shadow)
    ]
    pairs = count_by_both(*scored, beside="shadow", decimals=decimals)
    swaps = {rate: swap_set(pairs, approval_rate=rate) for rate in sorted(approval_rates)}
    n = pairs.n_good
    return Evidence(
        metrics={
            "loans": float(n.sum()),
            "mean_pd": float(np.average(pairs.score_a, weights=n)),
            "shadow_mean_pd": float(np.average(pairs.score_b, weights=n)),
            "estimated_auc": _estimated_auc(pairs.score_a, n),
            "shadow_estimated_auc": _estimated_auc(pairs.score_b, n),
            "rank_correlation": _rank_correlation(pairs),
        },
        tables={"swapped": _table(swaps)},
        figures={"swapped": _figure(swaps, int(n.sum()))},
    )


def _estimated_auc(pds: NDArray[np.float64], n: NDArray[np.int64]) -> float | None:
    distinct, place = np.unique(pds, return_inverse=True)
    loans = np.bincount(place, weights=n).astype(np.int64)
    return estimated_auc(Population(distinct, loans))


def _rank_correlation(pairs: PairCounts) -> float | None:
    n = pairs.n_good
    a, b = (_mid_ranks(scores, n) for scores in (pairs.score_a, pairs.score_b))
    a, b = (ranks - np.average(ranks, weights=n) for ranks in (a, b))
    spread = math.sqrt(float((n * a * a).sum()) * float((n * b * b).sum()))
    return float((n * a * b).sum()) / spread if spread else None


def _mid_ranks(scores: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    _, place = np.unique(scores, return_inverse=True)
    at = np.bincount(place, weights=n)
    ranks: NDArray[np.float64] = (np.cumsum(at) - at / 2)[place]
    return ranks


def _table(swaps: dict[float, SwapSet]) -> Table:
    return Table(
        "Loans on which the two would decide differently",
        ("approval_rate", "approved_loans", "swapped_loans"),
        tuple(
            (rate, round(found.by_a.loans, 1), round(found.swapped_in.loans, 1))
            for rate, found in swaps.items()
        ),
    )


def _figure(swaps: dict[float, SwapSet], loans: int) -> Figure:
    shares = tuple(2 * found.swapped_in.loans / loans for found in swaps.values())
    return Figure(
        "Decided differently by the shadow",
        "Approval rate",
        "Share of all loans",
        (Series("swapped in or out", tuple(swaps), shares),),
        note="As many are let in as are turned away. Who is right is known when the loans are.",
    )
