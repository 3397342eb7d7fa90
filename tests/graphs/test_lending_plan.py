"""The lending graph planned: what is wrong with it is found before any data move."""

import re
from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from penstock.binding import check_catalog
from penstock.catalyst.internals import count_jobs
from penstock.conf import KIND_OF, MemoryConf
from penstock.engine.graph import Graph
from penstock.engine.lineage import Lineage
from penstock.engine.nodes import Transform
from penstock.errors import ConfigError, GraphError, PenstockError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.planning import plan_job
from penstock.store.stores import Stores
from tests.graphs.planned import plan_of
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
    ("decision_records", "list_audited"): "decision",
    ("applications", "read_attributes"): "application_id",
    ("audited_decisions", "audit_offers"): "interest_rate",
    ("protected_applicants", "audit_offers"): "row_id",
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


# Numbers are only hashed, and attributes read as text: any type of them will do.
OF_ANY_TYPE = {"generate_book", "generate_applications", "no_rejects", "read_attributes"}
PLANTED = {
    f"{spoilt.__name__}_{edge[0]}_for_{edge[1]}": (*edge, column, spoilt)
    for edge, column in NEEDED.items()
    for spoilt in (lost, of_another_type)
    if edge[1] not in OF_ANY_TYPE or spoilt is lost
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


@pytest.mark.slow
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
