"""A fit that is stopped half-way goes on where it was, and what it chose from is in MLflow."""

from pyspark.ml import Estimator, PipelineModel

from penstock.conf import ModelConf
from penstock.engine.nodes import Fit
from penstock.learn.tuning.record import SearchRecord
from penstock.learn.tuning.trials import Findings, FoldScore, Trial

TRIALS = (
    Trial(0, {"depth": 3}, "complete", (FoldScore(0.5, 0.7, 0.4, 0.8, 1.0),)),
    Trial(1, {"depth": 4}, "failed", (), "too deep"),
)
taken: list[str] = []
power_is_lost_at = ["c"]


class ThreeSteps(Estimator):
    """Takes three steps, each of them once if it gets to know of those before."""

    features, adds = ("amount",), ()

    def resume_from(self, kept):
        self.kept = kept

    def transformSchema(self, schema):
        return schema

    def _fit(self, dataset):
        for step in "abc":
            if step in self.kept:
                continue
            if step in power_is_lost_at:
                power_is_lost_at.remove(step)
                raise RuntimeError("power is lost")
            taken.append(step)
            self.kept[step] = {"loss": 0.1}
        found = Findings("log_loss", (0,), by_time=False, trials=TRIALS)
        return PipelineModel([SearchRecord.of(found)])


def three_steps():
    return ThreeSteps()


def test_a_fit_goes_on_where_it_was_stopped_and_its_attempts_are_runs_below_its_own(released):
    project = released
    project.grow(Fit(three_steps, "loans", "steps"), steps=ModelConf("steps"))
    _, error = project.run()
    assert "power is lost" in str(error) and taken == ["a", "b"]
    [kept] = project.home.checkpoints.glob("small.three_steps/*")
    assert len(kept.read_text().split()) > 0

    record, error = project.run()
    assert error is None and taken == ["a", "b", "c"]
    assert {n.name: n.status for n in record.nodes}["three_steps"] == "done"
    assert not kept.exists()

    tracking = project.stores.tracking
    [node] = tracking.client.search_runs(
        [tracking.experiment_id],
        "attributes.run_name = 'three_steps' AND attributes.status = 'FINISHED'",
    )
    below = tracking.client.search_runs(
        [tracking.experiment_id], f"tags.`mlflow.parentRunId` = '{node.info.run_id}'"
    )
    trials = {run.info.run_name: run for run in below}
    assert set(trials) == {"trial 0", "trial 1"}
    best, failed = trials["trial 0"], trials["trial 1"]
    assert best.data.params == {"depth": "3"} and best.data.metrics["mean_auc"] == 0.7
    assert (best.data.tags["is_best"], best.info.status) == ("true", "FINISHED")
    assert (failed.data.tags["reason"], failed.info.status) == ("too deep", "FAILED")
