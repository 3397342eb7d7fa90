import threading

from penstock.engine.graph import Graph
from penstock.engine.nodes import Transform
from penstock.engine.scheduler import run_graph


def node(inputs, output):
    functions = {0: lambda: 0, 1: lambda a: a, 2: lambda a, b: a}
    return Transform(functions[len(inputs)], tuple(inputs), output, name=f"make_{output}")


DIAMOND = Graph(
    "diamond", (node("", "a"), node("a", "b"), node("a", "c"), node("bc", "d"), node("c", "e"))
)


def run(graph, work, threads=4):
    return run_graph(
        graph,
        work,
        has_failed=lambda outcome: outcome == "failed",
        not_run=lambda node, failed: f"behind {failed.name}",
        threads=threads,
    )


def test_each_node_runs_once_behind_what_it_reads():
    ran = []
    outcomes = run(DIAMOND, lambda n: ran.append(n.name) or "done", threads=1)
    assert sorted(ran) == sorted(outcomes) == ["make_a", "make_b", "make_c", "make_d", "make_e"]
    assert ran.index("make_a") == 0 and ran.index("make_d") > ran.index("make_c")


def test_independent_nodes_run_side_by_side():
    meeting = threading.Barrier(2, timeout=60)

    def work(node):
        if node.name in ("make_b", "make_c"):
            meeting.wait()  # breaks unless both are at work at once
        return "done"

    assert set(run(DIAMOND, work).values()) == {"done"}


def test_a_node_starts_when_its_own_inputs_are_there_while_a_sibling_of_theirs_is_still_at_work():
    is_done = threading.Event()

    def work(node):
        if node.name == "make_e":  # behind c alone
            is_done.set()
        # Level by level, e would wait for b, and b for e.
        return "done" if node.name != "make_b" or is_done.wait(timeout=60) else "failed"

    assert set(run(DIAMOND, work).values()) == {"done"}


def test_a_failure_stops_only_what_hangs_behind_it():
    outcomes = run(DIAMOND, lambda n: "failed" if n.name == "make_b" else "done")
    assert outcomes == {
        "make_a": "done",
        "make_b": "failed",
        "make_c": "done",
        "make_d": "behind make_b",
        "make_e": "done",
    }


def test_an_empty_graph_runs():
    assert run(Graph("empty", ()), lambda n: "done") == {}
