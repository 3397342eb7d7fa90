import pytest

from penstock.binding import bind_parameters, check_catalog
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Solve, Transform
from penstock.errors import ConfigError, GraphError


def clean(raw):
    return raw


def split(loans, *, until):
    return loans, until


def fit_pd(*, regularisation):
    return regularisation


def join(left, right):
    return left, right


# One dataset of each kind, called by its kind, and one of each that nodes below write.
KINDS = {
    kind: kind
    for kind in ("delta", "memory", "csv", "parquet", "range", "model", "alias", "report")
}
OUTPUTS = {"new_table": "delta", "new_model": "model", "new_report": "report", "new_alias": "alias"}
TABLES = {"delta", "memory", "csv", "parquet", "range"}
MODELS = {"model", "alias"}


def accepted(node_reading):
    """Return the kinds of dataset that the node made by `node_reading(dataset)` may read."""
    kinds = set()
    for kind in KINDS:
        try:
            check_catalog(Graph("g", (node_reading(kind),)), KINDS | OUTPUTS)
            kinds.add(kind)
        except GraphError as error:
            assert f"reads '{kind}', which the catalog lists as {kind}" in str(error)
    return kinds


def test_a_transform_reads_tables_and_the_reports_it_waits_for():
    assert accepted(lambda d: Transform(clean, d, "new_table")) == TABLES | {"report"}
    assert accepted(lambda d: Transform(join, ("delta", d), "new_table")) == TABLES | {"report"}


def test_a_fit_reads_a_table_and_then_models_and_reports():
    assert accepted(lambda d: Fit(fit_pd, d, "new_model")) == TABLES
    assert accepted(lambda d: Fit(fit_pd, ("delta", d), "new_model")) == MODELS | {"report"}


def test_an_apply_reads_a_model_and_then_a_table():
    assert accepted(lambda d: Apply(d, "delta", "new_table")) == MODELS
    assert accepted(lambda d: Apply("model", d, "new_table")) == TABLES


def test_a_gate_reads_reports():
    assert accepted(lambda d: Gate(clean, d, "new_report")) == {"report"}


def test_a_deploy_reads_a_model_and_waits_for_anything():
    assert accepted(lambda d: Deploy(d, "new_alias", after="report")) == MODELS
    assert accepted(lambda d: Deploy("model", "new_alias", after=d)) == set(KINDS)


def test_a_measure_and_a_solve_read_anything():
    assert accepted(lambda d: Measure(clean, d, "new_report")) == set(KINDS)
    assert accepted(lambda d: Solve(clean, d, "new_table")) == set(KINDS)


def test_a_wrong_edge_is_named_by_node_and_input_with_what_belongs_there():
    swapped = Graph("g", (Apply("delta", "model", "new_table"),))
    with pytest.raises(
        GraphError,
        match=r"'apply_delta_to_model' \(apply\) reads 'delta', which the catalog lists as delta. "
        "A node of kind apply reads model or alias there",
    ):
        check_catalog(swapped, KINDS | OUTPUTS)


def test_columns_are_declared_of_tables_only():
    node = Measure(clean, "model", "new_report", reads={"model": "pd DOUBLE"})
    with pytest.raises(GraphError, match="declares reads= of 'model', which .* as model"):
        check_catalog(Graph("g", (node,)), KINDS | OUTPUTS)


def test_a_dataset_outside_the_catalog_is_refused_with_the_nearest_name():
    kinds = {"raw": "csv", "loan": "delta"}
    with pytest.raises(GraphError, match="'clean' uses 'loans'.*Did you mean 'loan'"):
        check_catalog(Graph("g", (Transform(clean, "raw", "loans"),)), kinds)


def test_an_output_of_a_kind_the_node_cannot_write_is_refused():
    with pytest.raises(GraphError, match=r"writes 'loans', which the catalog lists as report"):
        check_catalog(
            Graph("g", (Transform(clean, "raw", "loans"),)), {"raw": "csv", "loans": "report"}
        )


def test_a_quarantine_must_be_a_delta_table():
    contracts = {"loans": Contract("id STRING", quarantine="bad_loans")}
    graph = Graph("g", (Transform(clean, "raw", "loans"),), contracts)
    with pytest.raises(GraphError, match="'bad_loans', which the catalog does not list as a delta"):
        check_catalog(graph, {"raw": "csv", "loans": "delta"})


@pytest.mark.parametrize(
    ("quarantine", "other"),
    [("bad", "the contract of 'loans'"), ("loans", "node 'clean'")],
    ids=["of another contract", "an output"],
)
def test_a_quarantine_is_of_one_contract_alone(quarantine, other):
    nodes = (Transform(clean, "raw", "loans"), Transform(clean, "loans", "sound", "check"))
    contracts = {
        "loans": Contract("id STRING", quarantine="bad"),
        "sound": Contract("id STRING", quarantine=quarantine),
    }
    kinds = {"raw": "csv", "loans": "delta", "sound": "delta", "bad": "delta"}
    message = f"contract of 'sound' sends rows to '{quarantine}', which {other} writes too"
    with pytest.raises(GraphError, match=message):
        check_catalog(Graph("g", nodes, contracts), kinds)


def test_rows_put_aside_are_not_read_by_the_graph_that_puts_them_aside():
    nodes = (Transform(clean, "raw", "loans"), Measure(clean, "bad", "report", "count"))
    graph = Graph("g", nodes, {"loans": Contract("id STRING", quarantine="bad")})
    kinds = {"raw": "csv", "loans": "delta", "bad": "delta", "report": "report"}
    with pytest.raises(GraphError, match="'count' reads 'bad', .* of 'loans' puts rows aside"):
        check_catalog(graph, kinds)


@pytest.mark.parametrize(
    "rules", [{"checks": {"a": "id > ''"}}, {"key": ("id",)}, {"min_rows": 1}], ids=list
)
def test_rules_of_what_is_kept_in_memory_are_refused(rules):
    def graph(**promised):
        nodes = (Transform(clean, "raw", "loans"),)
        return Graph("g", nodes, {"loans": Contract("id STRING", **promised)})

    kinds = {"raw": "csv", "loans": "memory"}
    with pytest.raises(
        GraphError, match="'loans' is kept in memory, where the rules .*catalog.loans"
    ):
        check_catalog(graph(**rules), kinds)
    check_catalog(graph(), kinds)
    check_catalog(graph(**rules), {**kinds, "loans": "delta"})


def test_parameters_come_from_the_node_then_the_function_then_common():
    nodes = (
        Transform(split, "a", ("b", "c")),
        Transform(split, "a", ("d", "e"), name="split_late"),
        Fit(fit_pd, "b", "m"),
    )
    params = {
        "common": {"until": 1, "regularisation": 0.5},
        "split": {"until": 2},
        "split_late": {"until": 3},
    }
    assert bind_parameters(Graph("g", nodes), params) == {
        "split": {"until": 2},
        "split_late": {"until": 3},
        "fit_pd": {"regularisation": 0.5},
    }


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(ConfigError, match="'split' needs until; write it under params.split"):
        bind_parameters(Graph("g", (Transform(split, "a", ("b", "c")),)), {})


def test_a_value_without_a_parameter_is_refused_with_the_nearest_name():
    params = {"split": {"until": 1, "untill": 2}}
    with pytest.raises(ConfigError, match="params.split.untill.*Did you mean 'until'"):
        bind_parameters(Graph("g", (Transform(split, "a", ("b", "c")),)), params)
