import datetime as dt

import pytest

from penstock.errors import ConfigError
from penstock.keys import key_text
from penstock.parameters import check_parameters

BASE = {
    "whole": 10,
    "share": 0.5,
    "switch": True,
    "text": "quarter",
    "day": dt.date(2024, 1, 1),
    "names": ["a", "b"],
    "mixed": ["a", 1],
    "empty": [],
    "open": None,
    "map": {"weight": 1.0},
    "free": {},
}


def check(**changes):
    check_parameters({"node": BASE}, {"node": changes}, lambda at: f"--set x: {key_text(at)}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("share", 1),
        ("day", dt.date(2025, 1, 1)),
        ("names", []),
        ("names", ["c"]),
        ("mixed", [2, "c"]),
        ("empty", [1, "a"]),
        ("open", None),
        ("open", "text"),
        ("map", {"weight": 2}),
        ("free", {"age": "ascending", "ltv": 2}),
    ],
)
def test_a_value_of_the_same_type_is_taken(key, value):
    assert check(**{key: value}) is None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("share", "high", "params.node.share must be a number, as in conf/base, not 'high'"),
        ("share", True, "params.node.share must be a number, as in conf/base, not true"),
        ("share", None, "params.node.share must be a number, as in conf/base, not null"),
        ("whole", 10.0, "params.node.whole must be a whole number, as in conf/base, not 10.0"),
        ("whole", False, "must be a whole number, as in conf/base, not false"),
        ("switch", 1, "must be true or false, as in conf/base, not 1"),
        ("text", 3, r"must be a text \(in quotes .*\), as in conf/base, not 3"),
        ("day", "soon", "must be a date such as 2025-07-01, as in conf/base, not 'soon'"),
        ("day", dt.datetime(2025, 1, 1, 9), "must be a date .*, not 2025-01-01T09:00:00"),
        ("names", "a", "must be a list, as in conf/base, not 'a'"),
        ("names", ["c", 3], r"params.node.names\[1\] must be a text .*, not 3"),
        ("names", [None], r"params.node.names\[0\] must be a text .*, not null"),
        ("map", 3, "params.node.map must be a map of keys to values, as in conf/base, not 3"),
        ("map", {"weight": "a"}, "params.node.map.weight must be a number"),
        ("share", float("nan"), "params.node.share must be a finite number, not nan"),
        ("open", float("-inf"), "params.node.open must be a finite number, not -inf"),
        ("empty", [float("inf")], r"params.node.empty\[0\] must be a finite number, not inf"),
    ],
)
def test_another_value_is_refused_with_its_key_and_origin(key, value, message):
    with pytest.raises(ConfigError, match=f"--set x: .*{message}"):
        check(**{key: value})
