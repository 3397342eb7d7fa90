"""Restricted cubic splines: smooth at the knots, straight beyond them."""

import numpy as np
import pytest

from penstock.learn.fractional.splines import spline_terms

KNOTS = (1.0, 2.0, 4.0, 7.0)


def curves(x):
    terms = spline_terms(x, KNOTS, above=lambda values: np.maximum(values, 0.0))
    return np.stack(terms[1:])


def test_curves_are_straight_beyond_the_outer_knots_and_zero_below_the_first():
    assert not curves(np.array([-5.0, 0.0, 1.0])).any()
    second_differences = np.diff(curves(np.array([7.0, 8.0, 9.0, 10.0])), n=2)
    assert second_differences == pytest.approx(np.zeros((2, 2)), abs=1e-12)


def test_value_slope_and_bend_have_no_jump_at_a_knot():
    step = 1e-4
    for knot in KNOTS:
        around = curves(knot + step * np.arange(-3, 4))
        for order in (1, 2):
            derivative = np.diff(around, n=order) / step**order
            # The third derivative is bounded by 6, so that neighbours differ by a few steps.
            assert np.abs(np.diff(derivative)).max() < 30 * step


def test_terms_of_a_worked_example():
    # Knots 0, 1, 3; at 2: (2^3 - 1^3 * 3/2) / 9 = 6.5 / 9
    terms = spline_terms(2.0, (0.0, 1.0, 3.0), above=lambda x: max(x, 0.0))
    assert terms == [2.0, pytest.approx(6.5 / 9)]


def test_with_less_than_three_knots_a_number_is_a_straight_line():
    assert spline_terms(2.0, (0.0, 1.0), above=lambda x: max(x, 0.0)) == [2.0]
