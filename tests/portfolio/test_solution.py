"""The gap of a solution and its parts."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from penstock.portfolio.choice import Sums
from penstock.portfolio.solution import Plan, Solution

NOTHING = Sums.zero((1, 1))
PLAN = Plan(Fraction(90), np.zeros(0), {}, NOTHING)
FOUND = Solution(np.zeros(0), NOTHING, Fraction(100), Fraction(100), Fraction(95), PLAN, ())


def test_the_parts_of_a_gap_add_up_to_it_and_none_is_below_0():
    assert (FOUND.gap, FOUND.gap_parts) == (0.1, (0.05, 0.05))
    assert replace(FOUND, relaxed=Fraction(80)).gap_parts == (0.1, 0.0)  # the plan was found later
    assert replace(FOUND, relaxed=Fraction(101)).gap_parts == (0.0, 0.1)
    assert replace(FOUND, relaxed=None).gap_parts == (None, None)
    assert replace(FOUND, plan=None).gap_parts == (0.05, None)


def test_a_plan_below_a_bound_of_0_has_a_gap_and_one_of_0_has_none():
    at_loss = replace(
        FOUND, bound=Fraction(0), relaxed=Fraction(-30), plan=replace(PLAN, value=Fraction(-40))
    )
    assert (at_loss.gap, at_loss.gap_parts) == (1.0, (0.75, 0.25))
    assert replace(at_loss, plan=replace(PLAN, value=Fraction(0))).gap == 0.0
    losing = replace(at_loss, bound=Fraction(-20), relaxed=None)
    assert losing.gap == 1.0
