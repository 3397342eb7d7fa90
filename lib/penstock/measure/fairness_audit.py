"""The fairness audit: how groups of protected attributes fare by the decisions a PD would make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, Share, ShareOrAll
from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.decisions import DecisionCounts, count_decisions
from penstock.measure.evaluation import Decimals
from penstock.measure.fairness import Comparison, Fairness, compare_groups
from penstock.measure.group_weights import weights_table
from penstock.measure.intervals import CONFIDENCE
from penstock.measure.prior import shift_prior
from penstock.measure.protected_groups import check_joined_once
from penstock.plural import plural

AUDITED_COLUMNS = "row_id STRING, pd DOUBLE, is_bad INT"
REWEIGHED_COLUMNS = "row_id STRING, sample STRING, is_bad INT"
COLUMNS = (
    "group", "light", "loans", "selection_rate", "adverse_impact_ratio", "low", "high",
    "parity_difference", "opportunity_difference", "odds_difference", "mean_difference",
    "calibration",
)  # fmt: skip

UNAUDITED = Table.of_texts(
    "Fairness", "note", ["No protected attribute is named: none was audited."]
)


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


@dataclass(frozen=True)
class Audit:
    """What was found, by attribute or intersection, and how many groups were compared in all."""

    policy: Policy
    found: Mapping[str, Fairness]
    compared: int


def audit_fairness(
    judged: DataFrame,
    protected_table: DataFrame,
    development: DataFrame,
    *,
    protected: list[str],
    intersections: list[list[str]],
    approval_rate: Share,
    reference: dict[str, str],
    min_ratio: ShareOrAll,
    min_loans: Count,
    population_bad_rate: Share | None,
    decimals: Decimals,
    reweighed_by: list[str],
) -> Evidence:
    """Compare groups by the decisions that approve the safest share of the judged loans.

    Runs two Spark queries, and one more where rows were reweighed; no row leaves the cluster,
    groups of too few loans are not shown.

    Grain: one row per loan, in each table.

    Args:
        judged: Loans the model has not seen: `row_id`, `pd` (0-1), `is_bad` (0 or 1).
        protected_table: From `read_protected`, or others' own: `row_id` (once at most) and
            `protected`; a loan that is not in it is in the groups "unknown".
        development: Loans the model was fitted on, as of `weights_table`.
        protected: Attributes to audit.
        intersections: Lists of attributes to audit together, as [sex, age].
        approval_rate: Share of loans approved, those with the lowest PD, above 0 and below 1.
            Loans with one PD are approved together, if the middle of them lies within.
        reference, min_ratio, min_loans: As in `Policy`.
        population_bad_rate: As in `validation_of`; PDs are restated to the bad rate of the judged
            loans, for the comparison with outcomes and of groups.
        decimals: Decimals that PDs are rounded to.
        reweighed_by: Attributes that the loans fitted on were reweighed by (`reweigh`); none: they
            were not.

    Returns:
        Metrics `approval_rate` (as it came out), `cut_off` (highest PD approved),
        `min_adverse_impact_ratio` and `red_groups`; without protected attributes the first two, and
        a table that says so.
        For each attribute and intersection a table and a figure, `fairness_<attribute>`. A light is
        red where the whole interval of the ratio lies below `min_ratio`, amber where only the ratio
        does. Intervals hold for all groups of the audit at once with 95 % (Bonferroni).
        Of reweighed rows also the table `reweighing`: what goods and bads of each group weigh.

    Raises:
        ConfigError: A reference or an intersection of attributes that are not audited.
        DataError: No loan, PDs or labels that cannot be counted, a `row_id` twice in the protected
            table, a reference group that is not there or too small.
    """
    _check_attributes(protected, intersections, reference)
    counts = count_by_score(judged, score="pd", label="is_bad", by=None, decimals=decimals)
    cut_off = _cut_off(counts, approval_rate)
    approved = counts.n[counts.score <= cut_off].sum() / counts.loans
    metrics: dict[str, float | None] = {"approval_rate": float(approved), "cut_off": cut_off}
    if not protected:
        return Evidence(metrics, {"fairness": UNAUDITED})
    policy = Policy(min_ratio, min_loans, reference)
    decided = judged.join(protected_table, "row_id", how="left").select(
        _restated(counts, population_bad_rate).alias("pd"),
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
    check_joined_once(counts.loans, int(decisions.n.sum()), called="judged loans")
    audit = _audited(decisions, [*([name] for name in protected), *intersections], policy)
    found = _evidence(metrics, audit)
    if not reweighed_by:
        return found
    weights = weights_table(development, protected_table, reweighed_by, min_rows=min_loans)
    return replace(found, tables={**found.tables, "reweighing": weights})


def _restated(counts: ScoreCounts, population_bad_rate: float | None) -> Column:
    """Return the PD that belongs to the bad rate of the judged loans; with one class, as it is."""
    pd = F.col("pd")
    if population_bad_rate is None or not (counts.goods and counts.bads):
        return pd
    return shift_prior(pd, from_rate=population_bad_rate, to_rate=counts.bads / counts.loans)


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


def _audited(
    decisions: DecisionCounts, attributes: Sequence[Sequence[str]], policy: Policy
) -> Audit:
    once = [_compared(decisions, names, policy, CONFIDENCE) for names in attributes]
    compared = sum(max(len(found.comparisons) - 1, 0) for found in once)
    # Of many groups that are treated alike, some would look worse by chance.
    level = 1 - (1 - CONFIDENCE) / max(compared, 1)
    found = {
        " and ".join(names): _compared(decisions, names, policy, level) for names in attributes
    }
    return Audit(policy, found, compared)


def _compared(
    decisions: DecisionCounts, names: Sequence[str], policy: Policy, level: float
) -> Fairness:
    reference = [policy.reference[name] for name in names if name in policy.reference]
    return compare_groups(
        decisions.by(*(f"of {name}" for name in names)),
        reference=reference if len(reference) == len(names) else None,
        min_loans=policy.min_loans,
        level=level,
    )


def _evidence(metrics: dict[str, float | None], audit: Audit) -> Evidence:
    ratios = [f.min_adverse_impact_ratio for f in audit.found.values()]
    known = [ratio for ratio in ratios if ratio is not None]
    lights = [_light(c, audit.policy) for f in audit.found.values() for c in f.comparisons]
    metrics |= {
        "min_adverse_impact_ratio": min(known, default=None),
        "red_groups": float(lights.count("red")),
    }
    return Evidence(
        metrics,
        {f"fairness_{name}": _table(name, found, audit) for name, found in audit.found.items()},
        {
            f"fairness_{name}": _figure(name, found, audit.policy)
            for name, found in audit.found.items()
            if found.comparisons
        },
    )


def _light(comparison: Comparison, policy: Policy) -> str:
    ratio, high = comparison.adverse_impact_ratio, comparison.air_high
    if ratio is None or ratio >= policy.min_ratio:
        return "green" if ratio is not None else ""
    return "amber" if high is not None and high >= policy.min_ratio else "red"


def _table(name: str, found: Fairness, audit: Audit) -> Table:
    policy = audit.policy
    hidden = (
        f"; not shown: {plural(found.suppressed_groups, 'group')} of fewer than "
        f"{policy.min_loans} loans ({plural(found.suppressed_loans, 'loan')})"
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
    at_once = (
        f"; the {CONFIDENCE:.0%} intervals hold for all {audit.compared} comparisons at once"
        if audit.compared > 1
        else ""
    )
    return Table(f"Fairness by {name}, beside {beside}{hidden}{at_once}", COLUMNS, rows)


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
