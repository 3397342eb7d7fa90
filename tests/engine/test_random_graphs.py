"""What holds for every graph: build, order, slice, select, run, resume. No Spark."""

import re
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.graph import Graph
from penstock.engine.nodes import Measure, Solve, Transform
from penstock.engine.scheduler import run_graph
from penstock.errors import GraphError, UsageError
from penstock.select import select_nodes

FUNCTIONS = (lambda: 0, lambda a: a, lambda a, b: a, lambda a, b, c: a)
SOURCES = ("s1", "s2")

# No deadline: on a busy machine a thread may wait for its turn.
a_few = settings(max_examples=25, deadline=None)


@st.composite
def graphs(draw):
    """Graphs whose nodes read sources and earlier outputs, in any order on the page."""
    nodes, known = [], list(SOURCES)
    for i in range(draw(st.integers(1, 9))):
        inputs = draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
        outputs = [f"d{i}{letter}" for letter in "ab"[: draw(st.integers(1, 2))]]
        kind = draw(st.sampled_from((Transform, Solve, Measure)))
        tags = draw(st.sampled_from(((), ("x",), ("x", "y"))))
        function = FUNCTIONS[len(inputs)]
        nodes.append(kind(function, tuple(inputs), tuple(outputs), f"n{i}", tags=tags))
        known += outputs
    return Graph("random", tuple(draw(st.permutations(nodes))))


@st.composite
def graphs_with(draw, *attributes):
    """A graph, and for each attribute ("nodes", "datasets") some of its names."""
    graph = draw(graphs())
    chosen = []
    for attribute in attributes:
        names = graph.datasets if attribute == "datasets" else [n.name for n in graph.nodes]
        chosen.append(draw(st.sets(st.sampled_from(sorted(names)))) if names else set())
    return graph, *chosen


def names(nodes):
    return {node.name for node in nodes}


def needs(graph, node, datasets):
    """Whether the node needs one of `datasets`, by following each of its inputs to its roots."""
    producers = graph.producers
    return any(
        name in datasets or (name in producers and needs(graph, producers[name], datasets))
        for name in node.inputs
    )


def feeds(graph, node, targets, taken):
    """Whether an output of the node leads to a target on a way without a dataset of `taken`."""
    return any(
        output in targets
        or any(feeds(graph, n, targets, taken) for n in graph.nodes if output in n.inputs)
        for output in node.outputs
        if output not in taken
    )


def assert_topological(graph, nodes):
    there = set(graph.sources)
    for node in nodes:
        assert there.issuperset(node.inputs)
        there.update(node.outputs)


@a_few
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_puts_each_node_behind_what_it_reads_wherever_it_stands(graph, random):
    order = graph.order()
    assert_topological(graph, order)
    assert Counter(n.name for n in order) == Counter(n.name for n in graph.nodes)
    shuffled = Graph("shuffled", tuple(random.sample(graph.nodes, len(graph.nodes))))
    assert_topological(graph, shuffled.order())
    assert set(shuffled.sources) == set(graph.sources)
    for node in graph.nodes:
        assert set(shuffled.behind(node.outputs)) == set(graph.behind(node.outputs))


@a_few
@given(graphs())
def test_a_page_in_running_order_is_run_as_it_stands(graph):
    assert Graph("sorted", graph.order()).order() == graph.order()


@a_few
@given(graphs(), st.data())
def test_an_edge_back_is_refused_with_a_path_of_true_edges(graph, data):
    first = data.draw(st.sampled_from(graph.nodes))
    last = data.draw(st.sampled_from((first, *graph.behind(first.outputs))))
    # Without a function there is no arity, so only the cycle can be wrong.
    looped = Solve(None, (*first.inputs, last.outputs[0]), first.outputs, first.name)
    nodes = tuple(looped if node is first else node for node in graph.nodes)
    with pytest.raises(GraphError, match="in a circle: ") as refused:
        Graph("looped", nodes)
    path = re.search(r"circle: ([^.]*)\.", str(refused.value))[1].split(" -> ")
    assert path[0] == path[-1]
    by_name = {node.name: node for node in nodes}
    for reader, read in zip(path, path[1:], strict=False):
        assert set(by_name[reader].inputs) & set(by_name[read].outputs)


@a_few
@given(graphs_with("datasets", "datasets"))
def test_a_slice_holds_exactly_the_nodes_that_lead_to_its_targets_past_what_is_given(drawn):
    graph, targets, taken = drawn
    part = graph.upto(targets, taken)
    assert names(part.nodes) == {
        n.name for n in graph.nodes if feeds(graph, n, targets - taken, taken)
    }
    assert set(part.sources) <= taken | set(graph.sources)
    assert targets <= set(part.producers) | taken | set(graph.sources)


@a_few
@given(graphs_with("nodes", "datasets"))
def test_a_part_keeps_its_nodes_in_the_order_of_the_page(drawn):
    graph, chosen, files = drawn
    assert graph.only(chosen).nodes == tuple(n for n in graph.nodes if n.name in chosen)
    assert graph.only(names(graph.nodes)) == graph
    fed = graph.fed_by(files)
    assert fed.nodes == tuple(n for n in graph.nodes if files.isdisjoint(n.outputs))
    assert files.isdisjoint(fed.producers)


@a_few
@given(graphs_with("datasets"))
def test_what_hangs_behind_is_what_needs_it_and_only_that(drawn):
    graph, datasets = drawn
    behind = graph.behind(datasets)
    assert names(behind) == {n.name for n in graph.nodes if needs(graph, n, datasets)}
    assert list(behind) == [n for n in graph.order() if n in behind]


STEPS = st.sampled_from(("", "0", "1", "2"))


@st.composite
def terms(draw, graph):
    """Terms that name something of the graph, with operators around."""
    method = [f"tag:{t}" for n in graph.nodes for t in n.tags]
    method += [f"kind:{n.kind}" for n in graph.nodes] + ["state:changed", "state:unchanged"]
    called = draw(st.sampled_from([*names(graph.nodes), *graph.producers, "n*", *method]))
    above = f"{draw(STEPS)}+" if draw(st.booleans()) else ""
    below = f"+{draw(STEPS)}" if draw(st.booleans()) else ""
    return f"{above}{called}{below}"


@a_few
@given(graphs_with("nodes"), st.data())
def test_selections_combine_as_sets_do(drawn, data):
    graph, changed = drawn
    a, b, c = (data.draw(terms(graph), label) for label in "abc")

    def chosen(expression, exclude=""):
        try:
            found = select_nodes(graph, expression, exclude=exclude, changed=changed)
        except UsageError as error:
            assert "holds no node" in str(error)
            return set()
        assert list(found) == [n.name for n in graph.order() if n.name in found]
        return set(found)

    assert chosen(f"{a} {b}") == chosen(a) | chosen(b)
    assert chosen(f"{a},{b}") == chosen(a) & chosen(b)
    assert chosen(f"{a},{b} {c}") == (chosen(a) & chosen(b)) | chosen(c)
    assert chosen(a, exclude=f"{b} {c}") == chosen(a) - (chosen(b) | chosen(c))
    assert chosen("state:changed") == changed
    assert chosen("", exclude="state:changed") == chosen("state:unchanged")


@a_few
@given(graphs(), st.integers(0, 4))
def test_operators_add_all_that_a_node_is_made_from_or_leads_to_by_steps(graph, steps):
    def chosen(expression):
        return set(select_nodes(graph, expression))

    for node in graph.nodes:
        below = chosen(f"{node.name}+")
        assert below == {node.name} | names(graph.behind(node.outputs))
        above = chosen(f"+{node.name}")
        assert above == {n.name for n in graph.nodes if node.name in chosen(f"{n.name}+")}
        assert chosen(f"+{node.name}+") == above | below
        near = graph.only(chosen(f"{node.name}+{steps}")).producers
        children = {n.name for n in graph.nodes if set(near) & set(n.inputs)}
        further = chosen(f"{node.name}+{steps + 1}")
        assert further == chosen(f"{node.name}+{steps}") | children
        for other in graph.nodes:
            is_near = node.name in chosen(f"{steps}+{other.name}")
            assert is_near == (other.name in chosen(f"{node.name}+{steps}"))


def run(graph, failing, threads):
    """Run a graph whose nodes of `failing` fail; return outcomes and the nodes that ran."""
    ran, finished, left, lock = [], set(), [], threading.Lock()

    def not_run(node, failed):
        left.append(node.name)
        return f"behind {failed.name}"

    def work(node):
        parents = {graph.producers[d].name for d in node.inputs if d in graph.producers}
        with lock:
            assert parents <= finished
            ran.append(node.name)
            if node.name not in failing:
                finished.add(node.name)
        return "failed" if node.name in failing else "done"

    outcomes = run_graph(
        graph,
        work,
        has_failed=lambda outcome: outcome == "failed",
        not_run=not_run,
        threads=threads,
    )
    assert Counter(ran + left) == Counter(outcomes.keys()) == Counter(names(graph.nodes))
    return outcomes, ran


@a_few
@given(graphs_with("nodes"), st.integers(1, 3))
def test_every_node_runs_once_but_those_behind_a_failure(drawn, threads):
    graph, failing = drawn
    outcomes, ran = run(graph, failing, threads)
    for node in graph.nodes:
        broken = {d for n in graph.nodes if n.name in failing for d in n.outputs}
        if needs(graph, node, broken):
            assert node.name not in ran
            culprit = outcomes[node.name].removeprefix("behind ")
            assert outcomes[culprit] == "failed"
            assert node in graph.behind(graph.only({culprit}).producers)
        else:
            assert outcomes[node.name] == ("failed" if node.name in failing else "done")
            assert node.name in ran


@a_few
@given(graphs(), st.integers(1, 3), st.data())
def test_going_on_after_failures_runs_exactly_the_rest_however_often_it_fails(graph, threads, data):
    done, every = [], names(graph.nodes)
    nodes = st.sampled_from(sorted(every))
    for failing in (*data.draw(st.lists(st.sets(nodes), max_size=3)), set()):
        rest = graph.only(every - set(done))
        made = {d for n in graph.nodes if n.name in done for d in n.outputs}
        missing = set(graph.producers) - made
        assert rest == graph.upto(missing, made)
        outcomes, ran = run(rest, failing, threads)
        done += [name for name in ran if outcomes[name] == "done"]
    assert Counter(done) == Counter(every)
