"""A fit that begins with a model and a report: which version it gets, and what says no."""

from dataclasses import replace
from importlib import metadata

import pytest
from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.feature import VectorAssembler

from penstock.conf import AliasConf, DeltaConf, MemoryConf, ModelConf, ReportConf
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.made import records_of
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Transform
from penstock.errors import ConfigError, DataError, NodeFailed
from penstock.evidence import Evidence
from penstock.store.models import ModelVersion


class Longer(Estimator):
    """Fits a pipeline with one stage more than the one that it begins with."""

    features, adds = ("amount",), ()

    def begin_from(self, report, base):
        self.total, self.base = report.metrics["total"], base

    def transformSchema(self, schema):
        return schema

    def _fit(self, dataset):
        before = list(self.base.stages) if self.base else []
        added = f"total_{self.total:g}_{len(before)}"
        stage = VectorAssembler(inputCols=["amount"], outputCol=added)
        return PipelineModel([*before, stage])


def longer():
    return Longer()


NODES = (
    Fit(longer, ("loans", "report", "base"), "longer"),
    Deploy("longer", "newest", after="report"),
)


def outputs(project, version):
    fitted = project.stores.registry.load(ModelVersion("longer", version))
    return [stage.getOutputCol() for stage in fitted.stages]


def test_a_fit_gets_the_model_version_that_the_catalog_names_and_is_fitted_anew_by_another(
    released,
):
    project = released
    project.grow(
        *NODES,
        longer=ModelConf("longer"),
        base=ModelConf("longer"),
        newest=AliasConf("longer", "newest"),
    )
    record, error = project.run()
    assert error is None and outputs(project, "1") == ["total_6_0"]
    assert project.causes() == {}
    edges = project.plan().edges
    assert ("base", "") in edges["longer", ""] and ("report", "") not in edges["longer", ""]

    project.more["base"] = ModelConf("longer", version=1)
    assert project.causes()["longer"] == "base none -> 1"
    record, error = project.run()
    assert error is None and outputs(project, "2") == ["total_6_0", "total_6_1"]
    [read] = [d for d in record.datasets if d.name == "base"]
    assert (read.version, read.role) == ("1", "source")
    assert project.causes() == {}

    # An alias is what the release says of it, whatever MLflow says by now, and a plan pins it.
    project.more["base"] = AliasConf("longer", "newest")
    project.stores.registry.move_alias(ModelVersion("longer", "1"), "newest")
    plan = project.plan()
    assert plan.sources["base"] == "2"
    project.more["base"] = ModelConf("longer", version=9)
    with pytest.raises(DataError, match="'base' is the model longer/9, which the registry"):
        project.plan()
    only_fit = project.graph
    project.grow(Apply("base", "loans", "scored"), scored=MemoryConf())
    project.more["base"] = ModelConf("longer")
    with pytest.raises(DataError, match=r"'base' \(models:/longer\) has never been released"):
        project.plan()
    project.graph = only_fit
    project.more["base"] = AliasConf("longer", "best")
    with pytest.raises(DataError, match="models:/longer@best, and no release has given that"):
        project.plan()


def test_what_a_model_from_elsewhere_computes_is_another_by_another_spark(released):
    project, name = released, "apply_base_to_loans"
    project.grow(*NODES, longer=ModelConf("longer"), base=ModelConf("longer"))
    project.more["newest"] = AliasConf("longer", "newest")
    assert project.run()[1] is None
    project.graph = Graph("small", project.graph.nodes[:-2], project.graph.contracts)
    project.grow(Apply("base", "loans", "scored"), scored=DeltaConf())
    project.more["base"] = ModelConf("longer", version=1)
    assert project.run()[1] is None and project.causes() == {}
    made = records_of(project.current, "small")[name]
    then = replace(made, parts={**made.parts, "library pyspark": "3.5.0"}, fingerprint="then")
    base = replace(project.current, made={**project.current.made, f"small.{name}": then.to_json()})
    assert project.plan(base=base)[name].change == f"pyspark 3.5.0 -> {metadata.version('pyspark')}"


class Plain(Estimator):
    """Takes nothing but its table."""

    features, adds = ("amount",), ()

    def transformSchema(self, schema):
        return schema

    def _fit(self, dataset):
        return PipelineModel([])


def takes_nothing():
    return Plain()


def test_an_estimator_that_cannot_take_the_inputs_is_refused_by_the_plan(released):
    released.grow(Fit(takes_nothing, ("loans", "report"), "model"), model=ModelConf("model"))
    with pytest.raises(NodeFailed, match="Plain has no method begin_from to take report"):
        released.plan()


def measure_stages(model):
    return Evidence(metrics={"stages": float(len(model.stages))})


def pass_longer(report):
    return [] if report.metrics["stages"] > 1 else ["too short"]


def test_an_alias_is_not_handed_on_for_what_was_found_of_a_later_version(released):
    project = released
    project.grow(
        Fit(longer, ("loans", "report", "base"), "longer"),
        Measure(measure_stages, "longer", "stages"),
        Deploy("longer", "newest", after="stages"),
        Gate(pass_longer, "stages", "stages_verdict"),
        Deploy("newest", "best", after="stages_verdict"),
        Fit(longer, ("loans", "report", "newest"), "begun", name="go_on"),
        begun=ModelConf("begun"),
        longer=ModelConf("longer"),
        base=ModelConf("longer"),
        stages=ReportConf(),
        newest=AliasConf("longer", "newest"),
        stages_verdict=ReportConf(),
        best=AliasConf("longer", "best"),
    )
    train = project.graph.upto(["longer"], ["loans", "report"])
    measured = project.graph.upto(["stages"], ["longer"])
    register = project.graph.upto(["newest"], ["longer", "stages"])
    promote = project.graph.upto(["best"], ["newest", "stages"])
    for part in (train, measured, register):
        assert project.run(part)[1] is None
    assert "too short" in str(project.run(promote)[1])
    project.more["base"] = ModelConf("longer", version=1)
    for part in (train, measured):
        assert project.run(part)[1] is None
    go_on = project.graph.upto(["begun"], ["loans", "report", "newest"])
    for part in (promote, go_on):
        with pytest.raises(DataError, match=r"'newest' .* is version 1, and 'longer' is 2 by now"):
            project.plan(part)
    for part in (register, promote):
        assert project.run(part)[1] is None
    assert project.current.pins["best"] == "2"


def compare_stages(model, in_use):
    before = len(in_use.stages) if in_use else -1
    return Evidence(metrics={"now": float(len(model.stages)), "before": float(before)})


def test_a_measure_beside_the_model_in_use_is_not_done_again_because_its_own_run_moved_that(
    released,
):
    project = released
    project.grow(
        Fit(longer, ("loans", "report", "base"), "longer"),
        Measure(compare_stages, ("longer", "in_use"), "stages"),
        Deploy("longer", "newest", after="stages"),
        longer=ModelConf("longer"),
        base=ModelConf("longer"),
        stages=ReportConf(),
        newest=AliasConf("longer", "newest"),
        in_use=AliasConf("longer", "newest"),
    )
    record, error = project.run()
    assert error is None and project.plan().sources["in_use"] == "1"
    assert record.evidence["stages"]["metrics"] == {"now": 1, "before": -1}
    assert project.causes() == {}

    project.more["base"] = ModelConf("longer", version=1)
    record, error = project.run()
    assert error is None
    assert record.evidence["stages"]["metrics"] == {"now": 2, "before": 1}
    assert project.plan().sources["in_use"] == "2" and project.causes() == {}

    # Another model than the one that the release has moved on to is another question.
    project.more["in_use"] = ModelConf("longer", version=1)
    assert set(project.causes()) == {"compare_stages", "deploy_newest"}


def test_another_model_under_the_same_version_is_another_source(released):
    project = released
    project.grow(
        Fit(longer, ("loans", "report", "base"), "longer"),
        longer=ModelConf("longer"),
        base=ModelConf("shared", version=1),
    )
    loans = project.catalog.delta("loans").read(project.spark, project.current.pins["loans"])

    def register(*added):
        stages = [VectorAssembler(inputCols=["amount"], outputCol=name) for name in added]
        run_id = project.stores.tracking.start_run("elsewhere", {})
        project.stores.registry.save(PipelineModel(stages), "shared", run_id=run_id, example=loans)

    register("first")
    assert project.run()[1] is None and project.causes() == {}
    project.stores.registry.client.delete_registered_model("shared")
    register("second", "third")
    assert project.causes() == {"longer": "base is another model"}
    assert project.run()[1] is None and outputs(project, "2") == ["second", "third", "total_6_2"]


class Short(Longer):
    """Takes less than it is handed."""

    def begin_from(self, report):
        self.total, self.base = report.metrics["total"], None


def short():
    return Short()


def test_an_estimator_that_takes_fewer_inputs_than_it_is_handed_is_refused_by_the_plan(released):
    node = Fit(short, ("loans", "report", "base"), "longer")
    released.grow(node, longer=ModelConf("longer"), base=ModelConf("longer"))
    with pytest.raises(
        NodeFailed, match=r"Short.begin_from is handed 2 .* takes \['report'\]: too many"
    ):
        released.plan()


class Late(Plain):
    features = ("raw_amount",)


class Onto(Plain):
    def begin_from(self, model):
        self.model = model


def late():
    return Late()


def onto():
    return Onto()


def to_fit(raw):
    return raw.selectExpr("id", "try_cast(amount AS INT) AS amount", "amount AS raw_amount")


def test_a_model_that_knows_too_much_is_nothing_to_begin_with(released):
    columns = "id STRING, amount INT, raw_amount STRING"
    released.grow(
        Transform(to_fit, "raw", "rows"),
        Fit(late, "rows", "decided"),
        Fit(onto, ("rows", "decided"), "begun"),
        contracts={"rows": Contract(columns, known_at={"decision": ["raw_amount"]})},
        rows=DeltaConf(),
        decided=ModelConf("decided", known_at="decision"),
        begun=ModelConf("begun"),
    )
    told = r"Node 'onto': the model 'decided' that it begins with leaks. .* by late -> onto; .*"
    with pytest.raises(ConfigError, match=f"{told} Take it out, or say catalog.begun.known_at"):
        released.plan()


def test_a_model_that_is_gone_is_told_before_anything_runs(released):
    project = released
    project.grow(
        *NODES,
        longer=ModelConf("longer"),
        base=ModelConf("longer"),
        newest=AliasConf("longer", "newest"),
    )
    assert project.run()[1] is None
    project.grow(Apply("newest", "loans", "scored"), scored=MemoryConf())
    scoring = project.graph.only(["apply_newest_to_loans"])
    assert project.plan(scoring).sources["newest"] == "1"
    project.stores.registry.client.delete_model_version("longer", "1")
    for wishes in ({}, {"pinned": {"newest": "1"}}):
        with pytest.raises(DataError, match="'newest' is the model longer/1, which .* Train it"):
            project.plan(scoring, **wishes)
