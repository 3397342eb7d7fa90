"""The reasons of all declines of LendingClub's loans, out of time, by each model that may decide.

Each named feature, one at a time, is moved to what it was ranked against: the PD falls.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F

from penstock.binding import bind_parameters
from penstock.conf import load_conf
from penstock.errors import ConfigError
from penstock.graphs import lending
from penstock.job import PROJECT
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.champion import champion_reasons
from penstock.learn.logistic import logistic_pd
from penstock.learn.observation_split import split_observations
from penstock.learn.observations import read_observations
from penstock.learn.reasons.declines import decline_reasons, select_declines
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.lending.cases import gather_judged_cases
from penstock.lending.cleaning import clean_loans
from penstock.lending.decision_records import select_declined
from penstock.lending.features import add_features
from penstock.lending.labels import label_defaults
from penstock.lending.policy.decide import decide_by_policy
from penstock.lending.samples import split_by_issue_date
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from tests.learn.challenger.loans import leak_report
from tests.learn.reasons.moving import Trees, pds_at_references
from tests.shared_data import shared

pytestmark = pytest.mark.slow

FAMILIES = {
    "debt": ["dti", "revol_bal", "revol_util"],
    "past delinquency": ["delinq_2yrs", "mths_since_last_delinq"],
    "public records": ["pub_rec", "pub_rec_bankruptcies", "mths_since_last_record"],
    "credit lines": ["open_acc", "total_acc"],
}
PROTECTED = "addr_state"


@pytest.fixture(scope="module")
def raw(spark, tmp_path_factory):
    """Return the configuration, and the export as it is."""
    path = shared("lendingclub/loans_2007-06_to_2011-09.csv.gz")
    words = [f"catalog.raw_table.path={path}", "params.read_observations.text=[]"]
    conf = load_conf(PROJECT / "conf", "lendingclub", words)
    home = Home(tmp_path_factory.mktemp("home"))
    table = Catalog.of(conf, home).read_file(spark, "raw_table")
    # An archive cannot be read in parts.
    path = str(tmp_path_factory.mktemp("raw") / "loans")
    table.write.parquet(path)
    return SimpleNamespace(params=conf.params, table=spark.read.parquet(path))


@pytest.fixture(scope="module")
def samples(raw):
    """Return the loans to learn from and those to judge by, as the graph `scorecard` reads them."""
    as_of = raw.params["common"]["as_of"]
    loans = read_observations(raw.table, **raw.params["read_observations"], as_of=as_of)
    readable = loans.where("fault IS NULL")
    split = split_observations(readable, None, **raw.params["split_observations"])
    return [table.coalesce(2).persist() for table in split]


def told_of_declines(model, samples, raw, **changes):
    """Return the model of reasons, and all declines of the judged loans with theirs."""
    development, judged = samples
    estimator = champion_reasons(
        **{**raw.params["decline_reasons"], "families": FAMILIES, "protected": [], **changes}
    )
    estimator.begin_from(model)
    reasons = estimator.fit(development)
    named = model.transform(judged).withColumn("model_version", F.lit("m/1"))
    declined = select_declines(named, **raw.params["select_declines"])
    rows = declined.select(*judged.columns, F.col("pd").alias("before"))
    return reasons, reasons.transform(rows).persist()


def assert_covered(declines, features):
    """Assert that each decline has reasons, four at most, greatest first; return what is named."""
    falls = F.col("reasons.shortfall") == F.reverse(F.array_sort("reasons.shortfall"))
    is_short = F.forall("reasons", lambda reason: reason.shortfall > 0)
    counts = declines.select(
        F.count_if(F.size("reasons").between(1, 4) & falls & is_short).alias("covered"),
        F.count(F.lit(1)).alias("declines"),
        F.array_distinct(F.flatten(F.collect_list("reasons.feature"))).alias("named"),
    ).first()
    assert counts.declines > 500 and counts.covered == counts.declines
    assert set(counts.named) <= set(features)
    return set(counts.named)


def without(protected, section):
    return {**section, "categorical": [n for n in section["categorical"] if n != protected]}


def test_every_reason_of_a_decline_by_the_scorecard_holds(samples, raw):
    params = without(PROTECTED, raw.params["scorecard_pd"]) | {"stepwise": "none"}
    model = scorecard_pd(**params).fit(samples[0])
    categorical, protected = params["categorical"], [PROTECTED]
    reasons, declines = told_of_declines(
        model, samples, raw, categorical=categorical, protected=protected
    )
    assert_covered(declines, [*params["numeric"], *categorical])
    pds = pds_at_references(model, reasons, declines.drop("reasons"))
    assert (pds.after < pds.before).all()


def test_reasons_of_declines_by_trees_hold_and_what_is_protected_is_refused(samples, raw):
    few = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.1}
    params = raw.params["challenger_pd"]
    estimator = challenger_pd(**params | {"settings": few})
    estimator.begin_from(leak_report(), None)
    model = estimator.fit(samples[0])
    reasons, declines = told_of_declines(model, samples, raw)
    named = assert_covered(declines, [*params["numeric"], *params["categorical"]])
    # The state is a feature of this model, and is told where nobody protects it.
    assert PROTECTED in named
    with pytest.raises(ConfigError, match=f"'{PROTECTED}' is protected, .* take it out of"):
        told_of_declines(model, samples, raw, protected=[PROTECTED])
    with pytest.raises(ConfigError, match=f"Protected columns cannot be features: {PROTECTED}"):
        read = raw.params["read_observations"] | {"protected": [PROTECTED]}
        read_observations(raw.table, **read, as_of=raw.params["common"]["as_of"])

    sums = F.expr("aggregate(_contributions[0], 0D, (a, b) -> a + b)").alias("sum")
    contributed = PipelineModel(reasons.stages[:-1]).transform(declines.drop("reasons"))
    trees = Trees(model, declines)
    np.testing.assert_allclose(
        contributed.select(sums).toPandas()["sum"], trees.log_odds, atol=1e-6
    )
    told = [row.features for row in declines.selectExpr("reasons.feature features").collect()]
    of_first, of_all = share_that_holds(trees, told)
    assert of_first == 1.0 and of_all > 0.96


def share_that_holds(trees, told):
    """Return the share of reasons without whose feature the PD is lower: of those first, of all."""
    rows = np.repeat(np.arange(len(told)), [*map(len, told)])
    names, is_first = np.concatenate(told), np.diff(rows, prepend=-1) > 0
    before = trees.log_odds_without(None, rows)
    # Read as xgboost reads them, but for the constant that they begin with.
    assert np.ptp(before - trees.log_odds[rows]) < 1e-5
    is_lower = np.zeros(len(rows), dtype=bool)
    for feature in {*names}:
        own = names == feature
        is_lower[own] = trees.log_odds_without(feature, rows[own]) < before[own]
    return is_lower[is_first].mean(), is_lower.mean()


def test_every_reason_of_a_decline_by_the_logistic_regression_of_lending_holds(raw):
    p = bind_parameters(lending.GRAPH, raw.params)
    loans = clean_loans(raw.table, **p["clean_loans"]).persist()
    labelled = label_defaults(loans, **p["label_defaults"])
    split = split_by_issue_date(
        add_features(labelled, **p["add_features"]), **p["split_by_issue_date"]
    )
    train, judged = split[0].persist(), split[1]
    model = logistic_pd(**p["logistic_pd"]).fit(train)
    # Kept, as the graph keeps them: a policy names a PD so often that its plan would not end.
    with_pd = model.transform(judged).withColumn("model_version", F.lit("m/1")).persist()
    cases = gather_judged_cases(with_pd, loans, **p["gather_judged_cases"])
    decisions = decide_by_policy(cases, **p["decide_on_variants"]).persist()
    features = with_pd.withColumnsRenamed({"loan_id": "application_id", "pd": "before"})
    rows = select_declined(decisions, features, explain="declines").persist()
    estimator = decline_reasons(**p["lending_reasons"])
    estimator.begin_from(model)
    reasons = estimator.fit(train)
    assert_covered(reasons.transform(rows), estimator.features)
    pds = pds_at_references(model, reasons, rows)
    assert (pds.after < pds.before).all()
