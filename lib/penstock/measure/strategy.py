"""The strategy curve: what each cut-off would approve, and what it would have earned."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, RisingShares, Share, ShareOrAll
from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.figures import MOST_CURVES
from penstock.measure.impact import GROUPS, Impact, impacts, worst
from penstock.measure.lots import CONFIDENCE, Floats, Lots, Outcome

VALUED = (
    f"loan_id STRING, is_bad INT, pd DOUBLE, lender_grade STRING, {GROUPS}, "
    "expected_profit_usd DECIMAL(12,2), realised_profit_usd DECIMAL(12,2)"
)
ALL, OWN, SHARE, GRADES = "approve all", "expected profit above 0", "share by PD", "lender's grades"

Resamples = Annotated[int, Ge(100)]


def compare_strategies(
    valued: DataFrame,
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
    the one of greatest expected profit: outcomes have no say in it. Four Spark queries; some
    thousand sums reach the driver, whatever the number of loans.

    Args:
        valued: Loans whose outcome is known, with the columns of `VALUED`. Those without a profit
            are left out and counted.
        approval_rates: Shares of loans that the cut-offs of the curve approve, safest first; loans
            tied at a cut-off are all approved. All are approved as well.
        approval_rate: The share of the rule "share by PD".
        grades: The grades that the rule "lender's grades" approves.
        min_loans: Smaller groups have no adverse impact ratio.
        min_ratio: Least adverse impact ratio, for the figure: 0.8 is the four-fifths rule.
        decimals: Decimals of PD that cut-offs have.
        resamples: Draws of the bootstrap, which draws lots of loans.
        seed: Of these draws.

    Returns:
        Metrics `loans`, `left_out`, `best_cut_off`, `best_approval_rate`, `best_impact_ratio` (the
        least adverse impact ratio of an attribute at the best cut-off; None without groups to
        compare), `profit_<rule>` and `gain_<rule>` (over approving all) of the rules `own`, `share`
        and `grades`; ratio, profit and gain with `_low` and `_high`, 95 %. Tables "strategies",
        "curve" and "fairness" (the worst group of each attribute, by cut-off); figures "curve" and,
        with groups to compare, "fairness". Money in USD.

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
    cut_offs = np.unique(_cut_offs(counts, [*approval_rates, 1.0]))
    [at_share] = _cut_offs(counts, [approval_rate])
    score = F.round("pd", decimals)
    rules = {
        ALL: F.lit(True),
        OWN: F.col("expected_profit_usd") > 0,
        SHARE: score <= float(at_share),
        GRADES: F.col("lender_grade").isin(*grades),
    }
    by_cut_off = [score <= float(cut_off) for cut_off in cut_offs]
    lots = Lots.of(known, [*rules.values(), *by_cut_off])
    outcomes = lots.outcomes(np.random.default_rng(seed), resamples)
    named, curve = outcomes[: len(rules)], outcomes[len(rules) :]
    by_attribute = impacts(
        known, [*rules.values(), *by_cut_off], min_loans=min_loans, level=CONFIDENCE
    )
    of_named, of_curve = by_attribute[: len(rules)], by_attribute[len(rules) :]
    best = int(np.argmax([each.expected for each in curve]))
    metrics: dict[str, float | None] = {
        "loans": float(counts.loans),
        "left_out": float(valued.count() - counts.loans),
        "best_cut_off": float(cut_offs[best]),
        "best_approval_rate": curve[best].approved,
    }
    metrics |= _impact_metrics(worst(of_curve[best]))
    for rule, outcome in zip(("own", "share", "grades"), named[1:], strict=True):
        metrics |= outcome.metrics(rule)
    return Evidence(
        metrics,
        {
            "strategies": _strategies_table(dict(zip(rules, named, strict=True)), of_named),
            "curve": _curve_table(cut_offs, curve, of_curve),
            "fairness": _fairness_table(cut_offs, curve, of_curve),
        },
        {"curve": _figure(curve, best), **_fairness_figure(curve, best, of_curve, min_ratio)},
    )


def _cut_offs(counts: ScoreCounts, shares: Sequence[float]) -> Floats:
    """Return the least PDs up to which these shares of the loans lie, or more."""
    up_to = np.cumsum(counts.n) / counts.loans
    # The last of them may be 1 - 1e-16.
    places = np.searchsorted(up_to, shares).clip(max=len(up_to) - 1)
    found: Floats = counts.score[places]
    return found


def _impact_metrics(impact: Impact | None) -> dict[str, float | None]:
    ends = (impact.ratio, impact.low, impact.high) if impact else (None, None, None)
    names = ("best_impact_ratio", "best_impact_ratio_low", "best_impact_ratio_high")
    return dict(zip(names, ends, strict=True))


def _strategies_table(
    by_rule: dict[str, Outcome], of_rules: Sequence[Mapping[str, Impact]]
) -> Table:
    columns = (
        "rule", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "gain over all", "gain low", "gain high", "adverse impact ratio", "worst group",
    )  # fmt: skip
    rows = tuple(
        (
            rule,
            each.approved,
            each.bad_rate,
            each.expected,
            each.realised,
            *each.interval,
            each.gain,
            *each.gain_interval,
            *_worst(impacted),
        )
        for (rule, each), impacted in zip(by_rule.items(), of_rules, strict=True)
    )
    return Table("What each rule would have earned, USD per application", columns, rows)


def _curve_table(
    cut_offs: Floats, curve: Sequence[Outcome], of_curve: Sequence[Mapping[str, Impact]]
) -> Table:
    columns = (
        "PD cut-off", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "adverse impact ratio", "worst group",
    )  # fmt: skip
    rows = tuple(
        (float(c), o.approved, o.bad_rate, o.expected, o.realised, *o.interval, *_worst(impacted))
        for c, o, impacted in zip(cut_offs, curve, of_curve, strict=True)
    )
    return Table("The strategy curve, USD per application", columns, rows)


def _worst(by_attribute: Mapping[str, Impact]) -> tuple[float | None, str]:
    found = worst(by_attribute)
    if found is None:
        return None, ""
    return found.ratio, found.group and f"{found.attribute}: {found.group}"


def _fairness_table(
    cut_offs: Floats, curve: Sequence[Outcome], of_curve: Sequence[Mapping[str, Impact]]
) -> Table:
    columns = (
        "PD cut-off", "approved", "attribute", "worst group", "beside", "adverse impact ratio",
        "low", "high",
    )  # fmt: skip
    rows = tuple(
        (float(cut_off), each.approved, name, i.group, i.reference, i.ratio, i.low, i.high)
        for cut_off, each, impacted in zip(cut_offs, curve, of_curve, strict=True)
        for name, i in impacted.items()
    )
    return Table("Adverse impact of each cut-off, by attribute", columns, rows)


def _fairness_figure(
    curve: Sequence[Outcome],
    best: int,
    of_curve: Sequence[Mapping[str, Impact]],
    min_ratio: float,
) -> dict[str, Figure]:
    attributes = list(of_curve[best])[:MOST_CURVES]
    if not attributes:
        return {}
    series = []
    for name in attributes:
        ratios = [
            (each.approved, impacted[name].ratio)
            for each, impacted in zip(curve, of_curve, strict=True)
        ]
        known = [(approved, ratio) for approved, ratio in ratios if ratio is not None]
        series.append(Series(name, tuple(x for x, _ in known), tuple(y for _, y in known)))
    ends = (curve[0].approved, curve[-1].approved)
    at_best = (curve[best].approved,) * 2
    figure = Figure(
        "Adverse impact by approval rate",
        "share of applications approved",
        "adverse impact ratio",
        (
            *series,
            Series(f"{min_ratio:g} is asked for", ends, (min_ratio, min_ratio), "reference"),
            Series("best expected", at_best, (0.0, 1.0), "reference"),
        ),
        "Of each attribute the group approved least, as a share of the one approved most.",
    )
    return {"fairness": figure}


def _figure(curve: Sequence[Outcome], best: int) -> Figure:
    approved = tuple(each.approved for each in curve)
    at_best = (curve[best].approved,) * 2
    heights = [each.realised for each in curve] + [each.expected for each in curve]
    return Figure(
        "Profit by approval rate",
        "share of applications approved",
        "USD per application",
        (
            Series("realised", approved, tuple(each.realised for each in curve)),
            Series("", approved, tuple(each.interval[0] for each in curve), "bound"),
            Series("", approved, tuple(each.interval[1] for each in curve), "bound"),
            Series("expected", approved, tuple(each.expected for each in curve)),
            Series("best expected", at_best, (min(heights), max(heights)), "reference"),
        ),
        "Realised profit with its 95 % interval. The best cut-off is chosen by expected profit.",
    )
