"""The fairness audit: how groups of protected attributes fare by the decisions a PD would make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, Share, ShareOrAll
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.decisions import DecisionCounts, count_decisions
from penstock.measure.evaluation import Decimals
from penstock.measure.fairness import Comparison, Fairness, compare_groups

AUDITED_COLUMNS = "row_id STRING, pd DOUBLE, is_bad INT"
CONFIDENCE = 0.95
COLUMNS = (
    "group", "light", "loans", "selection_rate", "adverse_impact_ratio", "low", "high",
    "parity_difference", "opportunity_difference", "odds_difference", "mean_difference",
    "calibration",
)  # fmt: skip

UNAUDITED = Table("Fairness", ("note",), (("No protected attribute is named: none was audited.",),))


@dataclass(frozen=True)
class Policy:
    """What is held against what.

    Attributes:
        min_ratio: Least adverse impact ratio, above 0 and up to 1; 0.8 is the four-fifths rule.
        min_loans: Groups with fewer loans are not shown.
        reference: Attribute to its reference group; without one, the group approved most often.
    """

    min_ratio: float
    min_loans: int
    reference: Mapping[str, str]


def audit_fairness(
    judged: DataFrame,
    protected_table: DataFrame,
    *,
    protected: list[str],
    intersections: list[list[str]],
    approval_rate: Share,
    reference: dict[str, str],
    min_ratio: ShareOrAll,
    min_loans: Count,
    decimals: Decimals,
) -> Evidence:
    """Compare groups by the decisions that approve the safest share of the judged loans.

    Runs two Spark queries; no row leaves the cluster, groups of too few loans are not shown.

    Grain: one row per loan, in both tables.

    Args:
        judged: Loans the model has not seen: `row_id`, `pd` (0-1), `is_bad` (0 or 1).
        protected_table: From `read_protected`; a loan that is not in it is in the groups "unknown".
        protected: Attributes to audit.
        intersections: Lists of attributes to audit together, as [sex, age].
        approval_rate: Share of loans approved, those with the lowest PD, above 0 and below 1.
            Loans with one PD are approved together, if the middle of them lies within.
        reference, min_ratio, min_loans: As in `Policy`.
        decimals: Decimals that PDs are rounded to.

    Returns:
        Metrics `approval_rate` (as it came out), `cut_off` (highest PD approved),
        `min_adverse_impact_ratio` and `red_groups`; without protected attributes the first two, and
        a table that says so.
        For each attribute and intersection a table and a figure, `fairness_<attribute>`. A light is
        red where the whole 95 % interval of the ratio lies below `min_ratio`, amber where only the
        ratio does.

    Raises:
        ConfigError: A reference or an intersection of attributes that are not audited.
        DataError: No loan, PDs or labels that cannot be counted, a reference group that is not
            there or too small.
    """
    _check_attributes(protected, intersections, reference)
    counts = count_by_score(judged, score="pd", label="is_bad", by=None, decimals=decimals)
    cut_off = _cut_off(counts, approval_rate)
    approved = counts.n[counts.score <= cut_off].sum() / counts.loans
    metrics: dict[str, float | None] = {"approval_rate": float(approved), "cut_off": cut_off}
    if not protected:
        return Evidence(metrics, {"fairness": UNAUDITED})
    policy = Policy(min_ratio, min_loans, reference)
    decided = judged.join(protected_table, "row_id", "left").select(
        "pd",
        "is_bad",
        (F.round("pd", decimals) <= cut_off).alias("is_approved"),
        *(F.col("protected")[name].alias(f"of {name}") for name in protected),
    )
    decisions = count_decisions(
        decided,
        groups=[f"of {name}" for name in protected],
        approved="is_approved",
        label="is_bad",
        pd="pd",
    )
    audited = {
        " and ".join(names): _audited(decisions, names, policy)
        for names in (*([name] for name in protected), *intersections)
    }
    return _evidence(metrics, audited, policy)


def _check_attributes(
    protected: Sequence[str], intersections: Sequence[Sequence[str]], reference: Mapping[str, str]
) -> None:
    for name in (*reference, *(name for names in intersections for name in names)):
        if name not in protected:
            raise ConfigError(
                f"The fairness audit names '{name}', which is not among the protected attributes."
                f"{did_you_mean(name, protected)}"
            )


def _cut_off(counts: ScoreCounts, approval_rate: float) -> float:
    if not counts.loans:
        raise DataError("There are no loans to decide on: the judged table is empty.")
    middle = np.cumsum(counts.n) - counts.n / 2
    approved = counts.score[middle <= approval_rate * counts.loans]
    # The safest loans are approved in any case: a rate of nobody has no groups to compare.
    return float(approved[-1] if len(approved) else counts.score[0])


def _audited(decisions: DecisionCounts, names: Sequence[str], policy: Policy) -> Fairness:
    reference = [policy.reference[name] for name in names if name in policy.reference]
    return compare_groups(
        decisions.by(*(f"of {name}" for name in names)),
        reference=reference if len(reference) == len(names) else None,
        min_loans=policy.min_loans,
        level=CONFIDENCE,
    )


def _evidence(
    metrics: dict[str, float | None], audited: Mapping[str, Fairness], policy: Policy
) -> Evidence:
    ratios = [f.min_adverse_impact_ratio for f in audited.values()]
    known = [ratio for ratio in ratios if ratio is not None]
    lights = [_light(c, policy) for f in audited.values() for c in f.comparisons]
    metrics |= {
        "min_adverse_impact_ratio": min(known, default=None),
        "red_groups": float(lights.count("red")),
    }
    return Evidence(
        metrics,
        {f"fairness_{name}": _table(name, found, policy) for name, found in audited.items()},
        {
            f"fairness_{name}": _figure(name, found, policy)
            for name, found in audited.items()
            if found.comparisons
        },
    )


def _light(comparison: Comparison, policy: Policy) -> str:
    ratio, high = comparison.adverse_impact_ratio, comparison.air_high
    if ratio is None or ratio >= policy.min_ratio:
        return "green" if ratio is not None else ""
    return "amber" if high is not None and high >= policy.min_ratio else "red"


def _table(name: str, found: Fairness, policy: Policy) -> Table:
    hidden = (
        f"; {found.suppressed_groups} groups of fewer than {policy.min_loans} loans "
        f"({found.suppressed_loans} loans) are not shown"
        if found.suppressed_groups
        else ""
    )
    beside = " and ".join(found.reference) if found.reference else "no group"
    rows = tuple(
        (
            " and ".join(c.group.name),
            _light(c, policy),
            c.group.loans,
            c.group.selection_rate,
            c.adverse_impact_ratio,
            c.air_low,
            c.air_high,
            c.parity_difference,
            c.opportunity_difference,
            c.odds_difference,
            c.mean_difference,
            c.group.calibration_in_the_large,
        )
        for c in found.comparisons
    )
    return Table(f"Fairness by {name}, beside {beside}{hidden}", COLUMNS, rows)


def _figure(name: str, found: Fairness, policy: Policy) -> Figure:
    groups = tuple(" and ".join(c.group.name) for c in found.comparisons)
    rates = tuple(c.group.selection_rate for c in found.comparisons)
    beside = next(c.group for c in found.comparisons if c.group.name == found.reference)
    least = policy.min_ratio * beside.selection_rate
    return Figure(
        f"Approved by {name}",
        name,
        "share approved",
        (
            Series("approved", groups, rates, "bars"),
            Series("least by policy", groups, (least,) * len(groups), "reference"),
        ),
        f"Below the line, a group is approved less than {policy.min_ratio:g} times as often as "
        f"{' and '.join(found.reference or ())}.",
    )
