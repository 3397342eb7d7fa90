"""The graph of credit lines finds what its lines were drawn by."""

import datetime as dt

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F

from penstock.catalyst.internals import count_jobs
from penstock.engine.checking import check_rows
from penstock.graphs.credit_lines import GRAPH
from penstock.job import prepare_job
from penstock.learn.fractional.models import fractional_ccf
from penstock.lending.lines.exposure import add_exposure
from penstock.lending.lines.features import add_line_features
from penstock.lending.lines.reading import read_line_months
from penstock.lending.lines.realised_ccf import list_line_defaults
from penstock.lending.lines.samples import split_line_defaults
from penstock.measure.ead_evaluation import evaluate_ead
from penstock.measure.ratio_evaluation import evaluate_ccf
from penstock.planning import plan_job
from penstock.store.stores import Stores
from penstock.synthetic.lines import generate_line_months

pytestmark = pytest.mark.slow

LINES = 6000


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK_HOME", str(tmp_path_factory.mktemp("home")))
        return prepare_job("plan", ["--graph", "credit_lines"]).params


@pytest.fixture(scope="module")
def drawn(spark, params):
    return generate_line_months(spark.range(LINES), **params["generate_line_months"])


@pytest.fixture(scope="module")
def defaults(drawn, params):
    raw, truth = drawn
    months = check_rows(read_line_months(raw), GRAPH.contracts["line_months"]).good
    features = add_line_features(months, **params["add_line_features"])
    found = list_line_defaults(features, **params["list_line_defaults"])
    true = truth.withColumnRenamed("month", "reference_month")
    kept = found.join(true, ["line_id", "reference_month"], how="left").persist()
    yield kept
    kept.unpersist()


@pytest.fixture(scope="module")
def judged(defaults, params):
    train, drawn_train, test = split_line_defaults(defaults, **params["split_line_defaults"])
    model = fractional_ccf(**params["fractional_ccf"]).fit(train)
    scored = model.transform(test)
    kept = add_exposure(scored, drawn_train, **params["add_exposure"]).persist()
    yield kept, train
    kept.unpersist()


def test_the_whole_run_is_planned_without_a_spark_job(spark, tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    job = prepare_job("plan", ["--graph", "credit_lines"])
    jobs = count_jobs(spark)
    plan = plan_job(job, spark, Stores.of(job.conf, job.home), token="x")
    assert {p.node.name: p.action for p in plan.nodes} == {n.name: "run" for n in GRAPH.nodes}
    assert (plan.spark_jobs, count_jobs(spark)) == (0, jobs)


def test_realised_ccfs_have_the_mean_that_is_true_in_every_band_of_it(defaults):
    found = defaults.where("basis = 'CCF'").select("true_ccf", "realised_ccf").toPandas()
    assert len(found) > 700
    band_of = pandas.qcut(found.true_ccf, 4, labels=False)
    bands = [band for _, band in found.groupby(band_of)]
    for band in bands:
        error = band.realised_ccf.std() / np.sqrt(len(band))
        assert band.realised_ccf.mean() == pytest.approx(band.true_ccf.mean(), abs=3.5 * error)
    assert bands[-1].true_ccf.mean() - bands[0].true_ccf.mean() > 0.3


def test_every_kind_of_default_occurs(defaults):
    bases = {row.basis: row["count"] for row in defaults.groupBy("basis").count().collect()}
    assert {"CCF", "EAD factor", "no reference"} <= bases.keys()
    ccf = F.col("unclipped_ccf")
    [clipped] = defaults.agg(F.count_if(ccf < 0), F.count_if(ccf > 1)).collect()
    assert min(clipped) > 30


def test_the_model_finds_the_true_ccf_out_of_time(judged):
    scored = judged[0].where("basis = 'CCF'").select("true_ccf", "ccf").toPandas()
    error = np.sqrt(((scored.ccf - scored.true_ccf) ** 2).mean())
    assert np.corrcoef(scored.ccf, scored.true_ccf)[0, 1] > 0.85
    assert error < 0.6 * scored.true_ccf.std()
    assert scored.ccf.mean() == pytest.approx(scored.true_ccf.mean(), abs=0.05)


def test_its_reports_say_so(judged, params):
    scored, train = judged
    of_ccf = evaluate_ccf(scored, train, **params["evaluate_ccf"]).metrics
    assert of_ccf["skill_low"] > 0
    of_ead = evaluate_ead(scored, train)
    low, high = (of_ead.metrics[f"expected_to_realised_{end}"] for end in ("low", "high"))
    assert low - 0.02 < 1 < high + 0.02
    rules = {row[0]: row[3] for row in of_ead.tables["rules"].rows}
    assert min(rules, key=rules.get) == "model"


def test_a_line_is_the_same_in_any_table(spark, drawn, params):
    other = {**params["generate_line_months"]}
    few, truth = generate_line_months(spark.range(40, 43), **other)
    keys = ["L40", "L41", "L42"]
    same = drawn[0].where(F.col("line_id").isin(*keys))
    assert sorted(few.collect()) == sorted(same.collect())
    assert few.count() == truth.count()


def test_a_line_stands_in_every_month_until_it_ends(drawn):
    raw = drawn[0].where("CAST(substring(line_id, 2) AS INT) < 300").toPandas()
    assert not raw.duplicated(["line_id", "month"]).any() and not raw.isna().any().any()
    assert raw.month.min() == "2018-01-31" and raw.month.max() == "2025-06-30"
    for _, line in raw.groupby("line_id"):
        months = sorted(dt.date.fromisoformat(month) for month in line.month)
        numbers = [month.year * 12 + month.month for month in months]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert (line.is_default == "true").sum() <= 3
