"""Variables on real loans that were not fitted on, against single rows."""

import numpy as np
import pandas
import pytest
from optbinning.binning.metrics import jeffrey
from pyspark.ml import PipelineModel
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from penstock.learn.binning.woe import WoeBinning
from penstock.learn.scorecard.estimator import ScorecardModel
from penstock.learn.scorecard.judging import judge_variables
from penstock.learn.scorecard.selection import FittedScorecard
from tests.measure.hmeq import hmeq_loans
from tests.shown import shown

NUMERIC, CATEGORICAL = ["DELINQ", "CLAGE", "DEBTINC"], ["JOB"]


def woe_of(bins, values):
    """Return the WoE of each value, by the bounds and groups that the bins show."""
    woe = np.array(bins.woe)
    if bins.kind == "categorical":
        by_name = {name: woe[n] for n, group in enumerate(bins.groups) for name in group}
        others = woe[len(bins.groups)]
        return values.map(lambda name: by_name.get(name, others), na_action="ignore").fillna(
            woe[-1]
        )
    cut = pandas.cut(values, [-np.inf, *bins.splits, np.inf], right=False, labels=False)
    return cut.map(dict(enumerate(woe))).fillna(woe[-1])


def test_auc_and_csi_of_each_variable_equal_those_of_single_rows(spark):
    loans = hmeq_loans().rename(columns={"BAD": "is_bad"})
    named = loans[["is_bad", *NUMERIC, *CATEGORICAL]]
    is_judged = loans.REASON == "DebtCon"
    development, judged = named[~is_judged], named[is_judged]
    binning = WoeBinning.of(numeric=NUMERIC, categorical=CATEGORICAL, label="is_bad")
    binned = binning.fit(spark.createDataFrame(development))
    # Variables are judged by their bins alone: any scorecard on them will do.
    card = ScorecardModel.of(FittedScorecard(("DELINQ",), (-1.0,), 0.0, ()), margin="margin")
    found = judge_variables(spark.createDataFrame(judged), PipelineModel([binned, card]))
    areas, shifts = (
        shown(found, name).set_index("variable") for name in ("variables_judged", "csi")
    )
    assert set(areas.index) == set(shifts.index) == {*NUMERIC, *CATEGORICAL}
    for bins in binned.column_bins:
        before, now = (woe_of(bins, rows[bins.column]) for rows in (development, judged))
        expected = [roc_auc_score(development.is_bad, -before), roc_auc_score(judged.is_bad, -now)]
        ranked = areas.loc[bins.column, ["AUC, development", "AUC, judged"]]
        assert ranked.tolist() == pytest.approx(expected, abs=1e-9)
        counts = pandas.DataFrame({"e": before.value_counts(), "a": now.value_counts()}).fillna(0)
        shares = (counts + 0.5) / (counts + 0.5).sum()
        chance = chi2.ppf(0.95, len(counts) - 1) * (1 / len(before) + 1 / len(now))
        shifted = shifts.loc[bins.column, ["CSI", "CSI by chance"]].tolist()
        divergence = jeffrey(shares.a, shares.e, return_sum=True)
        assert shifted == pytest.approx([divergence, chance], abs=1e-9)
