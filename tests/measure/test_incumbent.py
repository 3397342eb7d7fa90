import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.measure.gate import champion_gate
from penstock.measure.incumbent import compare_incumbent

STAKE = {"decimals": 4, "confidence": 0.95, "approval_rates": [0.5], "approval_rate": 0.7,
         "profit_of_good": 1.0, "loss_of_bad": 5.0}  # fmt: skip
LIMITS = {"max_auc_loss": 0.0, "max_profit_loss": 0.0}


def giving(pd):
    return PipelineModel([SQLTransformer(statement=f"SELECT *, {pd} AS pd FROM __THIS__")])


@pytest.fixture(scope="module")
def judged(spark):
    """600 loans: `risk` is what they default by, `noise` tells nothing."""
    random = np.random.default_rng(5)
    risk, noise = random.random(600), random.random(600)
    is_bad = random.random(600) < risk
    rows = [(str(n), *map(float, row[:2]), int(row[2])) for n, row in
            enumerate(zip(risk, noise, is_bad, strict=True))]  # fmt: skip
    return spark.createDataFrame(rows, "row_id STRING, risk DOUBLE, noise DOUBLE, is_bad INT")


def compared(judged, incumbent, decides=0.0):
    by_scorecard, by_challenger = (
        judged.selectExpr("row_id", "is_bad", f"{pd} AS pd") for pd in ("noise", "risk")
    )
    choice = Evidence({"challenger_decides": decides})
    return compare_incumbent(judged, by_scorecard, by_challenger, choice, incumbent, **STAKE)


def test_without_an_incumbent_nothing_speaks_against_the_first_champion(judged):
    found = compared(judged, None)
    assert found.metrics == {"incumbents": 0.0} and champion_gate(found, **LIMITS) == []


def test_a_model_that_is_worse_beyond_chance_does_not_take_the_place(judged):
    found = compared(judged, giving("risk"))
    metrics = found.metrics
    assert metrics["incumbents"] == 1 and metrics["champion_auc"] > metrics["challenger_auc"] + 0.1
    by_auc, by_profit = champion_gate(found, **LIMITS)
    low, high = metrics["auc_difference_low"], metrics["auc_difference_high"]
    assert by_auc == (
        f"AUC is worse than that of the model that decides now, by {-high:.4f} to {-low:.4f}; "
        "0 may be lost (max_auc_loss)"
    )
    assert "Profit is worse" in by_profit and "(max_profit_loss)" in by_profit
    assert champion_gate(found, max_auc_loss=-high, max_profit_loss=9.0) == []


def test_a_model_like_the_incumbent_or_better_takes_the_place(judged):
    same = compared(judged, giving("risk"), decides=1.0)
    assert same.metrics["auc_difference"] == same.metrics["profit_difference"] == 0
    assert champion_gate(same, **LIMITS) == []
    assert champion_gate(compared(judged, giving("noise"), decides=1.0), **LIMITS) == []


def test_what_is_worse_by_chance_only_or_cannot_be_told_is_no_reason():
    worse = {"auc_difference_low": -0.1, "auc_difference_high": 0.0}
    assert champion_gate(Evidence(worse), **LIMITS) == []
    unknown = {"auc_difference_low": None, "auc_difference_high": None}
    assert champion_gate(Evidence(unknown), **LIMITS) == []


def test_an_incumbent_that_cannot_score_the_loans_is_told_with_the_cure(judged):
    with pytest.raises(DataError, match=r"cannot score the judged loans: .*age.*version: 0"):
        compared(judged, giving("age / 100"))


def test_a_number_of_the_incumbents_that_is_a_text_by_now_is_told_with_the_cure(judged):
    with pytest.raises(DataError, match=r"cannot score the judged loans: .*'low'.*version: 0"):
        compared(judged.withColumn("risk", F.lit("low")), giving("CAST(risk AS DOUBLE)"))
