"""The strategy curve: what each cut-off would approve, and what it would have earned."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, RisingShares, Share, ShareOrAll
from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.impact import GROUPS, Impact, impacts, worst
from penstock.measure.intervals import CONFIDENCE
from penstock.measure.lots import Earned, Estimate, Floats, Lots, Outcome
from penstock.measure.strategy_tables import (
    bad_rate_figure,
    curve_figure,
    curve_table,
    fairness_figure,
    fairness_table,
    gains_table,
    strategies_table,
)

VALUED = (
    f"loan_id STRING, is_bad INT, pd DOUBLE, lender_grade STRING, {GROUPS}, "
    "expected_profit_usd DECIMAL(12,2), realised_profit_usd DECIMAL(12,2)"
)
EARLIER = "pd DOUBLE, expected_profit_usd DECIMAL(12,2)"
ALL, BEST, OWN = "approve all", "best cut-off", "expected profit above 0"
SHARE, GRADES = "share by PD", "lender's grades"
METRIC_NAMES = {ALL: "all", BEST: "best", OWN: "own", SHARE: "share", GRADES: "grades"}
SUITES = (BEST, OWN)  # rules that go by what this suite expects to earn

Resamples = Annotated[int, Ge(100)]


def compare_strategies(
    valued: DataFrame,
    earlier: DataFrame,
    *,
    approval_rates: RisingShares,
    approval_rate: Share,
    grades: list[str],
    min_loans: Count,
    min_ratio: ShareOrAll,
    decimals: int,
    resamples: Resamples,
    seed: int,
) -> Evidence:
    """Measure what cut-offs and rules would have approved and earned, with bootstrap intervals.

    Profits are per application, approved or not; who is declined earns nothing. The best cut-off is
    the one of greatest expected profit on loans issued earlier: neither outcomes nor the loans that
    it is judged on have a say in it. Five Spark queries; of earlier loans a sum for each PD reaches
    the driver, of the others some thousand sums, whatever their number.

    Args:
        valued: Loans whose outcome is known, with the columns of `VALUED`. Those without a profit
            are left out and counted.
        earlier: Loans issued before them, with the columns of `EARLIER`.
        approval_rates: Shares of loans that the cut-offs of the curve approve, safest first; loans
            tied at a cut-off are all approved. The best cut-off and approving all stand beside.
        approval_rate: The share of the rule "share by PD".
        grades: The grades that the rule "lender's grades" approves.
        min_loans: Smaller groups have no adverse impact ratio.
        min_ratio: Least adverse impact ratio, for the figure: 0.8 is the four-fifths rule.
        decimals: Decimals of PD that cut-offs have.
        resamples: Draws of the bootstrap, which draws lots of loans.
        seed: Of these draws.

    Returns:
        Metrics `loans`, `left_out`, `best_cut_off` (0 where none was expected to earn anything),
        `best_approval_rate`, `best_impact_ratio` (the least adverse impact ratio of an attribute at
        the best cut-off; None without groups to compare), `profit_<rule>` of the rules `all`,
        `best`, `own`, `share` and `grades`, their `gain_<rule>` over approving all, and
        `gain_<rule>_over_<other>` of `best` and `own`, on the same loans; ratio, profit and gain
        with `_low` and `_high`, 95 %. Tables "strategies", "gains", "curve" and "fairness" (the
        worst group of each attribute, by cut-off); figures "curve", "bad_rate" and, with
        groups to compare, "fairness". Money in USD.

    Raises:
        DataError: No loan has a profit.

    Source:
        Percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13,
        of sums over random lots of loans.
    """
    known = valued.where("expected_profit_usd IS NOT NULL AND realised_profit_usd IS NOT NULL")
    counts = count_by_score(known, score="pd", label="is_bad", by=None, decimals=decimals)
    if not counts.loans:
        raise DataError("No judged loan has a profit: prices or payments are unknown.")
    best_cut_off = _best_cut_off(earlier, decimals)
    cut_offs = np.unique([*_cut_offs(counts, [*approval_rates, 1.0]), best_cut_off])
    [at_share] = _cut_offs(counts, [approval_rate])
    score = F.round("pd", decimals)
    rules = {
        ALL: F.lit(True),
        BEST: score <= best_cut_off,
        OWN: F.col("expected_profit_usd") > 0,
        SHARE: score <= float(at_share),
        GRADES: F.col("lender_grade").isin(*grades),
    }
    judged = [*rules.values(), *[score <= float(cut_off) for cut_off in cut_offs]]
    lots = Lots.of(known, judged)
    earned = lots.earned(np.random.default_rng(seed), resamples)
    outcomes = lots.outcomes(earned)
    by_attribute = impacts(known, judged, min_loans=min_loans, level=CONFIDENCE)
    named = dict(zip(rules, outcomes, strict=False))
    curve, of_curve = outcomes[len(rules) :], by_attribute[len(rules) :]
    best = int(np.searchsorted(cut_offs, best_cut_off))
    gains = _gains(earned, list(rules))
    metrics = {
        "loans": float(counts.loans),
        "left_out": float(valued.count() - counts.loans),
        "best_cut_off": best_cut_off,
        "best_approval_rate": curve[best].approved,
        **_impact_metrics(worst(of_curve[best])),
        **_money_metrics(named, gains),
    }
    return Evidence(
        metrics,
        {
            "strategies": strategies_table(
                named, [gains[rule, ALL] for rule in rules], by_attribute[: len(rules)]
            ),
            "gains": gains_table({pair: gain for pair, gain in gains.items() if pair[0] in SUITES}),
            "curve": curve_table(cut_offs, curve, of_curve),
            "fairness": fairness_table(cut_offs, curve, of_curve),
        },
        {
            "curve": curve_figure(curve, best),
            "bad_rate": bad_rate_figure(curve, best),
            **fairness_figure(curve, best, of_curve, min_ratio),
        },
    )


def _best_cut_off(earlier: DataFrame, decimals: int) -> float:
    """Return the PD up to which the loans were expected to earn most; 0 where none would."""
    sums = (
        earlier.where("expected_profit_usd IS NOT NULL AND pd IS NOT NULL")
        .groupBy(F.round("pd", decimals).alias("score"))
        .agg(F.sum("expected_profit_usd").cast("double").alias("profit"))
        .toPandas()
        .sort_values("score")
    )
    if sums.empty:
        raise DataError(
            "No calibration loan has an expected profit, so that there is no best cut-off: prices "
            "are unknown, or no loan was issued between train_until and calibration_until of "
            "params.split_by_issue_date."
        )
    up_to = np.array([0.0, *sums["profit"].cumsum()])
    return float([0.0, *sums["score"]][int(up_to.argmax())])


def _cut_offs(counts: ScoreCounts, shares: Sequence[float]) -> Floats:
    """Return the least PDs up to which these shares of the loans lie, or more."""
    up_to = np.cumsum(counts.n) / counts.loans
    # The last of them may be 1 - 1e-16.
    places = np.searchsorted(up_to, shares).clip(max=len(up_to) - 1)
    found: Floats = counts.score[places]
    return found


def _gains(earned: Earned, rules: list[str]) -> dict[tuple[str, str], Estimate]:
    """Return the gain of each rule over approving all, and of the suite's over all others."""
    return {
        (rule, other): earned.gain(place, rules.index(other))
        for place, rule in enumerate(rules)
        for other in rules
        if other == ALL or (rule in SUITES and other != rule)
    }


def _money_metrics(
    by_rule: Mapping[str, Outcome], gains: Mapping[tuple[str, str], Estimate]
) -> dict[str, float | None]:
    metrics: dict[str, float | None] = {}
    for rule, outcome in by_rule.items():
        metrics |= outcome.realised.metrics(f"profit_{METRIC_NAMES[rule]}")
    for (rule, other), gain in gains.items():
        if rule != ALL:
            over = "" if other == ALL else f"_over_{METRIC_NAMES[other]}"
            metrics |= gain.metrics(f"gain_{METRIC_NAMES[rule]}{over}")
    return metrics


def _impact_metrics(impact: Impact | None) -> dict[str, float | None]:
    ends = (impact.ratio, impact.low, impact.high) if impact else (None, None, None)
    names = ("best_impact_ratio", "best_impact_ratio_low", "best_impact_ratio_high")
    return dict(zip(names, ends, strict=True))
