import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penstock.measure.populations import Population, loans_in_bins, quantile_edges


def test_quantile_bins_hold_equally_many_loans_of_their_own_population():
    population = Population.of(np.arange(100))
    edges = quantile_edges(population, bins=4)
    assert edges.tolist() == [24, 49, 74]
    assert loans_in_bins(population, edges).tolist() == [25] * 4


def test_another_population_is_counted_beyond_the_edges_too():
    edges = quantile_edges(Population.of([1, 2, 3, 4]), bins=2)
    assert edges.tolist() == [2]
    assert loans_in_bins(Population.of([-9, 2, 2.1, 99, 99]), edges).tolist() == [2, 3]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.integers(1, 12))
def test_bins_lose_no_loan_and_none_is_empty(scores, bins):
    population = Population.of(scores)
    counted = loans_in_bins(population, quantile_edges(population, bins=bins))
    assert counted.sum() == len(scores)
    assert counted.min() > 0
    assert len(counted) <= bins
