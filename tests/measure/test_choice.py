import pytest

from penstock.evidence import Evidence
from penstock.measure.choice import choose_champion

LIMITS = {
    "min_auc_gain": 0.0, "min_profit_gain": 0.0, "max_psi": 0.1, "max_miscalibration": 0.05,
    "min_impact_ratio": 0.0,
}  # fmt: skip
BETTER = {"auc_difference_low": 0.001, "profit_difference": 0.0}
FAIR = {"min_adverse_impact_ratio": 0.79, "red_groups": 0.0}
SOUND = {"auc": 0.8, "psi": 0.1, "psi_by_chance": 0.02, "calibration_in_the_large": -0.05}
CHAMPION = Evidence({"auc": 0.7})


def choice(comparison=BETTER, challenger=SOUND, fairness=FAIR, promote=True, **limits):
    reports = (Evidence(comparison), CHAMPION, Evidence(challenger), Evidence(fairness))
    return choose_champion(*reports, promote=promote, **LIMITS | limits)


def reasons(found):
    return (
        [reason for (reason,) in found.tables["reasons"].rows]
        if found.tables.get("reasons")
        else []
    )


def test_a_challenger_that_is_better_and_sound_wins():
    found = choice()
    assert found.metrics == {"challenger_wins": 1, "challenger_decides": 1}
    assert "reasons" not in found.tables
    assert found.tables["candidates"].rows[0] == ("auc", 0.7, 0.8)


@pytest.mark.parametrize(
    ("comparison", "challenger", "reason"),
    [
        (BETTER | {"auc_difference_low": 0.0}, {}, "AUC difference may be +0.0000, above 0 needed"),
        (BETTER | {"auc_difference_low": -0.0123}, {}, "AUC difference may be -0.0123, above 0"),
        (BETTER | {"auc_difference_low": None}, {}, "AUC difference undefined, above 0 needed"),
        (BETTER | {"profit_difference": -0.00011}, {}, "Gain of profit -0.0002 is below 0.0000"),
        (BETTER | {"profit_difference": None}, {}, "Gain of profit undefined, at least 0.0000"),
        (BETTER, {"psi": 0.1001}, "PSI 0.101 is above 0.100 (max_psi)"),
        (BETTER, {"psi": None}, "PSI undefined, at most 0.100 allowed (max_psi)"),
        (BETTER, {"calibration_in_the_large": -0.06}, "Error of the mean PD 0.0600 is above"),
        (BETTER, {"calibration_in_the_large": 0.06}, "Error of the mean PD 0.0600 is above"),
        (BETTER, {"calibration_in_the_large": None}, "Error of the mean PD undefined"),
    ],
)
def test_the_champion_stays_for_each_reason(comparison, challenger, reason):
    found = choice(comparison, SOUND | challenger)
    [told] = reasons(found)
    assert told.startswith(reason)
    assert found.metrics == {"challenger_wins": 0, "challenger_decides": 0}


def test_a_challenger_that_wins_decides_only_if_it_is_promoted():
    found = choice(promote=False)
    assert found.metrics == {"challenger_wins": 1, "challenger_decides": 0}
    assert reasons(found) == [
        "it has earned the place, and is not promoted (choose_champion.promote)"
    ]


def test_groups_that_the_audit_marks_red_are_a_reason_and_no_audit_is_none():
    unfair = {"min_adverse_impact_ratio": 0.6, "red_groups": 1.0}
    [told] = reasons(choice(fairness=unfair))
    assert told == (
        "Adverse impact: 1 red group in the fairness audit, the least ratio is 0.600 (min_ratio)"
    )
    assert reasons(choice(fairness={"approval_rate": 0.7})) == []


def test_a_ratio_that_is_asked_for_whatever_chance_makes_is_a_reason():
    assert reasons(choice(min_impact_ratio=0.79)) == []
    [told] = reasons(choice(min_impact_ratio=0.8))
    assert told == "Adverse impact ratio 0.790 is below 0.800 (min_impact_ratio)"
    # What nobody has audited is not known to be fair.
    [told] = reasons(choice(fairness={"approval_rate": 0.7}, min_impact_ratio=0.8))
    assert told.startswith("Adverse impact ratio undefined")


def test_a_shift_that_chance_alone_makes_is_no_reason():
    assert reasons(choice(challenger=SOUND | {"psi": 0.2, "psi_by_chance": 0.2})) == []


def test_all_reasons_are_told_at_once():
    assert len(reasons(choice({}, {}))) == 4
