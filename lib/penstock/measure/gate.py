"""The gates: a model is good enough to go on, and no worse than what decides now."""

from math import ceil, floor

from penstock.annotations import Count, NotNegative, ShareOrAll
from penstock.evidence import Evidence
from penstock.plural import plural


def pd_gate(
    report: Evidence,
    *,
    min_auc: ShareOrAll,
    max_ece: NotNegative,
    min_loans: Count,
    min_bads: Count,
) -> list[str]:
    """Return why the model must not pass, one phrase each; an empty list lets it pass.

    A value equal to its threshold passes; a metric that is undefined or absent does not.

    Args:
        report: Evidence of `evaluate_pd`, or of `validate_pd`, on out-of-time loans.
        min_auc: Smallest AUC, 0-1.
        max_ece: Largest expected calibration error, as a fraction (0.01 = 1 percentage point).
        min_loans: Fewest loans that the evaluation must rest on.
        min_bads: Fewest defaults among them.
    """
    return [
        *_below(report.metrics.get("auc"), min_auc, title="AUC", key="min_auc", digits=3),
        *_above(report.metrics.get("ece"), max_ece, title="ECE", key="max_ece", digits=4),
        *_below(report.metrics.get("loans"), min_loans, title="Loans", key="min_loans", digits=0),
        *_below(report.metrics.get("bads"), min_bads, title="Bads", key="min_bads", digits=0),
    ]


def lgd_gate(
    report: Evidence, *, min_skill: float, max_error_of_mean: NotNegative, min_defaults: Count
) -> list[str]:
    """Return why the LGD model must not pass, one phrase each; an empty list lets it pass.

    A measure that is undefined or absent does not pass.

    Args:
        report: Evidence of `evaluate_lgd` on out-of-time defaults.
        min_skill: Lower bound of the 95 % interval of the skill is above this: at 0, the model is
            better beyond chance than one LGD for all; a little below, it may be as good.
        max_error_of_mean: Largest distance of mean prediction and mean outcome, as a fraction of
            the exposure (0.02 = 2 percentage points).
        min_defaults: Fewest defaults that the evaluation must rest on.
    """
    return _ratio_reasons(
        report,
        ratio="LGD",
        min_skill=min_skill,
        max_error_of_mean=max_error_of_mean,
        min_defaults=min_defaults,
    )


def ccf_gate(
    report: Evidence, *, min_skill: float, max_error_of_mean: NotNegative, min_defaults: Count
) -> list[str]:
    """Return why the CCF model must not pass, one phrase each; an empty list lets it pass.

    Args:
        report: Evidence of `evaluate_ccf` on out-of-time defaults.
        min_skill: As `lgd_gate`.
        max_error_of_mean: Largest distance of mean prediction and mean outcome, as a fraction of
            the undrawn amount.
        min_defaults: As `lgd_gate`.
    """
    return _ratio_reasons(
        report,
        ratio="CCF",
        min_skill=min_skill,
        max_error_of_mean=max_error_of_mean,
        min_defaults=min_defaults,
    )


def challenger_reasons(
    comparison: Evidence,
    challenger: Evidence,
    fairness: Evidence,
    *,
    min_auc_gain: float,
    min_profit_gain: float,
    max_psi: float,
    max_miscalibration: float,
    min_impact_ratio: float,
) -> list[str]:
    """Return why the challenger must not take the champion's place, one phrase each.

    A measure that is undefined or absent is a reason too.

    Args:
        comparison: Evidence of `compare_pds`, champion and challenger on the same loans.
        challenger: Evidence of `validate_pd` on the challenger.
        fairness: Evidence of `audit_fairness` on the challenger: no group's light may be red.
        min_auc_gain: The AUC must be better by more than this, at the lower bound of the interval.
        min_profit_gain: Least gain of profit per application, at the approval rate decided on.
        max_psi: Largest PSI of the PD against development; one that chance alone makes in samples
            of that size is no reason.
        max_miscalibration: Largest error of the mean PD either way, as a fraction of the bad rate.
        min_impact_ratio: Least adverse impact ratio of any group, chance or not; 0: none is asked
            for beyond that no group is red.
    """
    gain, psi = comparison.metrics.get("auc_difference_low"), challenger.metrics.get("psi")
    profit = comparison.metrics.get("profit_difference")
    by_chance = challenger.metrics.get("psi_by_chance") or 0.0
    off = challenger.metrics.get("calibration_in_the_large")
    reasons = [
        *_not_surely_above(gain, min_auc_gain, title="AUC difference", key="min_auc_gain"),
        *_below(profit, min_profit_gain, title="Gain of profit", key="min_profit_gain", digits=4),
    ]
    if psi is None or psi > by_chance:
        reasons += _above(psi, max_psi, title="PSI", key="max_psi", digits=3)
    reasons += _off(off, max_miscalibration, title="Error of the mean PD", key="max_miscalibration")
    if red := fairness.metrics.get("red_groups"):
        ratio = fairness.metrics.get("min_adverse_impact_ratio")
        reasons.append(
            f"Adverse impact: {plural(int(red), 'red group')} in the fairness audit, the least "
            f"ratio is {ratio:.3f} (min_ratio)"
        )
    if min_impact_ratio:
        least = fairness.metrics.get("min_adverse_impact_ratio")
        reasons += _below(
            least, min_impact_ratio, title="Adverse impact ratio", key="min_impact_ratio", digits=3
        )
    return reasons


def champion_gate(
    incumbency: Evidence, *, max_auc_loss: NotNegative, max_profit_loss: NotNegative
) -> list[str]:
    """Return why a model must not take the place of the one that decides now.

    It must not be worse beyond chance: even the better end of the interval of the difference loses
    more than may be lost. A difference that is undefined is no reason.

    Args:
        incumbency: Evidence of `compare_incumbent`; without an incumbent there is no reason.
        max_auc_loss: AUC that may be lost, >= 0.
        max_profit_loss: Profit per application that may be lost, >= 0.
    """
    return [
        *_worse(incumbency, "auc", max_auc_loss, title="AUC", key="max_auc_loss"),
        *_worse(incumbency, "profit", max_profit_loss, title="Profit", key="max_profit_loss"),
    ]


def _worse(incumbency: Evidence, metric: str, most: float, *, title: str, key: str) -> list[str]:
    low, high = (incumbency.metrics.get(f"{metric}_difference_{end}") for end in ("low", "high"))
    if low is None or high is None or high >= -most:
        return []
    return [
        f"{title} is worse than that of the model that decides now, by {-high:.4f} to {-low:.4f}; "
        f"{most:g} may be lost ({key})"
    ]


def _ratio_reasons(
    report: Evidence, *, ratio: str, min_skill: float, max_error_of_mean: float, min_defaults: int
) -> list[str]:
    skill, error, defaults = map(report.metrics.get, ("skill_low", "error_of_mean", "defaults"))
    of_mean = f"Error of the mean {ratio}"
    return [
        *_not_surely_above(skill, min_skill, title="Skill", key="min_skill"),
        *_off(error, max_error_of_mean, title=of_mean, key="max_error_of_mean"),
        *_below(defaults, min_defaults, title="Defaults", key="min_defaults", digits=0),
    ]


def _not_surely_above(low: float | None, bound: float, *, title: str, key: str) -> list[str]:
    """Say so if the lower bound of an interval is not above what is needed."""
    if low is None:
        return [f"{title} undefined, above {bound:g} needed ({key})"]
    if low <= bound:
        return [f"{title} may be {low:+.4f}, above {bound:g} needed ({key})"]
    return []


def _off(error: float | None, largest: float, *, title: str, key: str) -> list[str]:
    """Say so if an error is too large either way."""
    size = None if error is None else abs(error)
    return _above(size, largest, title=title, key=key, digits=4)


# Rounded away from the threshold, or a refusal could read "0.600 is below 0.600".
def _below(value: float | None, smallest: float, *, title: str, key: str, digits: int) -> list[str]:
    if value is None:
        return [f"{title} undefined, at least {smallest:,.{digits}f} needed ({key})"]
    if value >= smallest:
        return []
    shown = floor(value * 10**digits) / 10**digits
    return [f"{title} {shown:,.{digits}f} is below {smallest:,.{digits}f} ({key})"]


def _above(value: float | None, largest: float, *, title: str, key: str, digits: int) -> list[str]:
    if value is None:
        return [f"{title} undefined, at most {largest:,.{digits}f} allowed ({key})"]
    if value <= largest:
        return []
    shown = ceil(value * 10**digits) / 10**digits
    return [f"{title} {shown:,.{digits}f} is above {largest:,.{digits}f} ({key})"]
