import pytest

from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import lift_by_decile
from penstock.measure.figures import lift_figure, population_figure, psi_figure
from penstock.measure.stability import shift


def test_psi_over_time_keeps_the_order_of_periods_and_shows_both_bands():
    shifts = [(name, shift([50, 50], now, confidence=0.95)) for name, now in
              (("2016-02", [60, 40]), ("2016-01", [50, 50]))]  # fmt: skip
    values, chance, moderate, large = psi_figure(shifts).series
    assert values.x == chance.x == ("2016-02", "2016-01")
    assert values.y == tuple(found.psi for _, found in shifts)
    assert chance.y == tuple(found.threshold for _, found in shifts)
    assert (moderate.y, large.y) == ((0.10, 0.10), (0.25, 0.25))


def test_lift_is_drawn_riskiest_first_and_not_at_all_without_bads():
    scores = [n / 20 for n in range(20)]
    bars, mean = lift_figure(lift_by_decile(ScoreCounts.of(scores, [0] * 18 + [1, 1]))).series
    assert (bars.x[0], bars.y[0], set(bars.y[1:])) == ("1", 10, {0})
    assert mean.y == (1, 1)
    assert lift_figure(lift_by_decile(ScoreCounts.of(scores, [0] * 20))) is None


def test_samples_of_any_size_are_drawn_as_shares_over_the_same_bars():
    few, many = ScoreCounts.of([0.1, 0.5], [0, 1]), ScoreCounts.of([0.1] * 6 + [1.0], [1] + [0] * 6)
    drawn = population_figure({"few": few, "many": many}).series
    assert [line.name for line in drawn] == ["few", "many"]
    assert drawn[0].x == drawn[1].x
    assert [sum(line.y) for line in drawn] == pytest.approx([1, 1])
    assert max(drawn[1].y) == pytest.approx(6 / 7)
