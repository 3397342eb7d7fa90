"""The lending graph planned: what is wrong with it is found before any data move."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from penstock.binding import check_catalog
from penstock.catalyst.internals import count_jobs
from penstock.conf import KIND_OF, MemoryConf
from penstock.engine.graph import Graph
from penstock.engine.lineage import Lineage
from penstock.engine.nodes import Transform
from penstock.errors import ConfigError, Conflict, GraphError, PenstockError, UsageError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.planning import plan_document, plan_job
from penstock.store.catalog import Catalog
from penstock.store.releases import Releases, rolled_back
from penstock.store.stores import Stores
from tests.processes import SMALL

# Each edge that carries a table, and a column that its reader cannot do without.
NEEDED = {
    ("loan_numbers", "generate_book"): "id",
    ("application_numbers", "generate_applications"): "id",
    ("raw_loans", "clean_loans"): "loan_amnt",
    ("loans", "label_defaults"): "loan_status",
    ("labelled", "add_features"): "annual_income_usd",
    ("loan_features", "split_by_issue_date"): "issue_date",
    ("raw_applications", "no_rejects"): "id",
    ("raw_rejects", "clean_rejects"): "loan_amnt",
    ("rejects", "add_features_to_rejects"): "annual_income_usd",
    ("reject_features", "add_rejects"): "application_date",
    ("accepted_train", "add_rejects"): "fico",
    ("train", "logistic_pd"): "fico",
    ("train", "show_reject_inference"): "fico",
    ("test", "show_reject_inference"): "fico",
    ("test", "apply_pd_model_to_test"): "fico",
    ("test_scores", "evaluate_pd"): "pd",
    ("loans", "list_defaults"): "recoveries_usd",
    ("defaults", "add_features_to_defaults"): "annual_income_usd",
    ("default_features", "split_defaults"): "issue_date",
    ("lgd_train", "fractional_lgd"): "fico",
    ("lgd_test", "apply_lgd_model_to_lgd_test"): "fico",
    ("lgd_test_scores", "evaluate_lgd"): "lgd",
    ("lgd_train", "evaluate_lgd"): "realised_lgd",
    ("train", "lending_reasons"): "fico",
    ("test_scores", "apply_lgd_model_to_test_scores"): "fico",
    ("test_losses", "value_loans"): "lgd",
    ("loans", "value_loans"): "interest_rate",
    ("lgd_train", "value_loans"): "ead_usd",
    ("train", "select_calibration"): "sample",
    ("calibration_loans", "apply_pd_model_to_calibration_loans"): "fico",
    ("calibration_scores", "apply_lgd_model_to_calibration_scores"): "fico",
    ("calibration_losses", "value_calibration"): "lgd",
    ("loans", "value_calibration"): "funded_usd",
    ("lgd_train", "value_calibration"): "ead_usd",
    ("valued_loans", "compare_strategies"): "realised_profit_usd",
    ("valued_calibration", "compare_strategies"): "expected_profit_usd",
    ("test_scores", "gather_judged_cases"): "pd",
    ("loans", "gather_judged_cases"): "amount_usd",
    ("judged_cases", "decide_on_judged"): "amount_usd",
    ("judged_decisions", "backtest_policies"): "other_decision",
    ("valued_loans", "backtest_policies"): "realised_profit_usd",
    ("labelled", "estimate_default_timing"): "is_bad",
    ("loans", "list_exposures"): "last_payment_date",
    ("loans", "add_features_to_book"): "annual_income_usd",
    ("book_features", "apply_champion_to_book_features"): "fico",
    ("book_with_pd", "apply_lgd_champion_to_book_with_pd"): "fico",
    ("exposures", "add_credit_loss"): "remaining_months",
    ("loan_risk", "add_credit_loss"): "lgd",
    ("default_timing", "add_credit_loss"): "open_share",
    ("exposure_losses", "add_stage"): "expected_lifetime_pd",
    ("staged_exposures", "add_capital"): "pd_12m",
    ("provisions", "walk_allowance"): "macro_factor",
    ("provisions", "report_provisions"): "risk_weight",
    ("allowance_walk", "report_provisions"): "macro_usd",
    ("raw_applications", "clean_applications"): "loan_amnt",
    ("raw_applications", "list_unreadable"): "loan_amnt",
    ("applications", "list_unreadable"): "application_id",
    ("applications", "add_features_to_score"): "annual_income_usd",
    ("application_features", "apply_champion_to_application_features"): "fico",
    ("scored_applications", "present_scores"): "pd",
    ("scored_applications", "apply_lgd_champion_to_scored_applications"): "fico",
    ("assessed_applications", "make_offers"): "lgd",
    ("applications", "make_offers"): "term_months",
    ("decisions", "select_declined"): "decision",
    ("application_features", "select_declined"): "application_id",
    ("declined_features", "apply_reasons_champion_to_declined_features"): "fico",
    ("decisions", "choose_offers"): "limit_usd",
    ("loan_offers", "choose_offers"): "profit_usd",
    ("decisions", "record_decisions"): "rules_hit",
    ("cases", "hash_inputs"): "application_id",
    ("unreadable_applications", "hash_inputs"): "input_hash",
    ("input_hashes", "record_decisions"): "input_hash",
    ("explained_declines", "record_decisions"): "application_id",
    ("counterfactuals", "record_decisions"): "application_id",
    ("chosen_offers", "record_decisions"): "application_id",
    ("decisions", "vary_declines"): "decision",
    ("applications", "vary_declines"): "amount_usd",
    ("variants", "add_features_to_variants"): "annual_income_usd",
    ("variant_features", "apply_champion_to_variant_features"): "fico",
    ("variants", "gather_variant_cases"): "amount_usd",
    ("scored_variants", "gather_variant_cases"): "application_id",
    ("variant_cases", "decide_on_variants"): "amount_usd",
    ("variant_features", "select_approved"): "application_id",
    ("variants", "select_approved"): "amount_usd",
    ("variant_decisions", "select_approved"): "limit_usd",
    ("approved_variants", "apply_champion_to_approved_variants"): "fico",
    ("scored_approved_variants", "apply_lgd_champion_to_scored_approved_variants"): "fico",
    ("assessed_variants", "make_variant_offers"): "lgd",
    ("approved_variants", "make_variant_offers"): "term_months",
    ("variant_decisions", "choose_variant_offers"): "interest_rate",
    ("variant_offers", "choose_variant_offers"): "profit_usd",
    ("variants", "find_counterfactuals"): "asked_months",
    ("chosen_variant_offers", "find_counterfactuals"): "application_id",
    ("applications", "no_overrides"): "application_id",
    ("raw_overrides", "read_overrides"): "why",
    ("applications", "read_overrides"): "application_id",
    ("unreadable_applications", "read_overrides"): "application_id",
    ("applications", "gather_cases"): "amount_usd",
    ("scores", "gather_cases"): "application_id",
    ("cases", "decide"): "amount_usd",
    ("unreadable_applications", "decide"): "reasons",
    ("overrides", "decide"): "application_id",
    ("cases", "count_hits"): "amount_usd",
    ("cases", "decide_by_both"): "amount_usd",
    ("decisions_by_both", "compare_decisions"): "pd",
    ("loan_offers", "list_candidates"): "expected_profit_usd",
    ("decisions", "list_candidates"): "limit_usd",
    ("applications", "list_candidates"): "purpose",
    ("candidates", "optimise"): "lent_usd",
    ("candidates", "no_start_prices"): "application_id",
    ("start_prices", "optimise"): "price",
    ("candidates", "audit_portfolio"): "lent_usd",
    ("portfolio_plan", "audit_portfolio"): "offer",
    ("portfolio_plan", "list_portfolio"): "offer",
    ("loan_offers", "list_portfolio"): "pd",
    ("candidates", "list_portfolio"): "profit_usd",
    ("portfolio", "measure_losses"): "pd",
}
# Readers that put one table below another.
BELOW_EACH_OTHER = {"hash_inputs", "read_overrides", "decide"}
# A deployment may wait for anything: what stands behind its first input carries no data.
CARRYING = [
    (i, n.name) for n in GRAPH.nodes for i in (n.inputs[:1] if n.kind == "deploy" else n.inputs)
]
OTHER_EDGES = [edge for edge in CARRYING if edge not in NEEDED]


def lost(table, column):
    return table.withColumnRenamed(column, f"{column}_x")


def of_another_type(table, column):
    return table.withColumn(column, F.array(column))


# Numbers are only hashed: any type of them will do.
PLANTED = {
    f"{spoilt.__name__}_{edge[0]}_for_{edge[1]}": (*edge, column, spoilt)
    for edge, column in NEEDED.items()
    for spoilt in (lost, of_another_type)
    if column != "id" or spoilt is lost
}


def planted() -> Graph:
    """Return the lending graph and, for each error, a copy of the reader behind what spoils it."""
    nodes, contracts = [*GRAPH.nodes], {**GRAPH.contracts}
    for tag, (dataset, reader, column, spoilt) in PLANTED.items():
        node = next(node for node in GRAPH.nodes if node.name == reader)
        nodes.append(spoiler(tag, dataset, column, spoilt))
        inputs = tuple(f"{i}_{tag}" if i == dataset else i for i in node.inputs)
        outputs = tuple(f"{output}_{tag}" for output in node.outputs)
        nodes.append(like(node, inputs, outputs, f"{reader}_{tag}"))
        copies = zip(node.outputs, outputs, strict=True)
        contracts |= {copy: contracts[name] for name, copy in copies if name in contracts}
    return Graph("lending", tuple(nodes), contracts)


def spoiler(tag, dataset, column, spoilt):
    def spoil(table):
        return spoilt(table, column)

    return Transform(spoil, dataset, f"{dataset}_{tag}", name=f"spoil_{tag}")


def like(node, inputs, outputs, name):
    new = object.__new__(type(node))
    changed = {"inputs": inputs, "outputs": outputs, "name": name}
    if node.reads:
        renamed = zip(node.inputs, inputs, strict=True)
        changed["reads"] = {new: node.reads[old] for old, new in renamed if old in node.reads}
    for key, value in {**vars(node), **changed}.items():
        object.__setattr__(new, key, value)
    return new


def plan_of(spark, home, monkeypatch, *words, token="x"):
    """Plan as the command line would, on a state folder."""
    monkeypatch.setenv("PENSTOCK_HOME", str(home))
    job = prepare_job(words[0], list(words[1:]))
    return job, plan_job(job, spark, Stores.of(job.conf, job.home), token=token)


def again_for(plan, *changed):
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
    assert set(changed) == again_for(whole, "evaluate_pd")
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


def test_what_is_known_too_late_is_refused_in_a_slice_too(spark, home, monkeypatch):
    def plan(clocks):
        known_at = ("--set", f"catalog.raw_loans.known_at={clocks}")
        return plan_of(spark, home, monkeypatch, "plan", "train", *SMALL, *known_at)[1]

    # A clock is no reason to run anything again.
    assert {p.action for p in plan("{post: [title]}").nodes} == {"skip"}
    way = "label_defaults -> add_features -> split_by_issue_date -> add_rejects -> logistic_pd"
    said = f"'fico' leaks.*raw_loans.fico_range_low by clean_loans -> {way}; "
    with pytest.raises(ConfigError, match=said):
        plan("{post: [fico_range_*]}")


def test_a_score_is_traced_to_its_features_and_to_what_its_model_was_taught_by(
    spark, home, monkeypatch
):
    _, plan = plan_of(spark, home, monkeypatch, "plan", *SMALL)
    lineage = Lineage({made: of for p in plan.nodes for made, of in p.found.edges.items()})
    behind = lineage.of("scores", "pd")
    assert {("raw_applications", "fico_range_low"), ("raw_loans", "loan_status")} <= behind
    assert ("scores", "pd") in lineage.feeds("raw_loans", "loan_status")
    assert ("raw_loans", "title") not in behind
    decided = lineage.of("decisions", "decision")
    assert {("raw_applications", "annual_inc"), ("raw_loans", "loan_status")} <= decided
    assert ("raw_loans", "recoveries") not in decided
    # Through a Solve goes all that it reads.
    chosen = lineage.of("portfolio", "offer")
    assert {("raw_applications", "loan_amnt"), ("raw_loans", "recoveries")} <= chosen
    assert ("raw_loans", "recoveries") not in lineage.of("portfolio", "amount_usd")
    fed = lineage.feeds("raw_loans", "recoveries")
    assert {("portfolio", "profit_usd"), ("provisions", "lgd")} <= set(fed)
    assert ("decisions", "decision") not in fed


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


def test_a_column_spoilt_on_any_edge_is_found_by_plan(spark, tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    job, graph = prepare_job("plan", []), planted()
    catalog, params = dict(job.conf.catalog), dict(job.params)
    for node in graph.nodes[len(GRAPH.nodes) :]:
        alike = [n for n in GRAPH.nodes if node.name.startswith(f"{n.name}_")]
        original = max(alike, key=lambda n: len(n.name), default=None)
        params[node.name] = job.params[original.name] if original else {}
        for place, output in enumerate(node.outputs):
            catalog[output] = catalog[original.outputs[place]] if original else MemoryConf()
    conf = replace(job.conf, catalog=catalog)
    job = replace(job, conf=conf, whole=graph, graph=graph, params=params)
    jobs = count_jobs(spark)
    with pytest.raises(PenstockError, match=f"^{len(PLANTED)} faults, and nothing was run") as told:
        plan_job(job, spark, Stores.of(conf, job.home), token="x")
    untold = []
    for tag, (_, reader, column, _) in PLANTED.items():
        # Of tables put below each other, Spark tells the number of the column.
        of_both = "|column of the second table" if reader in BELOW_EACH_OTHER else ""
        named = rf"(\b{column}\b{of_both})"
        if not re.search(rf"\. Node '{reader}_{tag}'.*{named}", str(told.value)):
            untold.append(tag)
    assert not untold
    assert count_jobs(spark) == jobs
    assert list(tmp_path.iterdir()) == []


def test_every_edge_that_carries_something_is_planted_with_an_error():
    assert {edge for edge in CARRYING if edge not in OTHER_EDGES} == set(NEEDED)
    assert len(NEEDED) + len(OTHER_EDGES) == len(CARRYING)


@pytest.mark.parametrize(("dataset", "reader"), OTHER_EDGES, ids=map(" -> ".join, OTHER_EDGES))
def test_an_edge_of_another_kind_is_refused_without_a_jvm(dataset, reader):
    catalog = prepare_job("describe", []).conf.catalog
    kinds = {name: KIND_OF[type(entry)] for name, entry in catalog.items()}
    check_catalog(GRAPH, kinds)
    nodes = [
        like(n, tuple("raw_payments" if i == dataset else i for i in n.inputs), n.outputs, n.name)
        if n.name == reader
        else n
        for n in GRAPH.nodes
    ]
    with pytest.raises(GraphError, match=f"Node '{reader}'.*'raw_payments'"):
        check_catalog(Graph("lending", tuple(nodes), GRAPH.contracts), kinds)
