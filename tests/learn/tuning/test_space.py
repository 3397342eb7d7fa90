import pytest

from penstock.errors import ConfigError
from penstock.learn.tuning.space import Choices, Range, read_space


def test_integers_numbers_and_choices_are_read():
    space = read_space(
        {
            "max_depth": {"low": 2, "high": 6},
            "learning_rate": {"low": 0.01, "high": 1, "log": True},
            "features": {"choices": ["all", None, 3]},
        }
    )
    assert space.dimensions == {
        "max_depth": Range(2, 6),
        "learning_rate": Range(0.01, 1, is_log=True),
        "features": Choices(("all", None, 3)),
    }
    assert [d.is_whole for d in space.dimensions.values() if isinstance(d, Range)] == [True, False]


def test_each_bound_and_choice_is_among_the_extremes_once():
    space = read_space({"depth": {"low": 2, "high": 6}, "kind": {"choices": ["a", "b", "c"]}})
    assert list(space.extremes()) == [
        {"depth": 2, "kind": "a"},
        {"depth": 6, "kind": "a"},
        {"depth": 2, "kind": "b"},
        {"depth": 2, "kind": "c"},
    ]
    assert read_space({}).is_empty and list(read_space({}).extremes()) == [{}]


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ([2, 6], r"'depth' of the search is \[2, 6\]; write {low: …, high: …}"),
        ({"low": 2, "hihg": 6}, "has the key 'hihg'.*Did you mean 'high'?"),
        ({"low": 2}, "has high None; it must be a number"),
        ({"low": True, "high": 2}, "has low True"),
        ({"low": 0.1, "high": float("inf")}, "has high inf"),
        ({"low": 6, "high": 2}, "goes from 6 to 2"),
        ({"low": 0, "high": 2, "log": True}, "a logarithm needs low above 0"),
        ({"low": 1, "high": 2, "log": "yes"}, "has log 'yes'"),
        ({"low": 1, "high": 2, "step": 0}, "has step 0"),
        ({"low": 1, "high": 8, "log": True, "step": 2}, "has step 2"),
        ({"low": 1, "high": 8, "step": 0.5}, "has step 0.5 between integers"),
        ({"choices": []}, r"has the choices \[\]"),
        ({"choices": "ab"}, "has the choices 'ab'"),
        ({"choices": ["a", "a"]}, "name each of them once"),
        ({"choices": [[1]]}, r"has the choice \[1\]"),
        ({"choices": ["a"], "low": 1}, "has the key 'low'; choices stand alone"),
    ],
)
def test_a_setting_that_cannot_be_searched_is_refused(described, told):
    with pytest.raises(ConfigError, match=told):
        read_space({"depth": described})
