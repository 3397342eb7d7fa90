"""Any graph of tables: what a run has left is taken over by the next, and nothing differs."""

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.conf import DeltaConf
from penstock.engine.graph import Graph
from penstock.engine.nodes import Transform
from penstock.store.home import Home
from tests.engine import small_project

pytestmark = pytest.mark.slow

ROWS = {"a": 1, "b": 2}
FOLDERS = itertools.count()


def alone(table, *, step, fails):
    amount = "raise_error('as drawn')" if fails else f"amount + {step}"
    return table.selectExpr("id", f"CAST({amount} AS BIGINT) AS amount")


def together(table, other, *, step, fails):
    both = table.select("id", "amount").unionByName(other.select("id", "amount"))
    total = both.groupBy("id").agg({"amount": "sum"}).toDF("id", "amount")
    return alone(total, step=step, fails=fails)


@st.composite
def cases(draw):
    """Tables made from one another in any way, and the nodes that fail at first."""
    tables, nodes = ["loans"], []
    for number in range(draw(st.integers(2, 5))):
        inputs = draw(st.lists(st.sampled_from(tables), min_size=1, max_size=2, unique=True))
        function = (alone, together)[len(inputs) - 1]
        nodes.append(Transform(function, tuple(inputs), f"t{number}", f"n{number}"))
        tables.append(f"t{number}")
    failing = draw(st.sets(st.sampled_from([node.name for node in nodes]), min_size=1))
    return tuple(draw(st.permutations(nodes))), failing


def true_tables(nodes):
    """Return the tables, worked out without Spark."""
    known = {"loans": ROWS}
    for node in sorted(nodes, key=lambda node: int(node.name[1:])):
        step = int(node.name[1:])
        known[node.outputs[0]] = {
            id_: sum(known[name][id_] for name in node.inputs) + step for id_ in ROWS
        }
    return known


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cases())
def test_what_was_done_is_taken_over_and_the_end_is_as_if_nothing_had_failed(
    spark, tmp_path, source, empty_mlflow, drawn
):
    nodes, failing = drawn
    source.parent.mkdir(exist_ok=True)
    source.write_text("id,amount\na,1\nb,2\n")
    home = tmp_path / str(next(FOLDERS))
    shutil.copytree(empty_mlflow, home / "mlflow")
    graph = Graph("drawn", (Transform(small_project.clean, "raw", "loans"), *nodes))
    project = small_project.SmallProject(spark, Home(home), source, graph)
    project.more = {node.outputs[0]: DeltaConf() for node in nodes}

    def settings_with(failing):
        own = {n.name: {"step": int(n.name[1:]), "fails": n.name in failing} for n in nodes}
        return {"common": {"as_of": "2024-01-01"}, **own}

    project.params = settings_with(failing)
    record, error = project.run()
    done = {node.name for node in record.nodes if node.status == "done"}
    behind = {n.name for name in failing for n in graph.behind([f"t{name[1:]}"])}
    assert error is not None and project.current.release_id == 0
    assert done == {node.name for node in graph.nodes} - failing - behind

    project.params = settings_with(())
    record, error = project.run()
    assert error is None
    assert {node.name for node in record.nodes if node.status == "skipped"} == done
    for name, rows in true_tables(nodes).items():
        assert {row.id: row.amount for row in project.released(name)} == rows
