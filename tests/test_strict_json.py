import json
from datetime import date

import pytest

from penstock.strict_json import json_text


def refuse(token):
    raise AssertionError(f"{token} is no JSON")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_null_wherever_it_stands(number):
    document = {"metrics": {"auc": number, "ks": 0.25}, "rows": ((1, number), [number])}
    assert json.loads(json_text(document), parse_constant=refuse) == {
        "metrics": {"auc": None, "ks": 0.25},
        "rows": [[1, None], [None]],
    }


def test_a_value_of_another_type_is_its_text():
    assert json_text({"day": date(2025, 7, 1)}) == '{"day": "2025-07-01"}'
