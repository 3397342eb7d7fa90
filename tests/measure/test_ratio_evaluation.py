"""The reports on models of LGD and CCF, and the gates that read them."""

import math

import pytest

from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.measure.gate import ccf_gate, lgd_gate
from penstock.measure.ratio_counts import RatioCounts
from penstock.measure.ratio_evaluation import (
    REALISED_CCF_COLUMNS,
    REALISED_LGD_COLUMNS,
    SCORED_CCF_COLUMNS,
    SCORED_LGD_COLUMNS,
    evaluate_ccf,
    evaluate_lgd,
    ratio_evidence_of,
)

LIMITS = {"min_skill": 0.0, "max_error_of_mean": 0.05, "min_defaults": 4}


def test_the_report_holds_the_model_against_the_mean_of_the_loans_it_was_fitted_on(spark):
    scored = spark.createDataFrame([(0.2, 0.1), (0.8, 0.9), (0.8, 0.7)], SCORED_LGD_COLUMNS)
    fitted_on = spark.createDataFrame([(0.2,), (0.6,)], REALISED_LGD_COLUMNS)
    evidence = evaluate_lgd(scored, fitted_on, bins=2, decimals=3)
    found = evidence.metrics
    # The mean of those is 0.4: squared errors 0.09, 0.25, 0.09 against three times 0.01.
    assert found["benchmark_rmse"] ** 2 == pytest.approx(0.43 / 3)
    assert found["skill"] == pytest.approx(1 - 0.03 / 0.43)
    assert found["rmse"] == found["mae"] == pytest.approx(0.1)
    assert (found["mean_lgd"], found["mean_realised_lgd"]) == pytest.approx((0.6, 1.7 / 3))
    assert found["error_of_mean"] == pytest.approx(0.1 / 3)
    assert found["defaults"] == 3
    assert [row[:4] for row in evidence.tables["calibration"].rows] == [
        (1, 1, 0.2, pytest.approx(0.1)), (2, 2, pytest.approx(0.8), pytest.approx(0.8)),
    ]  # fmt: skip
    assert sum(evidence.figures["distribution"].series[0].y) == pytest.approx(1)
    with pytest.raises(DataError, match="no defaults to evaluate.*split_defaults"):
        evaluate_lgd(scored.limit(0), fitted_on, bins=2, decimals=3)


def test_a_ccf_is_judged_on_the_lines_that_have_one(spark):
    rows = [(0.2, 0.1), (0.8, 0.9), (0.8, 0.7), (0.5, None)]
    scored = spark.createDataFrame(rows, SCORED_CCF_COLUMNS)
    fitted_on = spark.createDataFrame([(0.2,), (0.6,)], REALISED_CCF_COLUMNS)
    evidence = evaluate_ccf(scored, fitted_on, bins=2, decimals=3)
    assert evidence.metrics["skill"] == pytest.approx(1 - 0.03 / 0.43)
    assert (evidence.metrics["defaults"], evidence.metrics["mean_ccf"]) == (3, pytest.approx(0.6))
    assert evidence.figures["calibration"].title == "Calibration of CCF"
    with pytest.raises(DataError, match="to evaluate the CCF model.*split_line_defaults"):
        evaluate_ccf(scored.where("realised_ccf IS NULL"), fitted_on, bins=2, decimals=3)


def test_a_report_on_one_default_is_json_without_nan():
    evidence = ratio_evidence_of(RatioCounts.of([0.5], [0.5]), ratio="lgd", benchmark=0.5, bins=10)
    assert evidence.metrics["skill"] is None and evidence.metrics["r2"] is None
    known = [value for value in evidence.metrics.values() if value is not None]
    assert all(math.isfinite(value) for value in known)


def test_the_gate_passes_at_its_limits_and_names_each_reason_beyond():
    def reasons(**changed):
        good = {"skill_low": 0.01, "error_of_mean": -0.05, "defaults": 4.0}
        return lgd_gate(Evidence({**good, **changed}), **LIMITS)

    assert reasons() == []
    assert reasons(skill_low=0.0) == ["Skill may be +0.0000, above 0 needed (min_skill)"]
    assert reasons(error_of_mean=-0.0501, defaults=3.0) == [
        "Error of the mean LGD 0.0501 is above 0.0500 (max_error_of_mean)",
        "Defaults 3 is below 4 (min_defaults)",
    ]
    far = Evidence({"skill_low": 0.01, "error_of_mean": 0.06, "defaults": 4.0})
    assert ccf_gate(far, **LIMITS) == [
        "Error of the mean CCF 0.0600 is above 0.0500 (max_error_of_mean)"
    ]
    assert lgd_gate(Evidence({}), **LIMITS) == [
        "Skill undefined, above 0 needed (min_skill)",
        "Error of the mean LGD undefined, at most 0.0500 allowed (max_error_of_mean)",
        "Defaults undefined, at least 4 needed (min_defaults)",
    ]
