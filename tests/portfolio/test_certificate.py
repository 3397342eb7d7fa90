"""The certificate of the node, held against SQL and the plan; what else it tells."""

import pytest

from tests.portfolio.books import assert_the_table_says_what_the_certificate_does, g_by_sql
from tests.portfolio.node_book import ROWS, prices_of
from tests.shown import shown


def test_the_certificate_is_a_table_too(found):
    assert_the_table_says_what_the_certificate_does(found)
    assert found[-1].metrics["broken_limits"] == 0


def test_the_bound_is_g_of_the_prices_as_sql_works_it_out(offers, found):
    by_sql = g_by_sql(offers, prices_of(found), ROWS)
    # Down to a whole millionth, which all plans are worth.
    bound = found[-1].metrics["profit_bound_of_prices"]
    assert -1e-6 <= bound - by_sql <= 1e-12 * by_sql
    assert found[-1].metrics["profit_bound"] <= bound


def test_the_figure_of_limits_shows_use_and_price(found):
    [bars] = found[-1].figures["limits"].series
    told = {row.limit: row for row in found[1].collect()}
    for name, share in zip(bars.x, bars.y, strict=True):
        limit, _, price = name.partition(", price ")
        row = told.pop(limit)
        assert share == pytest.approx(100 * row.used / row.bound)
        assert float(price or 0) == pytest.approx(row.price, rel=1e-2)
    assert not told


def test_a_price_is_for_a_unit_of_the_measure_though_the_limit_be_a_ratio(found):
    told = shown(found[-1], "limits").set_index("limit")
    assert told.loc["loss rate", ["unit", "price per"]].tolist() == ["loss per lent", "loss"]
    assert told.loc["long", ["unit", "price per"]].tolist() == ["share", "offers"]
    assert told.loc["lent", ["unit", "price per"]].tolist() == ["lent", "lent"]
    assert told.price.to_dict() == prices_of(found)


def test_the_search_is_told_step_by_step_to_the_gap_that_is_certified(found):
    told, metrics = shown(found[-1], "passes"), found[-1].metrics
    assert told["profit bound"].is_monotonic_decreasing
    assert told["best plan"].dropna().is_monotonic_increasing
    assert (told["prices tried"] > 0).sum() == metrics["passes"]
    last = told.iloc[-1]
    assert last["profit bound"] == metrics["profit_bound"]
    assert last["best plan"] == metrics["profit"] and last["gap"] == metrics["gap"]
    assert told["limits broken at the prices"][0] > 0  # at prices of 0


def test_what_if_is_the_bound_moved_along_its_price(found):
    what_if = shown(found[-1], "what_if").set_index("limit")
    price, bound = prices_of(found), found[-1].metrics["profit_bound_of_prices"]
    assert what_if.index.tolist() == ["lent", "many"]
    moved = what_if.loc["lent", "profit bound at 1.1 x"]
    assert moved == pytest.approx(bound + 0.1 * 900_000 * price["lent"], rel=1e-12)
    moved = what_if.loc["many", "profit bound at 0.9 x"]  # a lower floor: more profit
    assert moved == pytest.approx(bound + 12 * price["many"], rel=1e-12)
