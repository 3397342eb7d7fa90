"""The lending graph planned: what is wrong with it is found before any data move."""

from dataclasses import replace

import pytest

from penstock.conf import KIND_OF, MemoryConf
from penstock.engine.binding import check_catalog
from penstock.engine.graph import Graph
from penstock.engine.nodes import Transform
from penstock.errors import GraphError, PenstockError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job

# Each edge that carries a table, and a column that its reader cannot do without.
NEEDED = {
    ("loan_numbers", "generate_book"): "id",
    ("application_numbers", "generate_applications"): "id",
    ("raw_loans", "clean_loans"): "loan_amnt",
    ("loans", "label_defaults"): "loan_status",
    ("labelled", "add_features"): "income_usd",
    ("loan_features", "split_by_issue_date"): "issue_date",
    ("train", "logistic_pd"): "fico",
    ("test", "apply_pd_model_to_test"): "fico",
    ("test_scores", "evaluate_pd"): "pd",
    ("raw_applications", "clean_applications"): "loan_amnt",
    ("applications", "add_features_to_score"): "income_usd",
    ("application_features", "apply_champion_to_application_features"): "fico",
    ("scored_applications", "present_scores"): "pd",
}
# A deployment may wait for anything: what stands behind its first input carries no data.
CARRYING = [
    (i, n.name) for n in GRAPH.nodes for i in (n.inputs[:1] if n.kind == "deploy" else n.inputs)
]
OTHER_EDGES = [edge for edge in CARRYING if edge not in NEEDED]


def rewired(dataset: str, reader: str, spoil) -> Graph:
    """Return the lending graph with `spoil` between a dataset and one of its readers."""
    between = Transform(spoil, dataset, f"{dataset}_spoilt", name="spoil")
    nodes = [
        with_inputs(n, tuple(f"{i}_spoilt" if i == dataset else i for i in n.inputs))
        if n.name == reader
        else n
        for n in GRAPH.nodes
    ]
    return Graph("lending", (between, *nodes), GRAPH.contracts)


def with_inputs(node, inputs):
    new = object.__new__(type(node))
    for name, value in vars(node).items():
        object.__setattr__(new, name, value)
    object.__setattr__(new, "inputs", inputs)
    if node.reads:
        reads = {i: ddl for i, ddl in zip(inputs, node.reads.values(), strict=True)}
        object.__setattr__(new, "reads", reads)
    return new


def planned(spark, graph: Graph, targets, tmp_path, monkeypatch):
    from penstock.planning import plan_job
    from penstock.store.stores import Stores

    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    job = prepare_job("plan", [])
    spoilt = {name: MemoryConf() for name in graph.datasets if name.endswith("_spoilt")}
    conf = replace(job.conf, catalog={**job.conf.catalog, **spoilt})
    params = {**job.params, "spoil": {}}
    job = replace(job, conf=conf, whole=graph, graph=graph.upto(targets), params=params)
    return plan_job(job, spark, Stores.of(conf, job.home), token="x")


@pytest.mark.parametrize(("dataset", "reader"), NEEDED, ids=" -> ".join)
def test_a_column_lost_on_any_edge_is_found_by_plan(spark, tmp_path, monkeypatch, dataset, reader):
    column = NEEDED[dataset, reader]

    def spoil(table):
        return table.withColumnRenamed(column, f"{column}_x")

    graph = rewired(dataset, reader, spoil)
    outputs = next(node.outputs for node in GRAPH.nodes if node.name == reader)
    with pytest.raises(PenstockError, match=f"Node '{reader}' \\(.*{column}") as told:
        planned(spark, graph, outputs, tmp_path, monkeypatch)
    assert "line " in str(told.value)
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(("dataset", "reader"), OTHER_EDGES, ids=" -> ".join)
def test_an_edge_of_another_kind_is_refused_without_a_jvm(dataset, reader):
    catalog = prepare_job("describe", []).conf.catalog
    kinds = {name: KIND_OF[type(entry)] for name, entry in catalog.items()}
    nodes = [
        with_inputs(n, tuple("raw_payments" if i == dataset else i for i in n.inputs))
        if n.name == reader
        else n
        for n in GRAPH.nodes
    ]
    with pytest.raises(GraphError, match=f"Node '{reader}'.*'raw_payments'"):
        check_catalog(Graph("lending", tuple(nodes), GRAPH.contracts), kinds)
