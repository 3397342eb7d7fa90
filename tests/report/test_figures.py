import re
from xml.etree import ElementTree

import pytest

from penstock.evidence import Figure, Series
from penstock.report.figures import figure_svg

SHARES = tuple(i / 199 for i in range(200))
MODEL = Series("model", SHARES, tuple(share**0.5 for share in SHARES))
CHANCE = Series("chance", (0.0, 1.0), (0.0, 1.0), "reference")
ROC = Figure("ROC curve", "refused good", "refused bad", (MODEL, CHANCE))


def _texts(svg):
    return [e.text.strip() for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]


def test_equal_figures_give_equal_bytes_and_different_ones_share_no_id():
    other = Figure("Other", "x", "y", ROC.series)
    ids = [set(re.findall(r' id="([^"]+)"', figure_svg(figure))) for figure in (ROC, other)]
    assert figure_svg(ROC) == figure_svg(ROC)
    assert not ids[0] & ids[1]


def test_a_curve_of_two_hundred_points_is_small_names_its_series_and_has_a_title():
    svg = figure_svg(ROC)
    assert len(svg) < 15_000
    assert {"model", "chance", "refused good", "refused bad"} <= set(_texts(svg))
    assert "<title>ROC curve</title>" in svg


def test_the_ink_is_the_page_s_own():
    svg = figure_svg(ROC)
    assert "currentColor" in svg
    assert "var(--series-1, #0072b2)" in svg
    assert "#01020" not in svg
    assert "<style" not in svg


def test_words_on_the_x_axis_are_categories_thinned_until_they_fit():
    quarters = tuple(f"{year}Q{q}" for year in range(2000, 2010) for q in (1, 2, 3, 4))
    points = Series("observed", quarters, (0.1,) * 40, "points")
    shown = [text for text in _texts(figure_svg(Figure("t", "x", "y", (points,)))) if "Q" in text]
    assert shown[0] == "2000Q1"
    assert 3 <= len(shown) <= 7


def test_each_of_many_bars_has_its_name():
    groups = tuple(f"group {n}" for n in range(40))
    bars = Series("approved", groups, (0.1,) * 40, "bars")
    assert set(groups) <= set(_texts(figure_svg(Figure("t", "x", "y", (bars,)))))


def test_a_long_name_of_a_category_is_broken_into_lines_and_cut_only_at_the_last():
    bins = ("car, furniture, repairs", "x" * 80)
    bars = Series("share", bins, (0.5, 0.5), "bars")
    shown = _texts(figure_svg(Figure("t", "bin", "y", (bars,))))
    assert {"car, furniture,", "repairs"} <= set(shown)
    assert [text for text in shown if set(text) <= {"x", "…"}] == ["x" * 18, "x" * 18, "…"]


def test_lines_that_end_apart_are_named_where_they_end():
    lines = (Series("upper", (0.0, 1.0), (0.0, 1.0)), Series("lower", (0.0, 1.0), (0.0, 0.2)))
    svg = figure_svg(Figure("t", "x", "y", lines))
    assert "legend" not in svg
    assert {"upper", "lower"} <= set(_texts(svg))


@pytest.mark.parametrize("mark", ["line", "points", "bars", "reference"])
@pytest.mark.parametrize(
    ("x", "y"), [((), ()), ((1.0,), (0.5,)), (("a", "b"), (None, float("nan"))), ((2, 2), (1, 1))]
)
def test_no_value_one_value_and_unknown_values_are_drawn(mark, x, y):
    svg = figure_svg(Figure("t", "x", "y", (Series("s", x, y, mark),)))
    assert ("no data" in _texts(svg)) == (not {0.5, 1} & set(y))


def test_hostile_and_mathematical_texts_stay_text():
    bad = "<script>alert('$x')</script>"
    svg = figure_svg(
        Figure(bad, bad, bad, (Series(bad, (bad,), (1.0,)), Series("s", (bad,), (2.0,))))
    )
    assert "<script" not in svg
    assert bad in _texts(svg)
