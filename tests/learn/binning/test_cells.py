import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import KBinsDiscretizer

from penstock.learn.binning.cells import keys_of, merged, tally, values_of
from penstock.learn.binning.quantiles import prebins
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.settling import MOST_CELLS, settle
from tests.learn.binning.counted import count_in_numpy

RANDOM = np.random.default_rng(5)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
QUANTILES = BinningRules(split_at_ties=False)

COLUMNS = {
    "normal": RANDOM.normal(size=5000),
    "over all exponents": np.exp2(RANDOM.uniform(-1060, 1020, 5000)),
    "large and negative": -1e300 * RANDOM.random(5000),
    "neighbours": 1.0 + RANDOM.integers(0, 5000, 5000) * 2.0**-30,
    "ties": RANDOM.integers(0, 40, 5000) * 1.0,
    "mostly zero": np.where(RANDOM.random(5000) < 0.6, 0.0, RANDOM.normal(size=5000)),
    "zeros of both signs": RANDOM.choice([0.0, -0.0, 1.0, 2.0], 5000),
    "one row": np.array([3.0]),
    "two rows": np.array([3.0, 4.0]),
    "twenty rows": np.arange(20.0),
}


@given(st.lists(FINITE, min_size=2, max_size=50))
def test_keys_are_ordered_as_values_are_and_give_them_back(values):
    values = np.array(values)
    assert (values_of(keys_of(values)) == values).all()
    by_key = values[np.argsort(keys_of(values), kind="stable")]
    assert (by_key == np.sort(values)).all()
    assert (keys_of(values)[:, None] == keys_of(values)).tolist() == (
        values[:, None] == values
    ).tolist()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COLUMNS)
def test_prebins_are_scikit_learns_on_the_raw_rows(name):
    values = COLUMNS[name]
    is_bad = RANDOM.random(len(values)) < 0.3
    counts, passes = count_in_numpy(values, is_bad, QUANTILES, parts=3)
    found = prebins(counts.cells, QUANTILES)
    judge = KBinsDiscretizer(20, quantile_method="averaged_inverted_cdf").fit(values[:, None])
    splits = judge.bin_edges_[0][1:-1]
    assert found.splits.tolist() == splits.tolist()
    places = np.digitize(values, splits)
    assert found.n_bad.tolist() == np.bincount(places[is_bad], minlength=len(splits) + 1).tolist()
    assert found.n_good.tolist() == np.bincount(places[~is_bad], minlength=len(splits) + 1).tolist()
    assert passes <= 2


@pytest.mark.parametrize(
    ("values", "most_passes"),
    [
        # All share the leading bits, and there are more of them than cells are allowed.
        (1.0 + RANDOM.permutation(1_500_000) * 2.0**-50, 3),
        (RANDOM.permutation(3000) * 5e-324, 2),
    ],
    ids=["millions of neighbours", "denormal"],
)
def test_quantiles_nearer_than_scikit_learn_takes_are_exact_in_bounded_memory(values, most_passes):
    is_bad = np.zeros(len(values), bool)
    counts, passes = count_in_numpy(values, is_bad, BinningRules())
    edges = np.percentile(values, np.arange(5, 100, 5), method="averaged_inverted_cdf")
    assert prebins(counts.cells, BinningRules()).splits.tolist() == edges.tolist()
    assert passes <= most_passes
    assert len(counts.cells.low) < MOST_CELLS


def test_a_thousand_columns_take_few_passes_together_and_bounded_memory():
    values = RANDOM.normal(size=(1000, 2000)) * np.exp2(RANDOM.integers(-60, 60, 1000))[:, None]
    is_bad = RANDOM.random(2000) < 0.3
    passes = []

    def count(zooms):
        found = merged([tally(zoom, values[zoom.column], is_bad) for zoom in zooms])
        passes.append(found.shape[1])
        return found

    counts = settle({f"x{n}": BinningRules() for n in range(1000)}, count)
    assert len(passes) <= 4 and max(passes) <= MOST_CELLS
    for n in range(0, 1000, 97):
        edges = np.percentile(values[n], np.arange(5, 100, 5), method="averaged_inverted_cdf")
        assert prebins(counts[f"x{n}"].cells, BinningRules()).splits.tolist() == edges.tolist()


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 7.0]), min_size=1, max_size=120))
def test_with_ties_split_a_value_with_two_quantiles_stands_alone(values):
    values = np.array(values)
    counts, _ = count_in_numpy(values, values > 1, BinningRules())
    found = prebins(counts.cells, BinningRules())
    sizes = found.n_good + found.n_bad
    assert (sizes > 0).all()
    assert sizes.sum() == len(values)
    edges = np.percentile(values, np.arange(0, 101, 5), method="averaged_inverted_cdf")
    for value in np.unique(values):
        if np.count_nonzero(edges == value) > 1:
            assert np.count_nonzero(values == value) in sizes


def test_fixed_splits_are_counted_exactly_wherever_they_are():
    values = np.append(RANDOM.normal(size=3000), [0.25, 0.25])
    is_bad = RANDOM.random(3002) < 0.5
    rules = BinningRules(splits=(-9.0, -0.1, 0.25, 99.0))
    counts, _ = count_in_numpy(values, is_bad, rules)
    found = prebins(counts.cells, rules)
    places = np.digitize(values, rules.splits)
    assert found.n_bad.tolist() == np.bincount(places[is_bad], minlength=5).tolist()
    assert found.n_good.tolist() == np.bincount(places[~is_bad], minlength=5).tolist()
