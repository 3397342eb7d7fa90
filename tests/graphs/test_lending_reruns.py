"""The lending graph planned anew on a run's state: what changed is run again, and what hangs on it.

Nothing is run here: a plan says what would be, and why.
"""

import json
import re
import shutil
from datetime import UTC, datetime

import pytest

from penstock.conf import KIND_OF
from penstock.errors import ConfigError, Conflict, UsageError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.planning import plan_document
from penstock.store.catalog import Catalog
from penstock.store.releases import Releases, rolled_back
from tests.graphs.planned import plan_of
from tests.processes import PROJECT, SMALL, do


def again_for(*changed):
    """Return what is to run: the nodes changed, all behind them, and what feeds these by memory."""
    nodes = {n.name: n for n in GRAPH.nodes}
    again = {*changed} | {
        n.name for n in GRAPH.behind([o for c in changed for o in nodes[c].outputs])
    }
    kinds = {name: KIND_OF[type(e)] for name, e in prepare_job("plan", []).conf.catalog.items()}
    while True:
        read = {i for name in again for i in nodes[name].inputs if kinds[i] == "memory"}
        feeders = {GRAPH.producers[name].name for name in read if name in GRAPH.producers}
        if feeders <= again:
            return again
        again |= feeders


@pytest.mark.slow
def test_every_process_gives_the_same_fingerprints(spark, tmp_path, home, monkeypatch):
    _, recorded = plan_of(spark, home, monkeypatch, "plan", *SMALL)
    assert {p.action for p in recorded.nodes} == {"skip"}
    # On an empty state folder all is analysed anew: by this process, on other cores and partitions.
    # A model's name holds the run that fitted it: the same one for both.
    [run_id] = {p.taken.run_id for p in recorded.nodes if p.taken}
    _, anew = plan_of(spark, tmp_path, monkeypatch, "plan", *SMALL, token=run_id)
    assert {p.action for p in anew.nodes} == {"run"}
    for planned_anew in anew.nodes:
        name = planned_anew.node.name
        assert planned_anew.parts == recorded[name].parts, name
        assert planned_anew.fingerprint == recorded[name].fingerprint, name
    assert (anew.spark_jobs, recorded.spark_jobs) == (0, 0)


def test_what_changed_or_failed_can_be_selected(spark, home, monkeypatch):
    bins = ("--set", "params.evaluate_pd.bins=5")
    _, whole = plan_of(spark, home, monkeypatch, "plan", *SMALL, *bins)
    changed = {p.node.name: p.cause for p in whole.nodes if p.action == "run"}
    assert changed["evaluate_pd"] == "parameter bins 10 -> 5"
    assert set(changed) == again_for("evaluate_pd")
    _, part = plan_of(spark, home, monkeypatch, "plan", *SMALL, *bins, "--select", "state:changed")
    assert {p.node.name: p.cause for p in part.nodes if p.action == "run"} == changed
    assert {"clean_loans", "logistic_pd", "clean_applications"}.isdisjoint(
        p.node.name for p in part.nodes
    )
    with pytest.raises(UsageError, match="holds no node"):
        plan_of(spark, home, monkeypatch, "plan", *SMALL, "--select", "state:changed")

    [run] = (home / "runs").glob("*/run.json")
    record = json.loads(run.read_text())
    for node in record["nodes"]:
        node["status"] = "failed" if node["name"] == "evaluate_pd" else node["status"]
    later = home / "runs" / "99990101T000000-0000" / "run.json"
    later.parent.mkdir()
    later.write_text(json.dumps(record))
    failed = ("--select", "result:failed+")
    _, part = plan_of(spark, home, monkeypatch, "plan", *SMALL, *bins, *failed)
    assert {p.node.name: p.cause for p in part.nodes if p.action == "run"} == changed
    later.unlink()


@pytest.mark.parametrize(("source", "rows"), [("loan_numbers", 4001), ("application_numbers", 401)])
def test_another_input_reruns_all_that_is_made_from_it_and_nothing_else(
    spark, home, monkeypatch, source, rows
):
    more = ("--set", f"catalog.{source}.rows={rows}")
    _, plan = plan_of(spark, home, monkeypatch, "plan", *SMALL, *more)
    causes = {p.node.name: p.cause for p in plan.nodes if p.action == "run"}
    readers = [node.name for node in GRAPH.nodes if source in node.inputs]
    assert set(causes) == again_for(*readers)
    said = f"{source} {rows - 1} rows -> {rows} rows"
    assert [causes[name] for name in readers] == [said] * len(readers)


@pytest.mark.slow
def test_a_line_of_a_helper_reruns_what_calls_it_and_nothing_else(home, tmp_path):
    """The line is edited in a copy of the project, as a developer does between two runs."""
    for part in ("lib", "jobs", "conf"):
        shutil.copytree(PROJECT / part, tmp_path / part)
    for file in ("spark-submit.sh", "pyproject.toml"):
        shutil.copy(PROJECT / file, tmp_path)
    helper = tmp_path / "lib/penstock/lending/instalments.py"
    old, new = '"last_payment_date", "issue_date")', '"last_payment_date", "issue_date") + 0.01'
    text = helper.read_text()
    assert text.count(old) == 1
    helper.write_text(text.replace(old, new))
    code, out, err = do(home, "plan", *SMALL, "--json", project=tmp_path)
    assert code == 0, err
    causes = {n["name"]: n["cause"] for n in json.loads(out)["nodes"] if n["action"] == "run"}
    callers = ("estimate_default_timing", "list_exposures")
    assert set(causes) == again_for(*callers)
    told = "code of instalments_paid (lending/instalments.py) changed"
    assert {causes[name] for name in callers} == {told}


def test_by_another_outlook_the_book_is_assessed_again_and_no_model_is_fitted(
    spark, home, monkeypatch
):
    worse = "params.common.outlooks=[{reporting_date: 2022-12-31, pd_odds: 2.0, overlay: 0.0}]"
    _, plan = plan_of(spark, home, monkeypatch, "plan", "assess", *SMALL, "--set", worse)
    again = {p.node.name for p in plan.nodes if p.action == "run"}
    assert {"list_exposures", "add_credit_loss", "add_stage", "report_provisions"} <= again
    rest = {p.node.name for p in plan.nodes} - again
    assert rest == {"label_defaults", "estimate_default_timing"}
    assert {p.node.kind for p in plan.nodes} == {"transform", "apply", "measure"}


def test_scores_depend_on_the_code_that_their_model_computes_by(spark, home, monkeypatch):
    """The fitted model is as it was, but PDs are computed by the code of today."""
    _, plan = plan_of(spark, home, monkeypatch, "plan", "score", *SMALL)
    [apply] = [p for p in plan.nodes if p.node.inputs[0] == "champion"]
    assert "logistic_pd" not in {p.node.name for p in plan.nodes}
    assert {"code learn/platt.py:PlattModel", "library pyspark"} <= apply.parts.keys()


def test_another_text_of_a_policy_is_the_cause_of_a_run_of_what_uses_it(spark, home, monkeypatch):
    policies = "${files:base/policies/consumer"
    words = ["--set", f"params.decide.policy={policies}/2025.yaml}}"]
    words += ["--set", f"params.decide_by_both.other={policies}}}"]
    _, plan = plan_of(spark, home, monkeypatch, "plan", *SMALL, *words)
    run = {p.node.name: p.cause for p in plan.nodes if p.action == "run"}
    of_policy = ("decide", "choose_offers", "list_candidates", "count_hits", "decide_by_both")
    on_others = ("decide_on_judged", "decide_on_variants", "choose_variant_offers")
    readers = {name: run.pop(name) for name in (*of_policy, *on_others)}
    for cause in readers.values():
        assert re.fullmatch(r"parameter policy ….*double'\}, 'cut_.* -> ….*double'.*", cause), cause
    assert run.pop("compare_decisions") == "decisions_by_both is made anew"
    assert run.pop("backtest_policies") == "judged_decisions is made anew"
    assert "decisions is made anew" in run.pop("record_decisions")
    assert not [cause for cause in run.values() if "parameter" in cause]
    assert plan.spark_jobs == 0
    with pytest.raises(ConfigError, match="no version of the policy is in force on 2024-12-31"):
        plan_of(spark, home, monkeypatch, "plan", *SMALL, *words[:2])


def test_offers_at_rates_that_the_law_forbids_are_refused_by_plan(spark, home, monkeypatch):
    said = r"consumer/2025\.yaml, line 6: legal_cap is 0\.36, and rate_cap of make_offers is 0\.4: "
    with pytest.raises(ConfigError, match=said):
        plan_of(
            spark, home, monkeypatch, "plan", *SMALL, "--set", "params.make_offers.rate_cap=0.4"
        )


def test_a_saved_plan_runs_only_while_nothing_has_moved(spark, home, tmp_path, monkeypatch):
    job, plan = plan_of(spark, home, monkeypatch, "plan", "score", *SMALL)
    file = tmp_path / "plan.json"
    document = plan_document(job, plan, Catalog.of(job.conf, job.home))

    def run(**changed):
        file.write_text(json.dumps({**document, **changed}, default=str))
        return plan_of(spark, home, monkeypatch, "score", "--plan", str(file))[1]

    assert [p.node.name for p in run().nodes] == [p.node.name for p in plan.nodes]
    assert document["job"] == "score"
    words = document["arguments"]
    with pytest.raises(Conflict, match="application_numbers 400 rows -> 401 rows"):
        run(arguments=[*words, "--set", "catalog.application_numbers.rows=401"])
    with pytest.raises(Conflict, match="what node 'add_features_to_score' does"):
        run(arguments=[*words, "--set", "params.add_features.utilisation_cap=2.0"])
    releases = Releases(Catalog.of(job.conf, job.home).delta("releases"))
    first = releases.current(spark)
    again = rolled_back(first, first, run_id="x", user="x", now=datetime.now(UTC))
    releases.publish(spark, again, first)
    with pytest.raises(Conflict, match="release 1 -> 2") as told:
        run()
    assert told.value.exit_code == 6
