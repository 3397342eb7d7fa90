"""Units of limits, as reports show them; values that no offer has."""

import pytest

from penstock.errors import ConfigError
from penstock.portfolio.limits import compile_rows, unit_of


@pytest.mark.parametrize(
    ("measure", "per", "unit"),
    [
        ("lent_usd", None, "USD"),
        ("approvals", None, "offers"),
        ("term_months", None, "months"),
        ("expected_defaults", None, "expected_defaults"),  # its name tells no unit
        ("capital_usd", "lent_usd", "share"),
        ("lent_usd", "approvals", "USD per offers"),
        ("expected_defaults", "taken_up", "expected_defaults per taken_up"),
    ],
)
def test_a_limit_is_in_the_unit_that_its_measure_ends_in(measure, per, unit):
    assert unit_of(measure, per) == unit


def test_offers_without_a_value_are_none_of_a_value_called_none():
    limit = {"name": "x", "measure": "lent", "where": {"region": ["None"]}, "at_most": 1.0}
    with pytest.raises(ConfigError, match="is on region 'None', and no offer has it"):
        compile_rows([limit], [], [("north",), (None,)], {})
