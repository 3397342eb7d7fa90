"""Fairness of decisions: how each group fares beside a reference group.

Approval is the favourable outcome, as a good loan is the favourable label. What gap is tolerated
is policy, and not decided here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.errors import DataError, did_you_mean
from penstock.measure.decisions import DecisionCounts, Group, GroupName
from penstock.measure.intervals import critical_value


@dataclass(frozen=True)
class Comparison:
    """One group beside the reference; rates and their differences as fractions.

    Attributes:
        group: What happened to the group.
        adverse_impact_ratio: Selection rate / the reference's; None if the reference's is 0.
        air_low: Lower bound of its confidence interval; None with the ratio, and of the reference
            itself.
        air_high: Upper bound of the same.
        parity_difference: Selection rate - the reference's (statistical parity difference).
        opportunity_difference: Share of goods approved - the reference's; None where no goods are
            known.
        odds_difference: The larger gap, in size, of the shares of goods and of bads approved; None
            where no goods or no bads are known.
        mean_difference: Mean PD - the reference's, in pooled standard deviations (SMD); above 0:
            scored riskier. None if no PD differs.
    """

    group: Group
    adverse_impact_ratio: float | None
    air_low: float | None
    air_high: float | None
    parity_difference: float
    opportunity_difference: float | None
    odds_difference: float | None
    mean_difference: float | None


@dataclass(frozen=True)
class Fairness:
    """All groups of enough loans beside one reference, and how many others there are.

    Attributes:
        reference: Name of the reference group; None if all groups are too small.
        comparisons: The groups by name, the reference among them.
        min_adverse_impact_ratio: The smallest; None if undefined throughout.
        parity_gap: Largest less smallest selection rate.
        opportunity_gap: Largest less smallest share of goods approved.
        odds_gap: The larger of that gap and the same of bads.
        suppressed_groups: Groups with too few loans to be shown.
        suppressed_loans: Loans in them.
    """

    reference: GroupName | None
    comparisons: tuple[Comparison, ...]
    min_adverse_impact_ratio: float | None
    parity_gap: float | None
    opportunity_gap: float | None
    odds_gap: float | None
    suppressed_groups: int
    suppressed_loans: int


def compare_groups(
    counts: DecisionCounts, *, reference: Sequence[str] | None, min_loans: int, level: float
) -> Fairness:
    """Compare the decisions on each group with those on a reference group.

    Shares of goods and bads approved rest on applications with a known label. If only approved
    loans have one, both shares are 1 for every group and say nothing.

    Args:
        counts: Loans by group, decision and outcome.
        reference: Value of each group column of the reference; None: the group with the highest
            selection rate, as in the four-fifths rule.
        min_loans: Groups with fewer applications are suppressed: counted, but not shown or compared
            (too few to judge by, and a few people can be recognised).
        level: Confidence of the interval of the adverse impact ratio, 0-1 (0.95 = 95 %).

    Raises:
        DataError: The reference does not exist or is suppressed.

    Source:
        Adverse impact ratio: 29 CFR 1607.4 D. Its interval: Katz et al., Biometrics 34 (1978), by
        the log of the ratio, with half a loan added where nobody of the group is approved:
        Pettigrew, Gart and Thomas, Biometrika 73 (1986). Equal opportunity and equalised odds:
        Hardt, Price and Srebro, NeurIPS (2016). Gaps as in Bird et al., Fairlearn, MSR-TR-2020-32.
        SMD: Cohen, Statistical Power Analysis (1988).
    """
    groups = counts.groups()
    shown = [group for group in groups if group.loans >= min_loans]
    hidden = [group for group in groups if group.loans < min_loans]
    beside = _reference(shown, reference, min_loans=min_loans)
    comparisons = tuple(_compared(group, beside, level) for group in shown) if beside else ()
    opportunity = _gap(group.good_selection_rate for group in shown)
    of_bads = _gap(group.bad_selection_rate for group in shown)
    ratios = [c.adverse_impact_ratio for c in comparisons if c.adverse_impact_ratio is not None]
    return Fairness(
        reference=beside.name if beside else None,
        comparisons=comparisons,
        min_adverse_impact_ratio=min(ratios, default=None),
        parity_gap=_gap(group.selection_rate for group in shown),
        opportunity_gap=opportunity,
        odds_gap=None if opportunity is None or of_bads is None else max(opportunity, of_bads),
        suppressed_groups=len(hidden),
        suppressed_loans=sum(group.loans for group in hidden),
    )


def _reference(
    shown: list[Group], reference: Sequence[str] | None, *, min_loans: int
) -> Group | None:
    if reference is None:
        return max(shown, key=lambda group: group.selection_rate, default=None)
    for group in shown:
        if group.name == tuple(reference):
            return group
    wanted = ", ".join(reference)
    raise DataError(
        f"The reference group '{wanted}' has fewer than {min_loans:,} loans, or does not exist."
        f"{did_you_mean(wanted, (', '.join(group.name) for group in shown))}"
    )


def _compared(group: Group, beside: Group, level: float) -> Comparison:
    ratio = group.selection_rate / beside.selection_rate if beside.approved else None
    low, high = None, None
    if ratio is not None and group.name != beside.name:
        of_groups = ((each.approved, each.loans) for each in (group, beside))
        low, high = ratio_interval(*of_groups, level=level)
    opportunity = _difference(group.good_selection_rate, beside.good_selection_rate)
    of_bads = _difference(group.bad_selection_rate, beside.bad_selection_rate)
    odds = None
    if opportunity is not None and of_bads is not None:
        odds = max(abs(opportunity), abs(of_bads))
    return Comparison(
        group=group,
        adverse_impact_ratio=ratio,
        air_low=low,
        air_high=high,
        parity_difference=group.selection_rate - beside.selection_rate,
        opportunity_difference=opportunity,
        odds_difference=odds,
        mean_difference=_standardised_difference(group, beside),
    )


def ratio_interval(
    group: tuple[int, int], beside: tuple[int, int], *, level: float
) -> tuple[float, float]:
    """Return the bounds of the ratio of two selection rates, as `compare_groups` has it.

    Args:
        group: Approved, and all loans of the group.
        beside: The same of the reference, of which some are approved.
        level: Confidence, 0-1.
    """
    # Without it the logarithm of a ratio of 0 would have no interval, however few the loans.
    added = 0.0 if group[0] else 0.5
    approved, loans = (count + added for count in group)
    approved_beside, loans_beside = (count + added for count in beside)
    variance = 1 / approved - 1 / loans + 1 / approved_beside - 1 / loans_beside
    half = critical_value(level) * math.sqrt(variance)
    ratio = (approved / loans) / (approved_beside / loans_beside)
    return ratio * math.exp(-half) if group[0] else 0.0, ratio * math.exp(half)


def _standardised_difference(group: Group, beside: Group) -> float | None:
    squares = group.loans * group.var_pd + beside.loans * beside.var_pd
    degrees = group.loans + beside.loans - 2
    if not squares or degrees < 1:
        return None
    return (group.mean_pd - beside.mean_pd) / math.sqrt(squares / degrees)


def _difference(rate: float | None, other: float | None) -> float | None:
    return None if rate is None or other is None else rate - other


def _gap(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return max(known) - min(known) if known else None
