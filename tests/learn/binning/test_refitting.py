"""Bins by fewer counts, against bins fitted on the rows that are left."""

import numpy as np
import pandas
import pytest

from penstock.learn.binning.fitting import fit_bins
from penstock.learn.binning.refitting import finest_partition, refit
from penstock.learn.binning.rules import BinningRules

N = 3000
NUMERIC = {
    "steps": BinningRules(specials={"none": (-9,)}),
    "fixed": BinningRules(splits=(2.5, 20.0)),
    "early": BinningRules(),
}
CATEGORICAL = {
    "kind": BinningRules(specials={"vowel": ("e",)}),
    "named": BinningRules(groups=(("a", "b"), ("c", "never"))),
    "once": BinningRules(),
}


def table():
    """Few values, each a pre-bin with or without a fold; some are in the first fold only."""
    random = np.random.default_rng(4)
    steps = random.integers(0, 12, N).astype(float)
    kind = random.choice([*"abcdefgh"], N)
    log_odds = -1 + 0.25 * (steps - 6) + np.where(np.isin(kind, ["a", "d", "f"]), 0.8, 0.0)
    rows = pandas.DataFrame({"steps": steps, "fixed": steps, "kind": kind, "named": kind})
    rows["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype(int)
    rows["fold"] = np.arange(N) % 3
    is_first = rows.fold == 0
    rows["early"] = np.where(is_first, steps, np.nan)
    rows["once"] = np.where(is_first, kind, None)
    rows.loc[is_first & (random.random(N) < 0.3), "kind"] = "of the first fold"
    rows.loc[(rows.steps == 11) & ~is_first, "steps"] = -9.0
    rows.loc[random.random(N) < 0.1, ["steps", "kind"]] = np.nan, None
    return rows


ROWS = table()


def fitted(spark, rows):
    table = spark.createDataFrame(rows.astype(object).where(rows.notna(), None).infer_objects())
    return fit_bins(table, label="is_bad", numeric=NUMERIC, categorical=CATEGORICAL)


def places(partition, values):
    """Return the place of each value in a partition, as a person would look it up."""
    [*codes] = [code for _, (code,) in partition.specials]
    first = partition.n_values + (partition.kind == "categorical")
    found = []
    for value in values:
        if pandas.isna(value):
            found.append(len(partition.labels) - 1)
        elif value in codes:
            found.append(first + codes.index(value))
        elif partition.kind == "numeric":
            found.append(int(np.digitize(value, partition.splits)))
        else:
            own = [at for at, group in enumerate(partition.groups) if value in group]
            found.append(own[0] if own else partition.n_values)
    return np.array(found)


@pytest.fixture(scope="module")
def of_all(spark):
    return fitted(spark, ROWS)


@pytest.fixture(scope="module")
def finest(of_all):
    return {name: finest_partition(name, column) for name, column in of_all.counted.items()}


def without(finest, fold):
    rows = ROWS[ROWS.fold != fold]
    return {
        name: tuple(
            np.bincount(places(each, rows[name][rows.is_bad == bad]), minlength=len(each.labels))
            for bad in (0, 1)
        )
        for name, each in finest.items()
    }


@pytest.fixture(scope="module")
def refitted(of_all, finest):
    return refit(of_all.counted, [without(finest, fold) for fold in range(3)])


@pytest.mark.parametrize("fold", range(3))
def test_bins_by_counts_without_a_fold_are_those_of_the_rows_that_are_left(spark, refitted, fold):
    judge = fitted(spark, ROWS[ROWS.fold != fold])
    assert len(judge.bins) == (4 if fold == 0 else 6)
    for wanted in judge.bins:
        found = refitted[fold][wanted.column]
        assert (found.n_good, found.n_bad) == (wanted.n_good, wanted.n_bad)
        assert found.woe == wanted.woe and found.groups == wanted.groups
        assert (found.iv, found.trend, found.status) == (wanted.iv, wanted.trend, wanted.status)


def test_a_column_without_a_value_beside_the_fold_is_worth_nothing(refitted, finest):
    for name in ("early", "once"):
        assert refitted[0][name].n_filled == 1
        assert not refitted[0][name].woe_in(finest[name]).any()


def test_the_woe_of_a_finer_partition_is_that_of_the_bin_a_value_lies_in(refitted, finest):
    some = ROWS.sample(200, random_state=0)
    for name, each in finest.items():
        bins = refitted[0][name]
        woe = np.array(bins.woe)
        assert (bins.woe_in(each)[places(each, some[name])] == woe[places(bins, some[name])]).all()
    # What no row has that is left: a category is one of the others, a number lies in its interval.
    [own] = places(finest["kind"], ["of the first fold"])
    kind = refitted[0]["kind"]
    assert own < finest["kind"].n_values and kind.woe_in(finest["kind"])[own] == kind.woe[-3] == 0
    steps = refitted[0]["steps"]
    assert steps.woe_in(finest["steps"])[places(finest["steps"], [11.0])] == steps.woe[-3]
