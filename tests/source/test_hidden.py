"""What makes a result depend on the moment, on chance or on what is no dataset."""

import pytest

from penstock.graphs import GRAPHS, load_graph
from penstock.source.closure import source_of

IMPORTS = """
import datetime as dt, os, random, secrets, time, uuid
import numpy as np
from datetime import date, datetime
from uuid import uuid4
from pyspark.sql import functions as F
from pyspark.sql.functions import rand
"""


@pytest.mark.parametrize(
    "call",
    [
        "datetime.now()", "dt.datetime.utcnow()", "date.today()", "time.time()", "time.localtime()",
        "time.strftime('%Y')", "random.choice(x)", "random.Random()", "uuid4()", "uuid.uuid1()",
        "os.urandom(8)", "secrets.token_hex()", "np.random.rand(3)", "np.random.default_rng()",
        "np.random.default_rng(None)", "np.random.default_rng(seed=None)", "rand()", "F.randn()",
        "F.shuffle('x')", "F.current_date()", "F.current_timestamp()", "F.unix_timestamp()",
        "F.monotonically_increasing_id()", "x.select('a').randomSplit([1.0, 2.0])",
        "x.sample(0.1)", "sorted(x, key=random.betavariate)", "F.expr('rand() < 0.5')",
    ],
)  # fmt: skip
def test_clocks_and_unseeded_randomness_are_told(one, call):
    [told] = one(f"{IMPORTS}\ndef f(x):\n    return {call}").hidden
    assert told.endswith("(one.py, line 10)")


def test_what_is_hidden_is_told_with_its_name_and_line_also_of_a_helper(one):
    source = one(f"{IMPORTS}\nNOW = datetime.now()\ndef g():\n    return NOW\ndef f():\n    g()")
    assert source.hidden == ("datetime.now() (one.py, line 9)",)


@pytest.mark.parametrize(
    "call",
    [
        "datetime(2020, 1, 1)", "date.fromisoformat(x)", "time.perf_counter()", "time.monotonic()",
        "time.localtime(x)", "time.strftime('%Y', x)", "random.Random(x)", "random.seed(1)",
        "np.random.default_rng(x)", "np.random.default_rng(seed=x)", "F.rand(x)", "rand(seed=3)",
        "np.random.default_rng(x).normal(size=3)", "F.unix_timestamp('x')", "F.input_file_name()",
        "x.randomSplit([1.0, 2.0], seed=x)", "x.sample(0.1, 3)", "F.shuffle('x', 3)", "x.now()",
        "F.expr('rand(3) < 0.5')", "np.random.default_rng(*x)", "F.shuffle(*x)",
        "isinstance(x, random.Random)",
    ],
)  # fmt: skip
def test_what_is_seeded_or_given_is_not_hidden(one, call):
    assert one(f"{IMPORTS}\ndef f(x):\n    return {call}").hidden == ()


@pytest.mark.parametrize(
    "call",
    [
        "os.environ['X']", "os.getenv('X')", "pandas.read_csv(x)", "open(x)", "Path(x).read_text()",
        "x.sparkSession.read.parquet('a')", "json.load(open(x))",
    ],
)  # fmt: skip
def test_what_a_function_reads_that_is_no_dataset_is_told(one, call):
    source = "import json, os, pandas\nfrom pathlib import Path\ndef f(x):\n    return "
    [told] = one(source + call).hidden
    assert told.endswith("(one.py, line 4)")


def test_a_name_of_ours_is_not_the_builtin(one):
    assert one("def open(x): return x\ndef f(x): return open(x)").hidden == ()
    assert one("def f(x, open): return open(x)").hidden == ()


@pytest.mark.parametrize(
    "call",
    [
        "x.isEmpty()", "x.where('a').first()", "x.collect()[0]", "[row for row in x.take(3)]",
        "x.groupBy('a').pivot('b').count()", "x.approxQuantile('a', [0.5], 0.0)", "x.toPandas()",
    ],
)  # fmt: skip
def test_what_looks_at_rows_is_told_also_of_a_helper(one, call):
    source = one(f"def g(x):\n    return {call}\ndef f(x):\n    return g(x)")
    [told] = source.looks_at_rows
    assert told.endswith("(one.py, line 2)") and source.hidden == ()


@pytest.mark.parametrize(
    "call",
    [
        "x.groupBy('a').pivot('b', [1, 2]).count()", "x.groupBy('a').pivot('b', values=y).count()",
        "x.agg(F.first('a'), F.collect_list('b'))", "x.groupBy('a').count()", "x.select('first')",
    ],
)  # fmt: skip
def test_what_needs_no_rows_for_its_plan_does_not_look_at_them(one, call):
    assert one(f"{IMPORTS}\ndef f(x, y):\n    return {call}").looks_at_rows == ()


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_hides_in_a_graph(graph):
    for node in load_graph(graph).nodes:
        if node.function:
            assert source_of(node.function).hidden == ()
            if node.kind == "transform":
                assert source_of(node.function).looks_at_rows == ()
