import pytest

from penstock.engine.graph import Graph
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Transform
from penstock.errors import UsageError
from penstock.select import select_nodes


def one(table):
    return table


def two(table):
    return table, table


def fit():
    return None


GRAPH = Graph(
    "small",
    (
        Transform(one, "raw_loans", "loans", name="clean_loans", tags="nightly"),
        Transform(two, "loans", ("train", "test"), name="split"),
        Fit(fit, "train", "model", name="fit_pd", tags=("monthly", "slow")),
        Apply("model", "test", "scored", tags="nightly"),
        Measure(one, "scored", "report", name="measure"),
        Gate(one, "report", "verdict", name="gate"),
        Deploy("model", "champion", after="verdict"),
        Transform(one, "raw_applications", "applications", name="clean_applications"),
    ),
)
EVERY = [node.name for node in GRAPH.order()]
APPLY = "apply_model_to_test"


def select(expression, **more):
    return list(select_nodes(GRAPH, expression, **more))


def test_a_name_selects_its_node():
    assert select("split") == ["split"]


def test_a_dataset_selects_the_node_that_makes_it():
    assert select("test") == ["split"]


def test_a_node_goes_before_a_dataset_of_its_name():
    nodes = (
        Transform(one, "raw", "loans", name="make"),
        Transform(one, "loans", "x", name="loans"),
    )
    assert select_nodes(Graph("g", nodes), "loans") == ("loans",)


def test_a_plus_in_front_adds_all_a_node_is_made_from():
    assert select("+measure") == ["clean_loans", "split", "fit_pd", APPLY, "measure"]


def test_a_plus_behind_adds_all_that_is_made_from_a_node():
    assert select("fit_pd+") == ["fit_pd", APPLY, "measure", "gate", "deploy_champion"]


def test_a_number_counts_the_steps():
    assert select("1+measure") == [APPLY, "measure"]
    assert select("2+measure") == ["split", "fit_pd", APPLY, "measure"]
    assert select("clean_loans+1") == ["clean_loans", "split"]
    assert select("clean_loans+2") == ["clean_loans", "split", "fit_pd", APPLY]
    assert select("0+measure+0") == ["measure"]


def test_a_step_is_the_shortest_way():
    # From `split` to the scores: one step, though another way leads through the model.
    assert select("split+1") == ["split", "fit_pd", APPLY]


def test_both_operators_add_both_sides_and_not_the_other_inputs_of_what_is_behind():
    assert select("1+measure+1") == [APPLY, "measure", "gate"]
    assert "fit_pd" not in select("gate+")


def test_a_source_selects_its_readers():
    assert select("raw_loans+1") == ["clean_loans"]
    assert select("raw_loans+2") == ["clean_loans", "split"]
    assert select("raw_applications+") == ["clean_applications"]


@pytest.mark.parametrize("term", ["raw_loans", "+raw_loans", "raw_*"])
def test_a_source_alone_is_refused_with_what_to_write(term):
    with pytest.raises(UsageError, match=r"names a source .* 'raw_[^']*\+' selects the nodes"):
        select(term)


def test_a_star_fits_any_part_of_a_name():
    assert select("clean_*") == ["clean_loans", "clean_applications"]
    assert select("*_pd") == ["fit_pd"]
    assert select("*") == EVERY


def test_tags_and_kinds_select_the_nodes_that_have_them():
    assert select("tag:nightly") == ["clean_loans", APPLY]
    assert select("kind:gate") == ["gate"]


def test_operators_stand_around_a_method_too():
    assert select("1+kind:gate") == ["measure", "gate"]
    assert select("tag:slow+1") == ["fit_pd", APPLY, "deploy_champion"]
    assert select("+state:changed", changed={"split"}) == ["clean_loans", "split"]


def test_a_comma_is_and_and_binds_tighter_than_the_blank_which_is_or():
    assert select("+measure,kind:transform") == ["clean_loans", "split"]
    assert select("gate +measure,kind:transform") == ["clean_loans", "split", "gate"]
    assert select(" gate   split ") == ["split", "gate"]


def test_what_is_excluded_is_left_out():
    assert select("+gate", exclude="+fit_pd kind:gate") == [APPLY, "measure"]


def test_nothing_written_is_every_node():
    assert select("") == EVERY
    assert select("", exclude="clean_*") == [name for name in EVERY if "clean" not in name]


def test_state_tells_what_a_plan_would_run_from_what_it_would_not():
    assert select("state:changed", changed=["gate", "elsewhere"]) == ["gate"]
    assert select("state:unchanged,1+gate", changed=["gate"]) == ["measure"]


def test_result_tells_how_the_latest_run_went():
    results = {"split": "done", "fit_pd": "failed", APPLY: "not run", "elsewhere": "failed"}
    assert select("result:failed", results=results) == ["fit_pd"]
    assert select("result:not_run result:failed", results=results) == ["fit_pd", APPLY]


@pytest.mark.parametrize(
    ("term", "nearest"),
    [
        ("splitt+", "node or dataset 'splitt'. Did you mean 'split'"),
        ("scord", "node or dataset 'scord'. Did you mean 'scored'"),
        ("clean_lons*", "node or dataset 'clean_lons*'. Did you mean 'clean_loans'"),
        ("tag:nigthly", "node with tag:nigthly. Did you mean 'nightly'"),
        ("kind:gates", "node with kind:gates. Did you mean 'gate'"),
        ("state:change", "node with state:change. Did you mean 'changed'"),
        ("result:fail", "node with result:fail. Did you mean 'failed'"),
        ("knd:gate", "'knd:', which is none of tag, kind, state, result. Did you mean 'kind'"),
    ],
)
def test_what_nothing_is_called_by_is_refused_with_the_nearest(term, nearest):
    with pytest.raises(UsageError) as refused:
        select(f"split {term}", changed=(), results={})
    assert f"'{term}'" in str(refused.value) and nearest in str(refused.value)


def test_a_misspelt_exclusion_is_refused_too():
    with pytest.raises(UsageError, match="Did you mean 'gate'"):
        select("+gate", exclude="gat")


@pytest.mark.parametrize("term", ["split++", "+", "tag:", "a:b:c", "split,", ",split"])
def test_what_cannot_be_read_is_refused_with_the_grammar(term):
    with pytest.raises(UsageError, match="cannot be read. Write a name, tag:x"):
        select(term)


def test_state_needs_a_plan_and_result_an_earlier_run():
    with pytest.raises(UsageError, match="'state:changed' needs a plan"):
        select("state:changed")
    with pytest.raises(UsageError, match="'result:failed' needs an earlier run"):
        select("result:failed")


def test_a_selection_that_holds_nothing_says_so():
    with pytest.raises(UsageError, match="'kind:gate,tag:slow' holds no node of graph 'small'"):
        select("kind:gate,tag:slow")
    with pytest.raises(UsageError, match=r"'gate' without '\+champion' holds no node"):
        select("gate", exclude="+champion")
    with pytest.raises(UsageError, match="'state:changed' holds no node"):
        select("state:changed", changed=["elsewhere"])
    with pytest.raises(UsageError, match="'result:failed' holds no node"):
        select("result:failed", results={"split": "done", "elsewhere": "failed"})
