import pytest

from penstock.report.formats import cell, data_size, duration, elapsed_ms, label, number, when


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0, "0"),
        (19_874, "19,874"),
        (1_234_567.8, "1,234,568"),
        (0.71034, "0.7103"),
        (0.0071, "0.00710"),
        (-0.5, "-0.5000"),
        (0.000021, "2.1e-05"),
    ],
)
def test_a_number_keeps_three_or_four_digits_and_its_thousands(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (850, "850 ms"),
        (3_240, "3.2 s"),
        (125_900, "2 min 05 s"),
        (3_725_000, "1 h 02 min"),
    ],
)
def test_a_duration_has_the_unit_that_fits(ms, text):
    assert duration(ms) == text


def test_bytes_are_told_in_the_unit_that_fits():
    sizes = [data_size(count) for count in (None, 0, 999, 1000, 9_960, 20_400_000, 999_600_000)]
    assert sizes == ["–", "0 B", "999 B", "1.0 kB", "10 kB", "20 MB", "1.0 GB"]


def test_a_moment_that_is_none_or_no_moment_is_unknown():
    assert when(None) == when("yesterday") == "–"
    assert elapsed_ms(None, "2026-03-31T08:00:00+00:00") is None
    assert elapsed_ms("2026-03-31T08:00:00+00:00", "2026-03-31T08:00:00") is None
    assert elapsed_ms("2026-03-31T08:00:00+00:00", "2026-03-31T08:00:01+00:00") == 1000


def test_a_label_spells_the_words_of_the_industry():
    assert label("mean_pd") == "mean PD"
    assert label("ks") == "KS"
    assert label("mean_ccf") == "mean CCF" and label("balance_usd") == "balance USD"


def test_a_cell_shows_truth_values_in_words_and_empty_text_as_unknown():
    assert (cell(True), cell(""), cell(None), cell("x")) == ("yes", "–", "–", "x")
