"""The figure of a plan's composition; its sums are held against pandas in `test_audit.py`."""

from penstock.portfolio.composition import Part, composition_figure


def test_values_of_the_same_name_have_bars_of_their_own():
    parts = [
        Part("home", "other", 6, 1.0), Part("home", "", 4, 1.0),
        Part("purpose", "car", 7, 1.0), Part("purpose", "other", 3, 1.0),
    ]  # fmt: skip
    [bars] = composition_figure(parts, 10).series
    assert bars.x == ("home: other", "home: none", "car", "purpose: other")
    assert bars.y == (60, 40, 70, 30)


def test_of_many_values_the_largest_are_shown_in_their_order():
    parts = [Part("state", f"s{n}", 1, 1.0) for n in range(30)] + [Part("term", "60", 30, 1.0)]
    [bars] = composition_figure(parts, 30).series
    assert bars.x == (*(f"s{n}" for n in range(19)), "60")
