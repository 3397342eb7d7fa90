"""Units of limits, as reports show them."""

import pytest

from penstock.portfolio.limits import unit_of


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
