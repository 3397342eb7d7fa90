"""Counting without Spark, and the judge that bins are compared with: OptBinning on raw rows."""

import warnings

import numpy as np
from optbinning import OptimalBinning

from penstock.learn.binning.bins import information_value
from penstock.learn.binning.cells import merged, tally
from penstock.learn.binning.settling import settle


def count_in_numpy(values, is_bad, rules, *, parts=1):
    """Return the counts of one column, and how many passes they took."""
    passes = []

    def count(zooms):
        passes.append(zooms)
        split = zip(np.array_split(values, parts), np.array_split(is_bad, parts), strict=True)
        return merged([tally(zoom, *part) for part in split for zoom in zooms])

    return settle({"column": rules}, count)["column"], len(passes)


def judged(values, is_bad, **options):
    """Return OptBinning's fit of raw rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of each quantile that is no edge
        binning = OptimalBinning(max_n_prebins=20, **options)
        binning.fit(values, np.asarray(is_bad, dtype=int))
        binning.binning_table.build()
    return binning


def assert_equal_to(judge, fitted):
    """Compare splits or groups, counts by bin and information value."""
    table = judge.binning_table
    n_good, n_bad = np.array(fitted.n_good), np.array(fitted.n_bad)
    if fitted.kind == "numeric":
        assert list(fitted.splits) == list(judge.splits)
    else:
        wanted = [sorted(map(str, group)) for group in judge.splits]
        n_others = len(wanted) - fitted.n_values
        assert [list(group) for group in fitted.groups] == wanted[: fitted.n_values]
        if not n_others:  # the judge has no bin for what there is not
            assert n_good[fitted.n_values] + n_bad[fitted.n_values] == 0
            n_good, n_bad = (np.delete(n, fitted.n_values) for n in (n_good, n_bad))
    if not fitted.specials:  # it has one for special codes in any case
        assert judge._n_event[-2] + judge._n_nonevent[-2] == 0
        n_good, n_bad = (np.insert(n, len(n) - 1, 0) for n in (n_good, n_bad))
    assert n_good.tolist() == table.n_nonevent.tolist()
    assert n_bad.tolist() == table.n_event.tolist()
    assert abs(information_value(n_good, n_bad, smoothing=0) - table.iv) < 1e-12
