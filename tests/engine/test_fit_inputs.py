"""A fit that begins with a model and a report: which version it gets, and what says no."""

import pytest
from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.feature import VectorAssembler

from penstock.conf import AliasConf, MemoryConf, ModelConf
from penstock.engine.nodes import Apply, Deploy, Fit
from penstock.errors import DataError, NodeFailed
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

    # An alias is what the release says of it, and a plan pins it.
    project.more["base"] = AliasConf("longer", "newest")
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
