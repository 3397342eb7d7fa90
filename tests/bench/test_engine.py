import inspect

import pytest
from bench.engine_graphs import chain, forty, forty_catalog
from bench.peers.observed import EMPTY, NEW, Fault, Kill, Observations, Rerun
from bench.peers.table import notes_of

from bench import plain_lending
from penstock.binding import check_catalog
from penstock.conf import KIND_OF
from penstock.graphs.lending import GRAPH


def test_the_graph_that_plans_are_measured_on_has_forty_nodes_of_the_usual_kinds():
    graph = forty()
    kinds = [node.kind for node in graph.order()]
    assert (len(kinds), kinds.count("fit"), kinds.count("apply")) == (40, 1, 1)
    entries = forty_catalog("raw.csv")
    check_catalog(graph, {name: KIND_OF[type(entry)] for name, entry in entries.items()})


def test_each_node_of_the_chain_is_a_level_of_its_own():
    nodes = chain(5).order()
    assert [node.inputs[0] for node in nodes[1:]] == [node.outputs[0] for node in nodes[:-1]]


def test_the_plain_script_calls_every_stage_of_the_lending_graph():
    words = set(inspect.getsource(plain_lending).replace("(", " ( ").split())
    stages = {node.function.__name__ for node in GRAPH.nodes if node.function}
    assert stages - words == set()


@pytest.fixture
def seen():
    return Observations(
        tool="Tool",
        version="1",
        first_seconds=30,
        first_jobs=40,
        faults=(
            Fault("typo", "check", True, True, 2, "no | such", {}),
            Fault("late", "check", False, True, 20, "no such", {}),
            Fault("too late", "check", False, False, 30, "no such", {"scores": NEW}),
            Fault("never", "check", False, False, 30, "", {"scores": NEW}),
        ),
        reruns=(Rerun("nothing", "run", 3, 0.1, (), 0, True),),
        kills=(Kill("in a write", True, {"scores": EMPTY}, False, ("scores",), ("score",), True),),
        notes=("It is one.",),
    )


def test_the_table_tells_a_mistake_found_before_from_one_found_too_late(seen):
    _, faults, _, _, _ = notes_of([seen])
    rows = [line.strip(" |").split(" | ") for line in faults.splitlines() if "| " in line][2:]
    assert rows == [
        ["typo", "`check`, 2 s: no \\| such"],
        ["late", "by the run, 20 s, no table changed: no such"],
        ["too late", "not before: the run fails after 30 s with scores new: no such"],
        ["never", "not at all: the run goes through"],
    ]


def test_each_table_has_as_many_cells_in_each_row(seen):
    for note in notes_of([seen, seen])[1:4]:
        rows = [line.replace("\\|", "") for line in note.splitlines() if line.startswith("  |")]
        assert len({row.count("|") for row in rows}) == 1
        assert len(rows) > 2
