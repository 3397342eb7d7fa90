"""The gate of a PD model: whether its evaluation is good enough to go on."""

from math import ceil, floor

from penstock.evidence import Evidence


def pd_gate(
    report: Evidence, *, min_auc: float, max_ece: float, min_loans: int, min_bads: int
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
