import pytest

from penstock.engine.analysis import plain
from penstock.engine.fingerprint import MADE_BY, NEVER, TOLD, cause_of, digest

PARTS = {"kind": "fit", "parameter folds": "3", "input loans": f"{MADE_BY}ab"}


def cause(then, now, code_then=None, code_now=None):
    return cause_of(then, now, code_then or {}, code_now or {})


def test_a_digest_does_not_depend_on_the_order_of_its_parts():
    assert digest(PARTS) == digest(dict(reversed(PARTS.items())))


@pytest.mark.parametrize(
    "other",
    [
        {**PARTS, "parameter folds": "4"},
        {**PARTS, "parameter fold": "3"},
        {k: v for k, v in PARTS.items() if k != "kind"},
        {**PARTS, "parameter seed": ""},
    ],
)
def test_any_other_part_is_another_digest(other):
    assert digest(PARTS) != digest(other)


def test_a_text_cannot_slip_from_a_name_to_its_value():
    assert digest({"ab": "c"}) != digest({"a": "bc"})
    assert digest({"a": "b", "c": "d"}) != digest({"a": "bc", "": "d"})


def test_a_parameter_is_the_same_in_any_order_of_its_keys():
    assert plain({"a": 1, "b": {"c": 2, "d": 3}}) == plain({"b": {"d": 3, "c": 2}, "a": 1})
    assert plain([1, 2]) != plain([2, 1])
    assert plain(1) != plain("1") and plain(True) != plain("true")


CHANGES = [
    ("kind", "transform", "solve", "its kind transform -> solve"),
    ("setting spark.sql.ansi.enabled", "", "true", "setting spark.sql.ansi.enabled none -> true"),
    ("parameter folds", "3", "5", "parameter folds 3 -> 5"),
    ("code lending/labels.py:is_bad", "a", "b", "code of is_bad (lending/labels.py) changed"),
    ("plan loans", "a", "b", "its plan changed"),
    ("contract loans", "a", "b", "contract of loans changed"),
    ("columns scored", "a", "b", "columns read of scored changed"),
    ("storage loans", "a", "b", "storage of loans changed"),
    ("source raw", "a", "b", "raw is another source, or read in another way"),
    ("model base", "1700", "1800", "base is another model"),
    ("library numpy", "2.3", "2.4", "numpy 2.3 -> 2.4"),
    ("library numpy", "", "2.4", "numpy none -> 2.4"),
    ("input own", "0", "1", "own 0 -> 1"),
    ("input loans", f"{MADE_BY}a", f"{MADE_BY}b", "loans is made anew"),
    ("input loans", f"{MADE_BY}a", "3", "loans is made anew"),
]


@pytest.mark.parametrize(("part", "then", "now", "told"), CHANGES)
def test_each_part_that_changed_is_named(part, then, now, told):
    assert cause({**PARTS, part: then}, {**PARTS, part: now}) == told


def test_what_has_become_of_an_input_is_told_once():
    then = {"source raw": "a", "input raw": "0", "input own": "0"}
    now = {"source raw": "b", "input raw": "4", "input own": "1"}
    assert cause(then, now) == "raw is another source, or read in another way; own 0 -> 1"
    then = {"source base": "a", "model base": "1700", "input base": "3"}
    other = {"source base": "b", "model base": "1800", "input base": "1"}
    assert cause(then, other) == "base is another source, or read in another way"
    assert cause(then, {**other, "source base": "a"}) == "base is another model"
    # Where there was none, the version says all.
    none = {"source base": "a", "input base": "none"}
    assert cause(none, then) == "base none -> 3"


def test_no_kind_of_part_changes_without_a_word():
    assert {part.split(" ")[0] for part, *_ in CHANGES} == set(TOLD)


def test_nothing_changed_is_no_cause():
    assert cause(PARTS, PARTS) == ""
    assert cause({**PARTS, NEVER: "run 1"}, {**PARTS, NEVER: "run 2"}) == ""


def test_a_changed_plan_is_explained_by_what_changed_it():
    then, now = {"plan loans": "a"}, {"plan loans": "b"}
    code_then, code_now = {"a.py:f": "1", "a.py:g": "2"}, {"a.py:f": "1", "a.py:g": "3"}
    assert cause(then, now, code_then, code_now) == "code of g (a.py) changed"
    folds = cause({**then, "parameter folds": "3"}, {**now, "parameter folds": "5"})
    assert folds == "parameter folds 3 -> 5"


def test_an_equivalent_rewrite_has_no_cause():
    assert cause({"plan loans": "a"}, {"plan loans": "a"}, {"a.py:f": "1"}, {"a.py:f": "2"}) == ""


def test_what_the_node_does_itself_is_told_before_its_inputs_and_three_causes_at_most():
    then = {"input a": "0", "parameter b": "1", "parameter c": "1", "library d": "1"}
    now = {name: "2" for name in then}
    told = "parameter b 1 -> 2; parameter c 1 -> 2; d 1 -> 2; and 1 more"
    assert cause(then, now) == told


def test_a_long_value_is_cut():
    told = cause({"parameter a": "x" * 100}, {"parameter a": "y" * 100})
    assert told == f"parameter a {'x' * 39}… -> {'y' * 39}…"


def test_long_values_that_begin_alike_are_told_from_where_they_part():
    then, now = [str(["duration", "amount", "instalment_rate", last]) for last in ("age", "job")]
    told = cause({"parameter numeric": then}, {"parameter numeric": now})
    assert told == "parameter numeric …t_rate', 'age'] -> …t_rate', 'job']"
    longer = cause({"parameter a": "x" * 50}, {"parameter a": "x" * 52})
    assert longer == f"parameter a …{'x' * 10} -> …{'x' * 12}"
