import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DataError
from penstock.measure import populations
from penstock.measure.populations import (
    Population,
    count_bins,
    count_populations,
    loans_in_bins,
    quantile_edges,
)

SCORED = "pd DOUBLE, month STRING"
BINNED = "month STRING, income STRING, region INT"


def test_populations_are_counted_apart_by_rounded_score(spark):
    rows = [(0.2, "b"), (0.10001, "a"), (0.1, "a"), (0.05, "a"), (0.3, None)]
    found = count_populations(
        spark.createDataFrame(rows, SCORED), score="pd", by="month", decimals=4
    )
    assert {name: (p.score.tolist(), p.n.tolist()) for name, p in found.items()} == {
        "a": ([0.05, 0.1], [1, 2]),
        "b": ([0.2], [1]),
        "unknown": ([0.3], [1]),
    }


def test_a_score_that_is_unknown_is_an_error(spark):
    rows = [(None, "a"), (float("inf"), "a"), (0.1, "a")]
    with pytest.raises(DataError, match="2 rows with pd null, NaN or infinite"):
        count_populations(spark.createDataFrame(rows, SCORED), score="pd", by="month", decimals=4)


def test_bins_of_all_characteristics_are_counted_in_one_query(spark):
    rows = [("a", "low", 1), ("a", "low", 2), ("a", None, 1), ("b", "high", 1)]
    table = spark.createDataFrame(rows, BINNED)
    spark.sparkContext.setJobGroup("bins", "")
    found = count_bins(table, columns=["income", "region", "month"], by="month")
    # Adaptive execution runs the stages of one aggregation and its limit as jobs of their own.
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup("bins")) <= 3
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert found == {
        "a": {"income": {"low": 2, "missing": 1}, "region": {"1": 2, "2": 1}, "month": {"a": 3}},
        "b": {"income": {"high": 1}, "region": {"1": 1}, "month": {"b": 1}},
    }


def test_a_column_that_was_not_binned_is_an_error(spark, monkeypatch):
    monkeypatch.setattr(populations, "MOST_BINS", 2)
    rows = [("a", "1000.10", 1), ("a", "1000.20", 1), ("a", "1000.30", 1)]
    with pytest.raises(DataError, match="income have more than 2 bins in all: bin them"):
        count_bins(spark.createDataFrame(rows, BINNED), columns=["income"], by="month")


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
