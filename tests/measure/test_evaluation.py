import datetime
import json

import numpy as np
import pytest
from sklearn import metrics

from penstock.catalyst.internals import count_jobs
from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.measure.evaluation import evaluate_pd

COLUMNS = "pd DOUBLE, is_bad INT, issue_date DATE"
PARAMETERS = {"date": "issue_date", "vintage": "quarter", "bins": 10, "decimals": 6}
RANDOM = np.random.default_rng(2)
PDS = RANDOM.beta(2, 8, 600).round(6)
LABELS = (RANDOM.random(600) < PDS).astype(int)
DAYS = [datetime.date(2015, 1, 1) + datetime.timedelta(days=int(d)) for d in range(600)]


@pytest.fixture(scope="module")
def report(spark):
    rows = list(zip(PDS.tolist(), LABELS.tolist(), DAYS, strict=True))
    return evaluate_pd(spark.createDataFrame(rows, COLUMNS), **PARAMETERS)


def test_metrics_equal_scikit_learn(report):
    assert report.metrics["auc"] == pytest.approx(metrics.roc_auc_score(LABELS, PDS), abs=1e-12)
    assert report.metrics["brier"] == pytest.approx(metrics.brier_score_loss(LABELS, PDS))
    assert report.metrics["auc_low"] < report.metrics["auc"] < report.metrics["auc_high"]
    assert report.metrics["loans"] == 600
    assert report.metrics["mean_pd"] == pytest.approx(PDS.mean())


def test_vintages_are_quarters_in_order_and_add_up(report):
    table = report.tables["vintages"]
    assert [row[0] for row in table.rows] == [
        *("2015Q1", "2015Q2", "2015Q3", "2015Q4", "2016Q1", "2016Q2", "2016Q3")
    ]
    assert sum(row[1] for row in table.rows) == 600
    first = np.array(DAYS) < datetime.date(2015, 4, 1)
    assert table.rows[0][4] == pytest.approx(metrics.roc_auc_score(LABELS[first], PDS[first]))


def test_the_whole_evaluation_is_one_query(spark):
    rows = list(zip(PDS.tolist(), LABELS.tolist(), DAYS, strict=True))
    scored = spark.createDataFrame(rows, COLUMNS)
    before = count_jobs(spark)
    evaluate_pd(scored, **PARAMETERS)
    # Adaptive execution runs the two stages of one aggregation as two jobs.
    assert 1 <= count_jobs(spark) - before <= 2


def test_figures_are_complete_and_thin(report):
    assert set(report.figures) == {"roc", "cap", "ks", "calibration", "scores", "vintages"}
    assert len(report.figures["roc"].series[0].x) == 200
    assert report.figures["roc"].series[0].x[0] == 0
    assert report.figures["roc"].series[0].y[-1] == 1
    for series in report.figures["scores"].series:
        assert sum(series.y) == pytest.approx(1)


def test_the_report_survives_json(report):
    text = json.dumps(report.to_json(), allow_nan=False)
    assert Evidence.from_json(json.loads(text)) == report


def test_one_loan_leaves_what_needs_two_classes_undefined(spark):
    report = evaluate_pd(
        spark.createDataFrame([(0.2, 0, None)], COLUMNS), **PARAMETERS | {"vintage": "year"}
    )
    undefined = {name for name, value in report.metrics.items() if value is None}
    assert undefined == {"auc", "auc_low", "auc_high", "ks", "gini", "calibration_in_the_large"}
    assert report.tables["vintages"].rows == (("unknown", 1, 0.0, 0.2, None, None),)
    assert "roc" not in report.figures


def test_no_rows_are_an_error(spark):
    with pytest.raises(DataError, match="no rows to evaluate"):
        evaluate_pd(spark.createDataFrame([], COLUMNS), **PARAMETERS)


def test_a_pd_in_percent_is_an_error(spark):
    scored = spark.createDataFrame([(12.5, 0, None), (0.1, 1, None)], COLUMNS)
    with pytest.raises(DataError, match=r"1 rows have a pd outside 0-1, such as 12\.5"):
        evaluate_pd(scored, **PARAMETERS)
