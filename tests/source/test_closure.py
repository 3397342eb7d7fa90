import json
import linecache
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from pyspark.sql.functions import udf
from pyspark.sql.types import LongType

from penstock.graphs.lending import GRAPH
from penstock.lending.cleaning import clean_loans
from penstock.source.closure import source_of
from penstock.source.module import is_own
from tests.processes import PATIENCE_S

RISK = '''
"""Risk."""

import math as m

from pricing import FLOOR, Curve

STEPS = {"up": 2}


def rate(loans: list) -> float:
    """Return the rate."""
    return m.sqrt(helper(loans)) + FLOOR


def helper(loans):
    return deep(loans) * STEPS["up"]


def deep(loans):
    return Curve(7).at(loans) if loans else rate(loans)
'''
PRICING = """
FLOOR = 0.5
UNUSED = 1


class Base:
    def at(self, loans):
        return len(loans) + 1


class Curve(Base):
    def __init__(self, level):
        self.level = level


def unused():
    return UNUSED
"""


def test_a_function_reaches_what_it_calls_in_every_module_and_nothing_else(load):
    source = source_of(load(risk=RISK, pricing=PRICING).rate)
    assert list(source.functions) == [
        "pricing.py:Base", "pricing.py:Curve", "pricing.py:FLOOR",
        "risk.py:STEPS", "risk.py:deep", "risk.py:helper", "risk.py:rate",
    ]  # fmt: skip
    assert all(len(value) == 16 for value in source.functions.values())
    assert (source.libraries, source.hidden) == ({}, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Return the rate."""', '"""Return another."""'),
        ('    """Return the rate."""\n', ""),
        ("def helper(loans):", "def helper(loans):\n    # twice\n\n    'a text'"),
        ("def helper(loans):", "def helper(loans: list[int]) -> float:"),
        ("def rate(loans: list) -> float:", "def rate(loans):"),
        ('STEPS = {"up": 2}', "STEPS: dict = {\n    'up': 2,\n}"),
        ("return deep(loans) * STEPS", "return (deep(\n    loans,\n) * STEPS"),
        ("import math as m", "import math as m\nimport math"),
        ("def deep", "if __name__ == '__main__':\n    rate(helper(STEPS))\n\n\ndef deep"),
    ],
)
def test_comments_docstrings_hints_and_layout_are_no_change(load, old, new):
    new = new + '["up"])#' if new.endswith("STEPS") else new
    before = source_of(load(risk=RISK, pricing=PRICING).rate)
    assert old in RISK
    assert source_of(load(risk=RISK.replace(old, new), pricing=PRICING).rate) == before


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("m.sqrt", "m.exp", "risk.py:rate"),
        ("Curve(7)", "Curve(8)", "risk.py:deep"),
        ('"up": 2', '"up": 3', "risk.py:STEPS"),
        ("* STEPS", "+ STEPS", "risk.py:helper"),
        ("FLOOR = 0.5", "FLOOR = 0.25", "pricing.py:FLOOR"),
        ("len(loans) + 1", "len(loans) - 1", "pricing.py:Base"),
        ("self.level = level", "self.levels = level", "pricing.py:Curve"),
    ],
)
def test_one_changed_letter_at_any_depth_is_a_change_of_that_place(load, old, new, changed):
    before = source_of(load(risk=RISK, pricing=PRICING).rate).functions
    edited = [text.replace(old, new) for text in (RISK, PRICING)]
    after = source_of(load(risk=edited[0], pricing=edited[1]).rate).functions
    assert [name for name in before if before[name] != after[name]] == [changed]


def test_what_is_not_reached_is_no_change(load):
    before = source_of(load(risk=RISK, pricing=PRICING).rate)
    edited = PRICING.replace("UNUSED = 1", "UNUSED = 2").replace("return UNUSED", "return 3")
    assert source_of(load(risk=RISK, pricing=edited).rate) == before


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("def g(): return 1\nTABLE = {'a': [g]}\ndef f(): return TABLE['a']", "1", "2"),
        ("TABLE = []\nTABLE.append(1)\ndef f(): return TABLE", "(1)", "(2)"),
        ("TABLE = {}\nfor k in 'ab':\n    TABLE[k] = 1\ndef f(): return TABLE", "= 1", "= 2"),
        ("class A: pass\nA.size = 1\ndef f(): return A()", "1", "2"),
        ("try:\n    X = 1\nexcept OSError:\n    X = 3\ndef f(): return X", "1", "2"),
        ("def g(): return 1\ndef f(x=g): return x()", "1", "2"),
        ("def g(): return 1\ndef f():\n    def h(x=g): return x()\n    return h()", "1", "2"),
        ("def g(): return 1\ndef f(g=g): return g()", "1", "2"),
        ("def g(): return 1\ndef f(): return (lambda g: g)(3) + g()", "1", "2"),
        ("def g(): return 1\ndef f(): return [g for g in g()]", "1", "2"),
        ("def g(h): return [h, 1]\n@g\ndef f(): pass\nf = f[0]", "1", "2"),
        ("def f(rows): return [(lambda r: r + 1)(r) for r in rows]", "1", "2"),
        ("class A:\n    @property\n    def b(self): return g()\ndef g(): return 1\n"
         "def f(): return A().b", "1", "2"),
        ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"
         "def f(): return A()", "1", "2"),
        ("import functools\n@functools.cache\ndef f(): return 1", "1", "2"),
        ("import functools\ndef g(x): return x + 1\nf = functools.partial(g, x=2)", "1", "3"),
        ("import functools\ndef g(x): return x + 1\nf = functools.partial(g, x=2)", "x=2", "x=3"),
        ("def make(n):\n    return lambda x: x + n\nf = make(1)", "1", "2"),
        ("def g(): return 1\ndef make(h):\n    def i(): return h()\n    return i\nf = make(g)",
         "1", "2"),
        ("def make(n):\n    def i(*, x=n): return x\n    return i\nf = make(1)", "1", "2"),
        ("class A:\n    def __call__(self): return 1\nf = A()", "1", "2"),
        ("class A:\n    def __init__(self, n): self.n = n\n    def m(self): return self.n\n"
         "f = A(1).m", "1", "2"),
        ("import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(): return g() + 1\n"
         "    return w\n@d\ndef f(): return 5", "1", "2"),
        ("import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(): return g() + 5\n"
         "    return w\n@d\ndef f(): return 1", "1", "2"),
    ],
)  # fmt: skip
def test_a_change_is_seen_wherever_it_hides(one, source, old, new):
    assert source.count(old) == 1
    assert one(source) == one(source)
    assert one(source).functions != one(source.replace(old, new)).functions


def test_an_array_in_a_closure_counts_with_every_value():
    def close_over(values):
        return lambda: values + 1

    values = np.arange(5000.0)
    before = source_of(close_over(values.copy())).functions
    values[2500] = -1
    assert source_of(close_over(values)).functions != before


def test_a_local_name_is_not_the_function_of_that_name(one):
    source = one("def text(): pass\ndef f(rows):\n    return [text for text in rows]")
    assert list(source.functions) == ["one.py:f"]


def test_a_module_that_is_handed_on_counts_whole(load):
    main = load(main="import pricing\ndef f(name): return getattr(pricing, name)", pricing=PRICING)
    assert "pricing.py:unused" in source_of(main.f).functions


def test_an_import_inside_a_function_is_followed_and_not_made(load):
    main = load(main="def f():\n    import lazy, scipy\n    return lazy.g()",
                lazy="from lazier import *\nimport yaml\ndef g(): return h()",
                lazier="def h(): return 1")  # fmt: skip
    source = source_of(main.f)
    assert not {"lazy", "lazier"} & set(sys.modules)
    assert list(source.functions) == ["lazier.py:h", "lazy.py:g", "main.py:f"]
    assert list(source.libraries) == ["scipy", "PyYAML"]


@pytest.mark.parametrize(
    ("file", "name", "ours"),
    [
        ("/opt/spark/python/pyspark/sql/udf.py", "pyspark.sql.udf", False),
        ("/opt/env/lib/python3.11/site-packages/numpy/__init__.py", "numpy", False),
        (json.__file__, "json", False),
        ("/opt/env/lib/python3.11/site-packages/penstock/errors.py", "penstock.errors", True),
        ("/home/me/pyspark/risk.py", "risk", True),
    ],
)
def test_ours_is_what_is_not_installed_and_penstock_wherever_it_is(file, name, ours):
    assert is_own(file, name) is ours


def test_a_name_is_followed_through_the_package_that_hands_it_on(load):
    load(shop="")
    folder = os.path.dirname(sys.modules.pop("shop").__file__)
    os.remove(f"{folder}/shop.py")
    os.mkdir(f"{folder}/shop")
    for name, text in {
        "__init__": "from .tills import *\nfrom .goods import price",
        "goods": "from . import tills\ndef price(): return tills.count()",
        "tills": "def count(): return MOST\nMOST = 3",
    }.items():
        with open(f"{folder}/shop/{name}.py", "w") as file:
            file.write(text)
    main = load(main="def f():\n    import shop\n    return shop.goods.price() + shop.count()")
    assert list(source_of(main.f).functions) == [
        "main.py:f", "shop/goods.py:price", "shop/tills.py:MOST", "shop/tills.py:count",
    ]  # fmt: skip
    assert "shop" not in sys.modules


def test_a_function_without_a_source_is_told_by_its_compiled_code():
    def compiled(source):
        namespace = {"__name__": "typed_in"}
        exec(source, namespace)
        return source_of(namespace["f"]).functions

    text = "def g(): return {}\ndef f(x): return x in {{'a', 'b', 'c'}} and g()"
    assert list(compiled(text.format(1))) == ["typed_in.py:f", "typed_in.py:g"]
    assert compiled(text.format(1)) == compiled("\n\n" + text.format(1))
    assert compiled(text.format(1)) != compiled(text.format(2))
    assert source_of(len).functions == {}


def test_the_cells_of_a_notebook_share_their_names():
    namespace = {"__name__": "__main__"}

    def run(cell, text):
        linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
        exec(compile(text, cell, "exec"), namespace)

    run("<cell 1>", "RATE = 1\ndef g(): return RATE\n")
    run("<cell 2>", "from datetime import datetime\ndef f():\n    return g(), datetime.now()\n")
    before = source_of(namespace["f"])
    assert before.hidden == ("datetime.now() (__main__.py, line 3)",)
    assert list(before.functions) == ["__main__.py:RATE", "__main__.py:f", "__main__.py:g"]
    run("<cell 3>", "RATE = 2")
    assert source_of(namespace["f"]).functions != before.functions


def test_an_edited_file_is_read_anew(load):
    module = load(one="def f(): return 1")
    before = source_of(module.f).functions
    with open(module.__file__, "a") as file:
        file.write(" + 1\n")
    assert source_of(module.f).functions != before


def test_the_body_of_a_udf_in_a_closure_counts():
    def close_over(plus):
        return lambda table: table.select(plus("x"))

    one = source_of(close_over(udf(lambda x: x + 1)))
    two = source_of(close_over(udf(lambda x: x + 2)))
    typed = source_of(close_over(udf(lambda x: x + 1, LongType())))
    assert one.functions != two.functions
    assert one.functions != typed.functions


def test_libraries_are_those_of_the_reached_modules_by_their_distribution():
    libraries = source_of(GRAPH.producers["pd_report"].function).libraries
    assert libraries["numpy"] == np.__version__
    assert set(libraries) == {"annotated_types", "numpy", "pyspark", "scipy"}


def test_cleaning_reaches_its_parsers_and_nothing_of_the_checks():
    functions = set(source_of(clean_loans).functions)
    assert {"lending/cleaning.py:clean_loans", "lending/parsing.py:money"} <= functions
    assert not any(name.startswith("lending/checks.py") for name in functions)


EVERYTHING = """
import json, sys
from penstock.source.closure import source_of
from penstock.graphs.lending import GRAPH
found = {n.name: dict(source_of(n.function).functions) for n in GRAPH.nodes if n.function}
exec("def f(x): return x in {'a', 'b', 'c'}")
found["typed in"] = dict(source_of(f).functions)
words = {"a", "b", ("c", "d")}
found["closed over"] = dict(source_of((lambda w: lambda: w)(words)).functions)
print(json.dumps(found))
"""


def test_every_process_finds_the_same():
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", EVERYTHING],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "lib"},
                capture_output=True, text=True, check=True, timeout=PATIENCE_S,
            ).stdout
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found[0] == found[1]
    assert "learn/platt.py:fit_sigmoid" in found[0]["logistic_pd"]
    assert found[0]["clean_loans"].items() <= source_of(partial(clean_loans)).functions.items()
