import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ConfigError
from penstock.measure.paired import PairCounts
from penstock.measure.swaps import swap_set

A = [0.1, 0.2, 0.3, 0.4]
B = [0.1, 0.4, 0.2, 0.3]
IS_BAD = [0, 1, 0, 0]


def test_a_swap_by_hand():
    swaps = swap_set(PairCounts.of(A, B, IS_BAD), approval_rate=0.5)
    # a approves the first and second loan, b the first and third.
    assert (swaps.by_a.loans, swaps.by_a.bads) == (2, 1)
    assert (swaps.by_b.loans, swaps.by_b.bads) == (2, 0)
    assert (swaps.swapped_in.loans, swaps.swapped_in.bad_rate) == (1, 0)
    assert (swaps.swapped_out.loans, swaps.swapped_out.bad_rate) == (1, 1)


def test_loans_tied_at_the_cut_off_count_by_the_share_that_is_approved():
    # Of four loans two are approved: by a the first, and one of three that tie.
    swaps = swap_set(PairCounts.of([0.1, 0.3, 0.3, 0.3], A, IS_BAD), approval_rate=0.5)
    assert swaps.by_a.loans == pytest.approx(2)
    assert swaps.by_a.bads == pytest.approx(1 / 3)
    assert swaps.swapped_in.loans == pytest.approx(2 / 3)
    assert swaps.swapped_out.loans == pytest.approx(2 / 3)


def test_scores_that_rank_alike_swap_nobody():
    swaps = swap_set(PairCounts.of([0.3] * 4, [0.9] * 4, IS_BAD), approval_rate=0.3)
    assert (swaps.swapped_in.loans, swaps.swapped_out.loans) == (0, 0)
    assert swaps.swapped_in.bad_rate is None
    assert swaps.by_a.loans == pytest.approx(1.2)


def test_no_trace_of_a_loan_is_swapped_where_all_that_are_approved_are_the_same():
    # 0.55 x 100 is 55.00000000000001 as a double; the two differ from the next loan on.
    a = np.arange(100.0)
    b = a.copy()
    b[[55, 56]] = b[[56, 55]]
    swaps = swap_set(PairCounts.of(a, b, a == 56), approval_rate=0.55)
    assert (swaps.by_a.loans, swaps.by_b.loans, swaps.swapped_in.loans) == (55, 55, 0)
    assert swaps.swapped_in.bad_rate is None and swaps.swapped_out.bad_rate is None


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5])
def test_an_approval_rate_is_within_its_range(rate):
    with pytest.raises(ConfigError, match="approval rate is .*; it must be above 0 and below 1"):
        swap_set(PairCounts.of(A, B, IS_BAD), approval_rate=rate)


@settings(max_examples=60, deadline=None)
@given(
    loans=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=40
    ),
    rate=st.floats(0.01, 0.99),
)
def test_both_scores_approve_as_many_and_swap_as_many(loans, rate):
    a, b, is_bad = np.array(loans, dtype=float).T
    swaps = swap_set(PairCounts.of(a, b, is_bad), approval_rate=rate)
    for approved in (swaps.by_a, swaps.by_b):
        assert approved.loans == pytest.approx(rate * len(loans))
        assert -1e-9 <= approved.bads <= min(approved.loans, is_bad.sum()) + 1e-9
    assert swaps.swapped_in.loans == pytest.approx(swaps.swapped_out.loans)
    gained = swaps.swapped_in.bads - swaps.swapped_out.bads
    assert swaps.by_b.bads - swaps.by_a.bads == pytest.approx(gained, abs=1e-9)
