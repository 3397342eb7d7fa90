"""A column that gives the outcome away: kept out of the scorecard by name, or in by force."""

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from sklearn.metrics import roc_auc_score

from penstock.learn.scorecard.explain import explain_scorecard
from penstock.learn.scorecard.judging import judge_variables
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.measure.stability import psi
from tests.learn.scorecard.simulated import LOANS, PARAMETERS
from tests.shown import shown

LEAK = np.where(np.random.default_rng(8).random(len(LOANS)) < 0.04, 1 - LOANS.is_bad, LOANS.is_bad)
WITH_LEAK = {
    **PARAMETERS,
    "numeric": ["income", "debt", "collected"],
    "categorical": [],
    "text": [],
    "stepwise": "none",
}


@pytest.fixture(scope="module")
def loans(spark):
    return spark.createDataFrame(LOANS.assign(collected=LEAK.astype(float)))


@pytest.fixture(scope="module")
def saved(loans, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorecard") / "model"
    scorecard_pd(**WITH_LEAK).fit(loans).save(str(folder))
    return folder


def test_an_alarm_keeps_the_column_out_and_stands_in_the_evidence(saved):
    evidence = explain_scorecard(PipelineModel.load(str(saved)))
    variables = shown(evidence, "variables").set_index("variable")["left out"]
    assert variables["collected"].startswith("leak alarm: AUC 0.9")
    assert (variables["income"], variables["debt"]) == ("", "")
    signs = shown(evidence, "leak_alarms")
    assert signs.column[0] == "collected" and signs.level.tolist() == ["alarm", "", ""]
    assert signs.why[0] in variables["collected"] and signs.AUC[0] > 0.9 > signs.AUC[1]
    assert evidence.metrics["leak_alarms"] == 1


def test_a_column_that_is_trusted_is_binned_and_its_alarm_told_all_the_same(loans):
    binning = scorecard_pd(**WITH_LEAK | {"forced": ["collected"]}).classifier.classifier.bins
    model = binning.fit(loans)
    assert [each.column for each in model.column_bins] == WITH_LEAK["numeric"]
    assert model.left_out == {} and [each.level for each in model.leak_signs] == ["", "", "alarm"]


def test_a_variable_that_ranks_judged_loans_no_more_has_collapsed(saved, loans):
    model = PipelineModel.load(str(saved))
    # Income says nothing of the judged loans: each has that of another.
    of_another = LOANS.income.sample(frac=1, random_state=0).to_numpy()
    judged = LOANS.assign(collected=0.0, income=of_another)
    found = judge_variables(loans.sparkSession.createDataFrame(judged), model)
    variables = shown(found, "variables_judged").set_index("variable")
    assert found.metrics["collapsed_variables"] == 1
    assert [*variables.index] == ["income", "debt"]
    assert variables["look at it"].map(bool).tolist() == [True, False]
    woe = model.stages[0].transform(loans).toPandas()
    for name in ("income", "debt"):
        development = woe[woe["sample"] == "development"]
        ours = variables.loc[name, "AUC, development"]
        assert ours == pytest.approx(roc_auc_score(development.is_bad, -development[f"woe_{name}"]))
    assert variables.loc["debt", "AUC, judged"] == pytest.approx(
        roc_auc_score(woe.is_bad, -woe.woe_debt)
    )
    shifts = shown(found, "csi").set_index("variable")
    assert found.metrics["shifted_variables"] == 0 and set(shifts.band) == {"stable"}
    # The bins of income hold as many judged loans as those of the scored table, whose PSI it is.
    development = woe[woe["sample"] == "development"].woe_income.value_counts()
    judged_loans = (
        model.stages[0]
        .transform(loans.sparkSession.createDataFrame(judged))
        .toPandas()
        .woe_income.value_counts()
    )
    wanted = psi(development.sort_index(), judged_loans.sort_index())
    assert shifts.loc["income", "CSI"] == pytest.approx(wanted, abs=1e-12)
    assert found.figures["csi"].series[0].x == tuple(shifts.index)

    unknown = judge_variables(loans.where("is_bad = 0"), model).tables["variables_judged"].rows
    assert {row[2:] for row in unknown} == {(None, None, "")}


def test_a_variable_whose_loans_lie_in_other_bins_has_shifted(saved, loans):
    model = PipelineModel.load(str(saved))
    # Half of the judged loans have an income that few had; nobody has a debt of a special code.
    moved = LOANS.assign(
        collected=0.0,
        income=LOANS.income.where(LOANS.index % 2 == 0, LOANS.income.min()),
        debt=LOANS.debt.where(LOANS.debt != -9.0, 0.0),
    )
    found = judge_variables(loans.sparkSession.createDataFrame(moved), model)
    shifts = shown(found, "csi").set_index("variable")
    assert found.metrics["shifted_variables"] == 2 and shifts["used"].all()
    assert set(shifts.band) == {"large"} and shifts["beyond chance"].all()
    assert shifts.CSI.is_monotonic_decreasing
    # The bin of the code, which 8 % have left, is empty: by half a loan its part stays finite.
    assert shifts.loc["debt", "CSI"] < 1
    nobody = judge_variables(loans.where("false"), model)
    assert {row[2] for row in nobody.tables["csi"].rows} == {None} and nobody.figures == {}
