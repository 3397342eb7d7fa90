"""The choice of the champion: the scorecard, unless a challenger has earned its place."""

from penstock.annotations import NotNegative
from penstock.evidence import Evidence, Table
from penstock.measure.gate import challenger_reasons

# As a validation names them, in the order of the page.
COMPARED = (
    "auc", "auc_low", "auc_high", "gini", "ks", "h_measure", "brier", "ece",
    "calibration_in_the_large", "psi", "psi_by_chance", "gini_stability", "loans", "bads",
)  # fmt: skip


def choose_champion(
    comparison: Evidence,
    champion: Evidence,
    challenger: Evidence,
    fairness: Evidence,
    *,
    min_auc_gain: float,
    min_profit_gain: float,
    max_psi: NotNegative,
    max_miscalibration: NotNegative,
) -> Evidence:
    """Say whether the challenger has earned the champion's place, and why not if it has not.

    Args:
        comparison: Evidence of `compare_pds`.
        champion, challenger: Evidence of `validate_pd`, of each model.
        fairness: Evidence of `audit_fairness` on the challenger.
        min_auc_gain, min_profit_gain, max_psi, max_miscalibration: As in `challenger_reasons`.

    Returns:
        Metric `challenger_wins` (1 or 0); tables "reasons" (against the challenger; left out if
        there are none) and "candidates" (the measures of both, side by side).
    """
    reasons = challenger_reasons(
        comparison,
        challenger,
        fairness,
        min_auc_gain=min_auc_gain,
        min_profit_gain=min_profit_gain,
        max_psi=max_psi,
        max_miscalibration=max_miscalibration,
    )
    sides = (champion.metrics, challenger.metrics)
    rows = tuple((name, *(side.get(name) for side in sides)) for name in COMPARED)
    against = Table("Why the champion stays", ("reason",), tuple((reason,) for reason in reasons))
    candidates = Table("Candidates", ("measure", "champion", "challenger"), rows)
    tables = {"reasons": against} if reasons else {}
    return Evidence({"challenger_wins": float(not reasons)}, tables | {"candidates": candidates})
