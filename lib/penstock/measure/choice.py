"""The choice of the champion: the scorecard, unless a challenger has earned its place."""

from penstock.annotations import NotNegative
from penstock.evidence import Evidence, Table
from penstock.measure.gate import challenger_reasons

_DECIDES = "challenger_decides"
NOT_PROMOTED = "it has earned the place, and is not promoted (choose_champion.promote)"

# As a validation names them, in the order of the page.
COMPARED = (
    "auc", "auc_low", "auc_high", "gini", "ks", "h_measure", "brier", "ece",
    "calibration_in_the_large", "psi", "psi_by_chance", "gini_stability", "loans", "bads",
)  # fmt: skip


def choose_champion(
    comparison: Evidence,
    scorecard: Evidence,
    challenger: Evidence,
    fairness: Evidence,
    *,
    promote: bool,
    min_auc_gain: float,
    min_profit_gain: float,
    max_psi: NotNegative,
    max_miscalibration: NotNegative,
    min_impact_ratio: NotNegative,
) -> Evidence:
    """Say whether the challenger has earned the scorecard's place, and why not if it has not.

    Args:
        comparison: Evidence of `compare_pds`.
        scorecard, challenger: Evidence of `validate_pd`, of each model.
        fairness: Evidence of `audit_fairness` on the challenger.
        promote: Whether a challenger that has earned the place takes it.
        min_auc_gain, min_profit_gain, max_psi, max_miscalibration, min_impact_ratio: As in
            `challenger_reasons`.

    Returns:
        Metrics `challenger_wins` (it has earned the place, 1 or 0) and `challenger_decides` (it
        takes it); tables "reasons" (why it does not; left out if it does) and "candidates" (the
        measures of both, side by side).
    """
    reasons = challenger_reasons(
        comparison,
        challenger,
        fairness,
        min_auc_gain=min_auc_gain,
        min_profit_gain=min_profit_gain,
        max_psi=max_psi,
        max_miscalibration=max_miscalibration,
        min_impact_ratio=min_impact_ratio,
    )
    wins = not reasons
    if wins and not promote:
        reasons = [NOT_PROMOTED]
    sides = (scorecard.metrics, challenger.metrics)
    rows = tuple((name, *(side.get(name) for side in sides)) for name in COMPARED)
    against = Table.of_texts("Why the scorecard decides", "reason", reasons)
    candidates = Table("Candidates", ("measure", "scorecard", "challenger"), rows)
    tables = {"reasons": against} if reasons else {}
    metrics: dict[str, float | None] = {
        "challenger_wins": float(wins),
        _DECIDES: float(not reasons),
    }
    return Evidence(metrics, tables | {"candidates": candidates})


def challenger_decides(choice: Evidence) -> bool:
    """Say which of the two `choose_champion` has chosen; before it could choose, the scorecard."""
    return bool(choice.metrics.get(_DECIDES))
