import pytest

from penstock.evidence import Evidence
from penstock.measure.gate import pd_gate

LIMITS = {"min_auc": 0.6, "max_ece": 0.02, "min_loans": 1000, "min_bads": 50}
GOOD = {"auc": 0.6, "ece": 0.02, "loans": 1000.0, "bads": 50.0}


def test_values_at_their_thresholds_pass():
    assert pd_gate(Evidence(GOOD), **LIMITS) == []


@pytest.mark.parametrize(
    ("metric", "value", "reason"),
    [
        ("auc", 0.512, "AUC 0.512 is below 0.600 (min_auc)"),
        ("auc", 0.59999, "AUC 0.599 is below 0.600 (min_auc)"),
        ("auc", None, "AUC undefined, at least 0.600 needed (min_auc)"),
        ("ece", 0.0312, "ECE 0.0312 is above 0.0200 (max_ece)"),
        ("ece", 0.02000001, "ECE 0.0201 is above 0.0200 (max_ece)"),
        ("ece", None, "ECE undefined, at most 0.0200 allowed (max_ece)"),
        ("loans", 999.0, "Loans 999 is below 1,000 (min_loans)"),
        ("bads", 49.0, "Bads 49 is below 50 (min_bads)"),
    ],
)
def test_a_refusal_says_value_and_threshold(metric, value, reason):
    assert pd_gate(Evidence(GOOD | {metric: value}), **LIMITS) == [reason]


def test_all_reasons_are_told_at_once_and_an_absent_metric_is_one():
    assert len(pd_gate(Evidence({}), **LIMITS)) == 4
