import datetime as dt
from typing import Annotated, Any, NotRequired

import pytest
from annotated_types import MinLen
from typing_extensions import TypedDict

from penstock.annotations import RisingShares, Share, check_annotations
from penstock.errors import ConfigError


class Rule(TypedDict):
    """A map of keys that are known."""

    name: str
    most: NotRequired[float]


def stage(
    table,
    *,
    bands: dict[str, list[float]],
    day: dt.date | None,
    share: Share,
    limits: RisingShares,
    names: Annotated[list[str], MinLen(1)],
    count: int,
    settings: dict[str, Any],
    rule: Rule,
    rules: list[Rule],
    free=None,
):
    """Any function of a node."""


VALUES = {
    "bands": {"age": [25, 60.5]},
    "day": None,
    "share": 0.5,
    "limits": [0.1, 0.2],
    "names": ["a"],
    "count": 3,
    "settings": {"depth": 3, "rate": 1},
    "rule": {"name": "a"},
    "rules": [{"name": "b", "most": 1.5}],
    "free": "anything",
}


def check(**changes):
    values = VALUES | changes
    return check_annotations(stage, values, {name: ("params", "stage", name) for name in values})


def test_values_of_the_type_are_taken_and_whole_numbers_are_numbers():
    checked = check()
    assert checked == VALUES
    assert repr(checked["bands"]) == "{'age': [25.0, 60.5]}"
    assert repr(checked["settings"]) == "{'depth': 3, 'rate': 1}"
    assert check(day=dt.date(2025, 7, 1))["day"] == dt.date(2025, 7, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bands": {"age": 3}}, "params.stage.bands.age is 3; it must be a valid list."),
        ({"bands": {"age": [1, [2]]}}, "params.stage.bands.age[1] is [2]; it must be a valid n"),
        ({"bands": {3: [1]}}, "params.stage.bands[3] is 3; it must be a valid string."),
        ({"bands": {"a": [float("nan")]}}, "bands.a[0] is nan; it must be a finite number."),
        ({"day": 2020}, "params.stage.day is 2020; it must be a valid date."),
        ({"day": dt.datetime(2020, 1, 1, 3)}, "it must be a valid date."),
        ({"share": 70}, "params.stage.share is 70; it must be less than 1."),
        ({"share": 0}, "params.stage.share is 0; it must be greater than 0."),
        ({"share": "0.5"}, "params.stage.share is '0.5'; it must be a valid number."),
        ({"share": None}, "params.stage.share is None; it must be a valid number."),
        ({"limits": [0.2, 0.1]}, "limits is [0.2, 0.1]; it must rise from item to item."),
        ({"limits": [0.1, 0.1]}, "limits is [0.1, 0.1]; it must rise from item to item."),
        ({"limits": [0.1, 2]}, "params.stage.limits[1] is 2; it must be less than 1."),
        ({"names": []}, "params.stage.names is []; List should have at least 1 item"),
        ({"names": ["a", 1]}, "params.stage.names[1] is 1; it must be a valid string."),
        ({"rule": {"most": 1.0}}, "params.stage.rule.name is {'most': 1.0}; Field required."),
        ({"rule": {"name": 1}}, "params.stage.rule.name is 1; it must be a valid string."),
        (
            {"rule": {"name": "a", "mots": 1}},
            "mots is 1; there is no such key. Did you mean 'most'",
        ),
        (
            {"rules": [{"name": "a", "mots": 1}]},
            "[0].mots is 1; there is no such key. Did you mean",
        ),
        ({"count": True}, "params.stage.count is True; it must be a valid integer."),
        ({"count": 1.0}, "params.stage.count is 1.0; it must be a valid integer."),
    ],
)
def test_other_values_are_refused_with_their_place(changes, said):
    with pytest.raises(ConfigError) as refused:
        check(**changes)
    assert said in str(refused.value)
