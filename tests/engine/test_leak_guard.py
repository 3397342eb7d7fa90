"""What is known too late is no feature: planted leaks are refused by `plan`, with no Spark job."""

from dataclasses import replace

import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F

from penstock.catalyst.internals import count_jobs
from penstock.conf import MemoryConf, ModelConf
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.leak_guard import leak_faults
from penstock.engine.lineage import LABEL, Lineage
from penstock.engine.nodes import Apply, Fit, Transform
from penstock.errors import ConfigError, GraphError, PenstockError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.learn.logistic import logistic_pd
from penstock.planning import plan_job
from penstock.store.catalog import Catalog
from penstock.store.stores import Stores

SOUND = "debt_to_income"


def signal(labelled, **columns):
    """Return a table to fit on: a sound feature, and the column under test as `signal`."""
    rows = labelled.withColumns(columns) if columns else labelled
    return rows.select("is_bad", F.lit("development").alias("sample"), SOUND, "signal")


def renamed(labelled):
    return signal(labelled, signal=F.col("recoveries_usd"))


def summed(labelled):
    return signal(labelled, signal=F.col("amount_usd") + F.col("total_paid_usd"))


def as_flag(labelled):
    return signal(labelled, signal=F.when(F.col("last_fico") < 600, 1).otherwise(0))


def by_window(labelled):
    of_state = Window.partitionBy("state")
    return signal(
        labelled, signal=F.count_if(F.col("principal_outstanding_usd") > 0).over(of_state)
    )


def of_the_outcome(labelled):
    return signal(labelled, signal=F.col("is_bad").cast("double"))


def the_price(labelled):
    return signal(labelled, signal=F.col("interest_rate"))


def by_python(labelled):
    def same(batches):
        yield from batches

    rows = labelled.withColumn("signal", F.col("fico")).select("loan_id", "signal", "last_fico")
    told = rows.mapInPandas(same, "loan_id STRING, signal INT, last_fico INT")
    return signal(labelled.drop("last_fico").join(told, "loan_id", "left"))


def count_payments(raw_payments):
    return raw_payments.groupBy("id").agg(F.count("*").alias("n_payments"))


def joined(labelled, payment_counts):
    matches = labelled.loan_id == payment_counts.id
    together = labelled.join(payment_counts, matches, "left")
    return signal(together, signal=F.coalesce("n_payments", F.lit(0)))


def joined_raw(labelled, raw_loans):
    high = raw_loans.select(F.col("id").alias("loan_id"), "last_fico_range_high")
    together = labelled.join(high, "loan_id", "left")
    return signal(together, signal=F.try_to_number("last_fico_range_high", F.lit("999")))


def the_truth(labelled, true_risk):
    matches = labelled.loan_id == true_risk.id
    return signal(labelled.join(true_risk, matches, "left"), signal=F.col("true_pd"))


def as_score(price_scores):
    return signal(price_scores.drop("signal").withColumnRenamed("pd", "signal"))


# Variant to its inputs, and the raw column and the way that the fault must name.
PLANTED = {
    renamed: ("labelled", "raw_loans.recoveries by clean_loans -> label_defaults -> renamed ->"),
    summed: ("labelled", "raw_loans.total_pymnt by"),
    as_flag: ("labelled", "raw_loans.last_fico_range_low by"),
    by_window: ("labelled", "raw_loans.out_prncp by"),
    of_the_outcome: ("labelled", "raw_loans.loan_status by"),
    the_price: ("labelled", "raw_loans.int_rate by"),
    by_python: ("labelled", "raw_loans.last_fico_range_low by"),
    joined: (
        ("labelled", "payment_counts"),
        "raw_payments.id by count_payments -> joined -> fit_joined",
    ),
    joined_raw: (("labelled", "raw_loans"), "raw_loans.last_fico_range_high by joined_raw"),
    the_truth: (("labelled", "true_risk"), "true_risk.true_pd by the_truth -> fit_the_truth"),
    as_score: (
        "price_scores",
        "raw_loans.int_rate by clean_loans -> label_defaults -> price_of_all "
        "-> apply_model_price_of_all_to_table_price_of_all -> as_score -> fit_as_score",
    ),
}


def price_of_all(labelled):
    return the_price(labelled)


def fits(variant):
    name = variant.__name__
    return Fit(logistic_pd, f"table_{name}", f"model_{name}", name=f"fit_{name}")


def planted_job(tmp_path, monkeypatch):
    """Return the lending graph with all variants planted, and a model of the price that may be."""
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    job = prepare_job("plan", [])
    nodes = [Transform(count_payments, "raw_payments", "payment_counts")]
    catalog = {**job.conf.catalog, "payment_counts": MemoryConf(), "price_scores": MemoryConf()}
    for variant, inputs in {
        price_of_all: "labelled",
        **{v: i for v, (i, _) in PLANTED.items()},
    }.items():
        name = variant.__name__
        nodes += [Transform(variant, inputs, f"table_{name}"), fits(variant)]
        catalog |= {f"table_{name}": MemoryConf(), f"model_{name}": ModelConf(name)}
    nodes.append(Apply("model_price_of_all", "table_price_of_all", "price_scores"))
    catalog["model_price_of_all"] = ModelConf("price", known_at="decision")
    graph = Graph("lending", (*GRAPH.nodes, *nodes), GRAPH.contracts)
    own = {**job.params["logistic_pd"], "numeric": [SOUND, "signal"], "categorical": []}
    params = {**job.params, **{n.name: own if n.kind == "fit" else {} for n in nodes}}
    conf = replace(job.conf, catalog=catalog)
    return replace(job, conf=conf, whole=graph, graph=graph, params=params)


@pytest.mark.slow
def test_a_feature_known_too_late_is_refused_however_it_is_made(spark, tmp_path, monkeypatch):
    job, jobs = planted_job(tmp_path, monkeypatch), count_jobs(spark)
    with pytest.raises(PenstockError) as told:
        plan_job(job, spark, Stores.of(job.conf, job.home), token="x")
    faults = str(told.value).splitlines()
    # One for each variant: the models of the graph itself, and that of the price, may be.
    assert faults[0] == f"{len(PLANTED)} faults, and nothing was run:"
    for variant, (_, way) in PLANTED.items():
        [fault] = [line for line in faults if f"Node 'fit_{variant.__name__}'" in line]
        assert "feature 'signal' leaks" in fault and way in fault, fault
    assert "model_the_price.known_at: decision, if" in str(told.value)
    assert told.value.exit_code == ConfigError.exit_code
    assert count_jobs(spark) == jobs
    assert list(tmp_path.iterdir()) == []


SCORECARD = ("--graph", "scorecard", "--env", "lendingclub")


def scorecard_plan(spark, tmp_path, monkeypatch, *changes):
    """Plan the scorecard of LendingClub, on a file that has no more than its columns' names."""
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    file = tmp_path / "loans.csv"
    read = prepare_job("describe", [*SCORECARD]).conf.params["read_observations"]
    days = [read["date"], read["bad_date"]]
    features = [*read["numeric"], *read["categorical"], *read["text"]]
    names = [*read["key"], read["target"], *days, *features]
    late = ("int_rate", "installment", "grade", "sub_grade", "recoveries",
            "collection_recovery_fee", "last_pymnt_amnt")  # fmt: skip
    file.write_text(",".join([*names, *late]) + "\n" + "1," * (len(names + [*late]) - 1) + "1\n")
    sets = [word for change in (f"catalog.raw_loans.path={file}", *changes)
            for word in ("--set", change)]  # fmt: skip
    job = prepare_job("plan", [*SCORECARD, *sets])
    return plan_job(job, spark, Stores.of(job.conf, job.home), token="x")


def numeric(name):
    return f"params.read_observations.numeric=[fico_range_low, {name}]"


def test_a_late_column_is_refused_in_a_scorecard_by_configuration(spark, tmp_path, monkeypatch):
    def plan(*changes):
        return scorecard_plan(spark, tmp_path, monkeypatch, *changes)

    jobs = count_jobs(spark)
    assert plan().spark_jobs == 0
    way = "by add_history -> read_observations -> split_observations -> scorecard_pd; catalog.raw_t"
    for name in ("recoveries", "last_pymnt_amnt", "int_rate"):
        with pytest.raises(ConfigError, match=f"'{name}' leaks.*raw_table.{name} {way}"):
            plan(numeric(name))
    # The other models of the graph are used when the scorecard is.
    used_later = "catalog.scorecard.known_at=decision"
    assert plan(numeric("int_rate"), used_later).spark_jobs == 0
    with pytest.raises(ConfigError, match="says 'post'.*may use what is known at 'decision'"):
        plan(numeric("recoveries"), used_later)
    with pytest.raises(ConfigError, match="'recoverys', which .* Did you mean 'recoveries'"):
        plan("catalog.raw_table.known_at={post: [recoverys, hardship_*]}")
    assert count_jobs(spark) == jobs


def test_a_protected_column_weighs_rows_and_is_no_feature(spark, tmp_path, monkeypatch):
    features = "categorical: [purpose, home_ownership, emp_length], protected: [addr_state]"
    described = f"params.read_observations={{{features}}}"

    def reached(*changes):
        """Return whether the state of a loan is behind the features and the labels of a model."""
        lineage = Lineage(scorecard_plan(spark, tmp_path, monkeypatch, described, *changes).edges)
        return {
            (model, part): "addr_state" in {column for _, column in lineage.of(model, part)}
            for model in ("scorecard", "challenger")
            for part in ("", LABEL)
        }

    assert not any(reached().values())
    assert reached("params.split_observations.reweigh_by=[addr_state]") == {
        (model, part): part == LABEL
        for model in ("scorecard", "challenger")
        for part in ("", LABEL)
    }
    with pytest.raises(ConfigError, match="'purpose', which is not among the protected columns"):
        reached("params.split_observations.reweigh_by=[purpose]")


def test_rows_to_score_may_lack_what_is_known_later(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    job = prepare_job("describe", [*SCORECARD])
    catalog = Catalog.of(job.conf, job.home)
    assert catalog.clocks["unscored_table"] == catalog.clocks["raw_table"]

    def faults(table):
        return leak_faults((), job.whole, catalog, {}, {table: ["id", "fico_range_low"]})

    assert faults("unscored_table") == []
    assert any(
        "names 'recoveries', which the table has no col" in str(f) for f in faults("raw_table")
    )


@pytest.mark.parametrize(
    ("known_at", "fault"),
    [
        ({"psot": ("paid",)}, "moment 'psot'. Did you mean 'post'"),
        ({"post": "paid"}, "'paid' for 'post'; it must be a list"),
        ({"post": ("last_*_date",)}, r"at the end of a name only"),
    ],
)
def test_clocks_that_cannot_be_meant_are_refused(known_at, fault):
    with pytest.raises(GraphError, match=fault):
        Contract("paid INT", known_at=known_at)


def test_clocks_are_in_no_fingerprint():
    assert repr(Contract("paid INT", known_at={"post": ("paid",)})) == repr(Contract("paid INT"))
    assert repr(ModelConf("pd", known_at="decision")) == repr(ModelConf("pd"))
