import pytest

from penstock.engine.contract import Contract
from penstock.engine.graph import Graph, Slice
from penstock.engine.nodes import Apply, Deploy, Fit, Measure, Solve, Transform
from penstock.errors import GraphError


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


def test_the_part_of_named_nodes_holds_them_and_no_others():
    part = LENDING.only(("fit_pd", "split"))
    assert names(part) == ["split", "fit_pd"]
    assert part.sources == ("loans",)
    assert part.jobs == {}


def test_a_part_of_an_unknown_node_names_the_nearest():
    with pytest.raises(GraphError, match="no node 'fit'. Did you mean 'fit_pd'"):
        LENDING.only(("fit",))


def test_a_fit_node_without_a_table_or_with_two_models_is_refused():
    for inputs, outputs in (((), "model"), ("train", ("model", "other"))):
        with pytest.raises(GraphError, match="'fit_pd' .* a fit node reads a table, and models"):
            Graph("g", (Fit(fit_pd, inputs, outputs),))


def test_every_kind_of_node_can_be_tagged():
    nodes = (
        Transform(clean, "raw", "a", tags=("nightly", "cheap")),
        Apply("m", "a", "b", tags="nightly"),
        Deploy("m", "champion", after="b", tags=("monthly",)),
    )
    assert [n.tags for n in nodes] == [("nightly", "cheap"), ("nightly",), ("monthly",)]


def test_nodes_of_one_description_are_equal_and_of_another_are_not():
    def measured(reads):
        return Measure(clean, "scored", "report", reads=reads)

    one, same, other = (measured({"scored": ddl}) for ddl in ("pd DOUBLE", "pd DOUBLE", "pd INT"))
    assert one == same and hash(one) == hash(same)
    assert one != other
    assert Transform(clean, "a", "b") != Transform(clean, "a", "b", tags="nightly")
    assert Transform(clean, "a", "b") != Solve(clean, "a", "b")


def test_columns_read_of_no_input_are_refused_with_the_nearest():
    with pytest.raises(GraphError, match="reads= of 'scord', which is none.*Did you mean 'scored'"):
        Graph("g", (Solve(clean, "scored", "plan", reads={"scord": "pd DOUBLE"}),))


def test_only_functions_the_planner_cannot_look_into_declare_what_they_read():
    with pytest.raises(GraphError, match=r"'clean' \(transform\) declares reads="):
        Graph("g", (Transform(clean, "raw", "loans", reads={"raw": "id STRING"}),))
