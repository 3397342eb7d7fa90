import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.binding import bind_parameters, check_catalog
from penstock.engine.contract import Contract
from penstock.engine.graph import (
    Apply,
    Deploy,
    Fit,
    Graph,
    Slice,
    Transform,
)
from penstock.errors import ConfigError, GraphError


def clean(raw):
    return raw


def split(loans, *, until):
    return loans, until


def fit_pd(*, regularisation):
    return regularisation


LENDING = Graph(
    "small",
    (
        Transform(clean, "raw", "loans"),
        Transform(split, "loans", ("train", "test")),
        Fit(fit_pd, "train", "model"),
        Apply("model", "test", "scored"),
        Deploy("model", "champion", after="scored"),
    ),
    jobs={"score": Slice(("scored",), given=("model",))},
)


def names(graph):
    return [node.name for node in graph.order()]


def test_a_node_runs_behind_what_it_reads_wherever_it_stands_on_the_page():
    backwards = Graph("backwards", tuple(reversed(LENDING.nodes)))
    ran = names(backwards)
    assert (
        ran.index("clean") < ran.index("split") < ran.index("fit_pd") < ran.index("deploy_champion")
    )


def test_two_producers_of_one_dataset_are_refused():
    with pytest.raises(GraphError, match="'loans' is written by two nodes, 'clean' and 'again'"):
        Graph("g", (Transform(clean, "raw", "loans"), Transform(clean, "x", "loans", name="again")))


def test_two_nodes_of_one_name_are_refused():
    with pytest.raises(GraphError, match="Two nodes are called 'clean'"):
        Graph("g", (Transform(clean, "raw", "a"), Transform(clean, "raw", "b")))


def test_a_cycle_is_refused_with_its_path():
    nodes = [Transform(clean, a, b, name=f"{a}_{b}") for a, b in ("ab", "bc", "ca")]
    with pytest.raises(GraphError, match=r"in a circle: \w_\w -> \w_\w -> \w_\w -> \w_\w"):
        Graph("g", tuple(nodes))


def test_a_node_that_reads_itself_is_refused():
    with pytest.raises(GraphError, match="clean -> clean"):
        Graph("g", (Transform(clean, "loans", "loans"),))


def test_inputs_that_do_not_fit_the_function_are_refused():
    with pytest.raises(
        GraphError, match=r"hands 2 input\(s\) .* to clean, which takes 1: \['raw'\]"
    ):
        Graph("g", (Transform(clean, ("raw", "more"), "loans"),))


def test_a_fit_function_takes_parameters_only():
    with pytest.raises(GraphError, match="hands 0 input"):
        Graph("g", (Fit(clean, "raw", "model"),))


def test_a_contract_of_an_unknown_dataset_is_refused_with_the_nearest_name():
    with pytest.raises(GraphError, match="'lons'.*Did you mean 'loans'"):
        Graph("g", (Transform(clean, "raw", "loans"),), contracts={"lons": Contract("id STRING")})


def test_a_slice_holds_what_its_targets_need_and_nothing_given():
    assert names(LENDING.upto(("scored",), given=("model",))) == [
        "clean",
        "split",
        "apply_model_to_test",
    ]
    assert names(LENDING.upto(("scored",), given=("model", "test"))) == ["apply_model_to_test"]
    assert LENDING.upto(("scored",), given=("model", "test")).sources == ("model", "test")


def test_a_slice_to_an_unknown_dataset_names_the_nearest():
    with pytest.raises(GraphError, match="no dataset 'scord'. Did you mean 'scored'"):
        LENDING.upto(("scord",))


def test_a_file_in_the_catalog_cuts_the_node_that_would_make_it():
    fed = LENDING.fed_by(("loans", "unrelated"))
    assert "clean" not in names(fed)
    assert fed.sources == ("loans",)
    assert fed.jobs == LENDING.jobs


def test_what_hangs_behind_a_dataset_is_everything_that_needs_it():
    assert [n.name for n in LENDING.behind({"train"})] == [
        "fit_pd",
        "apply_model_to_test",
        "deploy_champion",
    ]


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


@st.composite
def random_graphs(draw):
    """Graphs in which each node reads some earlier datasets, in any order on the page."""
    nodes = []
    for i in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.integers(0, i), max_size=3, unique=True)) if i else [0]
        functions = {0: lambda: 0, 1: lambda a: a, 2: lambda a, b: a, 3: lambda a, b, c: a}
        names = tuple(f"d{j}" for j in inputs)
        nodes.append(Transform(functions[len(names)], names, f"d{i + 1}", name=f"n{i + 1}"))
    return Graph("random", tuple(draw(st.permutations(nodes))))


@given(random_graphs(), st.data())
def test_any_slice_runs_in_order_and_makes_its_targets(graph, data):
    targets = data.draw(st.lists(st.sampled_from(graph.datasets), min_size=1, unique=True))
    given_ = data.draw(st.lists(st.sampled_from(graph.datasets), unique=True))
    part = graph.upto(targets, given_)
    there = set(part.sources)
    for node in part.order():
        assert there.issuperset(node.inputs)
        there.update(node.outputs)
    assert set(part.sources) <= set(given_) | set(graph.sources)
    assert all(t in there or t in given_ or t in graph.sources for t in targets)
