"""The reasons of all declines of LendingClub's loans, out of time."""

import pytest
from pyspark.sql import functions as F

from penstock.conf import load_conf
from penstock.job import PROJECT
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.observations import read_observations, split_observations
from penstock.learn.reasons.declines import decline_reasons, select_declines
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from tests.learn.challenger.test_choice import leak_report
from tests.learn.reasons.test_declines import best_values
from tests.shared_data import shared

FAMILIES = {
    "debt": ["dti", "revol_bal", "revol_util"],
    "past delinquency": ["delinq_2yrs", "mths_since_last_delinq"],
    "public records": ["pub_rec", "pub_rec_bankruptcies", "mths_since_last_record"],
    "credit lines": ["open_acc", "total_acc"],
}


@pytest.fixture(scope="module")
def conf():
    path = shared("lendingclub/loans_2007-06_to_2011-09.csv.gz")
    words = [f"catalog.raw_table.path={path}", "params.read_observations.text=[]"]
    return load_conf(PROJECT / "conf", "lendingclub", words)


@pytest.fixture(scope="module")
def samples(spark, conf, tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    raw = Catalog.of(conf, home).read_file(spark, "raw_table")
    as_of = conf.params["common"]["as_of"]
    loans = read_observations(raw, **conf.params["read_observations"], as_of=as_of)
    split = split_observations(loans.where("fault IS NULL"), **conf.params["split_observations"])
    return [table.coalesce(2).persist() for table in split]


def declines_of(model, judged, conf):
    declined = select_declines(
        model.transform(judged).withColumn("model_version", F.lit("m/1")),
        **conf.params["select_declines"],
    )
    return declined.drop("pd", "declined_points", "declined_by")


def explained(model, samples, conf):
    """Return all declines of the judged loans with their reasons."""
    development, judged = samples
    told = {**conf.params["decline_reasons"], "families": FAMILIES, "protected": ["addr_state"]}
    told["categorical"] = [name for name in told["categorical"] if name != "addr_state"]
    estimator = decline_reasons(**told)
    estimator.begin_from(model)
    declined = declines_of(model, judged, conf)
    return estimator.fit(development).transform(declined).persist()


def assert_covered(declines, features):
    counts = declines.select(
        F.count_if(F.size("reasons").between(1, 4)).alias("covered"),
        F.count(F.lit(1)).alias("declines"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list("reasons.feature")))).alias("named"),
    ).first()
    assert counts.declines > 1000 and counts.covered == counts.declines
    assert set(counts.named) <= set(features) - {"addr_state"}


def pds_with_named_feature_at(values, model, declines):
    """Return the PD of each decline before and after the feature named first is moved."""
    named = F.col("reasons")[0].feature
    moved = {
        name: F.when(named == name, F.lit(value)).otherwise(F.col(name)).cast(kind)
        for (name, value), kind in zip(
            values.items(), (declines.schema[name].dataType for name in values), strict=True
        )
    }
    after = model.transform(declines.withColumns(moved)).select(
        "row_id", F.col("pd").alias("after")
    )
    return model.transform(declines).join(after, "row_id").select("pd", "after").toPandas()


def test_every_decline_of_lendingclub_has_reasons_that_hold(samples, conf):
    features = conf.params["scorecard_pd"]
    plain = {"stepwise": "none", "categorical": ["purpose", "home_ownership", "emp_length"]}
    model = scorecard_pd(**features | plain).fit(samples[0])
    declines = explained(model, samples, conf)
    assert_covered(declines, [*features["numeric"], *plain["categorical"]])
    pds = pds_with_named_feature_at(best_values(model), model, declines)
    assert (pds.after < pds.pd).all()


def test_every_decline_by_trees_has_reasons_that_hold(samples, conf):
    features = conf.params["challenger_pd"]
    few = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.1}
    plain = {"settings": few, "categorical": ["purpose", "home_ownership", "emp_length"]}
    estimator = challenger_pd(**features | plain)
    estimator.begin_from(leak_report(), None)
    model = estimator.fit(samples[0])
    declines = explained(model, samples, conf)
    assert_covered(declines, [*features["numeric"], *plain["categorical"]])
    # Trees bend: a feature that weighs most is not in each case cured by its most common value.
    usual = samples[0].agg(
        *(F.median(name).alias(name) for name in features["numeric"]),
        *(F.mode(name).alias(name) for name in plain["categorical"]),
    )
    pds = pds_with_named_feature_at(usual.first().asDict(), model, declines)
    assert (pds.after < pds.pd).mean() > 0.95
