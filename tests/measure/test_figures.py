from penstock.measure.figures import psi_figure
from penstock.measure.stability import shift


def test_psi_over_time_keeps_the_order_of_periods_and_shows_both_bands():
    shifts = [(name, shift([50, 50], now, confidence=0.95)) for name, now in
              (("2016-02", [60, 40]), ("2016-01", [50, 50]))]  # fmt: skip
    values, chance, moderate, large = psi_figure(shifts).series
    assert values.x == chance.x == ("2016-02", "2016-01")
    assert values.y == tuple(found.psi for _, found in shifts)
    assert chance.y == tuple(found.threshold for _, found in shifts)
    assert (moderate.y, large.y) == ((0.10, 0.10), (0.25, 0.25))
