"""Comparison of a challenger with the champion, on loans that neither has seen.

How good each of them is by itself is `validation.py`'s.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame

from penstock.annotations import Positive, Share
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.evaluation import Decimals
from penstock.measure.paired import PairCounts, auc_metrics, count_by_both, delong_difference
from penstock.measure.profit import ProfitDifference, Stake, profit_difference
from penstock.measure.swaps import SwapSet, swap_set

# What `compare_pds` reads of each scored table.
COMPARED_COLUMNS = "row_id STRING, is_bad INT, pd DOUBLE"


def compare_pds(
    champion: DataFrame,
    challenger: DataFrame,
    *,
    decimals: Decimals,
    confidence: Share,
    approval_rates: list[Share],
    approval_rate: Share,
    profit_of_good: Positive,
    loss_of_bad: Positive,
) -> Evidence:
    """Compare the PDs of two models for the same loans: ranking, who is approved, and profit.

    Runs one Spark query, whose result is bounded as `count_by_pair` says.

    Grain: one row per `row_id` in each table; both have the same.

    Args:
        champion: Loans by the model in use: `row_id`, `is_bad` (0 or 1), `pd` (0-1).
        challenger: The same loans by the other model, with the same columns.
        decimals: Decimals of PD that loans are counted by, 1-8.
        confidence: Of the intervals of the differences, above 0 and below 1.
        approval_rates: Shares of loans to approve in table and figure, each above 0 and below 1.
        approval_rate: The one of them whose profit is a metric.
        profit_of_good, loss_of_bad: What a loan that is made earns, in one unit, both above 0.

    Returns:
        The evidence of `comparison_of`.

    Raises:
        DataError: There are no loans, a loan stands in one table only, or cannot be measured.
    """
    stake = Stake(profit_of_good, loss_of_bad)
    pairs = count_by_both(champion, challenger, beside="challenger", decimals=decimals)
    return comparison_of(
        pairs,
        confidence=confidence,
        approval_rates=sorted({*approval_rates, approval_rate}),
        approval_rate=approval_rate,
        stake=stake,
    )


def comparison_of(
    pairs: PairCounts,
    *,
    confidence: float,
    approval_rates: Sequence[float],
    approval_rate: float,
    stake: Stake,
) -> Evidence:
    """Return the evidence that compares two PDs, from loans counted by both.

    Args:
        pairs: Score a is the champion's PD, b the challenger's.
        confidence: As in `compare_pds`.
        approval_rates: In order; `approval_rate` is one of them.
        stake: What a loan earns.

    Returns:
        Metrics champion_auc, challenger_auc, auc_difference (challenger less champion) with _low,
        _high and _p, None with fewer than two goods or bads; profit_difference with _low and _high,
        per application; loans and bads; tables and figures swap_set and profit, by approval rate.
    """
    ranked = PairCounts(pairs.score_b, pairs.score_a, pairs.n_good, pairs.n_bad)
    found = delong_difference(ranked, level=confidence)
    swaps = {rate: swap_set(pairs, approval_rate=rate) for rate in approval_rates}
    profits = {
        rate: profit_difference(pairs, approval_rate=rate, stake=stake, level=confidence)
        for rate in approval_rates
    }
    decided = profits[approval_rate]
    return Evidence(
        metrics={
            **auc_metrics(found, auc_a="challenger_auc", auc_b="champion_auc"),
            "auc_difference_p": found.p_value if found else None,
            "profit_difference": decided.difference,
            "profit_difference_low": decided.low,
            "profit_difference_high": decided.high,
            "loans": float((pairs.n_good + pairs.n_bad).sum()),
            "bads": float(pairs.n_bad.sum()),
        },
        tables={"swap_set": _swap_table(swaps), "profit": _profit_table(profits, stake)},
        figures={"swap_set": _swap_figure(swaps), "profit": _profit_figure(profits)},
    )


def _swap_table(swaps: dict[float, SwapSet]) -> Table:
    rows = (
        (
            rate,
            swaps.by_a.bad_rate,
            swaps.by_b.bad_rate,
            round(swaps.swapped_in.loans, 1),
            swaps.swapped_in.bad_rate,
            swaps.swapped_out.bad_rate,
        )
        for rate, swaps in swaps.items()
    )
    return Table(
        "Swap set: as many loans swapped in as out if the challenger decides",
        ("approval_rate", "champion_bad_rate", "challenger_bad_rate", "swapped_loans",
         "swapped_in_bad_rate", "swapped_out_bad_rate"),
        tuple(rows),
    )  # fmt: skip


def _swap_figure(swaps: dict[float, SwapSet]) -> Figure:
    series = []
    for name, kind in (("swapped in", "swapped_in"), ("swapped out", "swapped_out")):
        rates = {rate: getattr(found, kind).bad_rate for rate, found in swaps.items()}
        known = {rate: bad_rate for rate, bad_rate in rates.items() if bad_rate is not None}
        series.append(Series(name, tuple(known), tuple(known.values())))
    return Figure(
        "Bad rate of the swap set",
        "Approval rate",
        "Bad rate",
        tuple(series),
        note="The challenger decides better where those it lets in default less than those it "
        "turns away.",
    )


def _profit_table(profits: dict[float, ProfitDifference], stake: Stake) -> Table:
    return Table(
        f"Profit per application: a good loan earns {stake.good:g}, a bad one loses {stake.bad:g}",
        ("approval_rate", "champion", "challenger", "difference", "low", "high"),
        tuple((rate, p.by_a, p.by_b, p.difference, p.low, p.high) for rate, p in profits.items()),
    )


def _profit_figure(profits: dict[float, ProfitDifference]) -> Figure:
    rates = tuple(profits)
    found = profits.values()
    return Figure(
        "Profit gained by the challenger",
        "Approval rate",
        "Per application",
        (
            Series("difference", rates, tuple(p.difference for p in found)),
            Series("interval", rates, tuple(p.low for p in found), "bound"),
            Series("", rates, tuple(p.high for p in found), "bound"),
            Series("champion", (rates[0], rates[-1]), (0.0, 0.0), "reference"),
        ),
        note="Above the line the challenger earns more; between the bounds the truth may lie.",
    )
