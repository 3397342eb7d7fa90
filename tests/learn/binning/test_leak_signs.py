"""Signs of a leak, from counts alone: by hand, on planted copies, and on real tables."""

from math import sqrt

import numpy as np
import pandas
import pytest
from sklearn.metrics import roc_auc_score

from penstock.learn.binning.leak_signs import BinCounts, leak_signs
from penstock.learn.binning.quantiles import prebins
from penstock.learn.binning.rules import BinningRules
from tests.learn.binning.counted import count_in_numpy
from tests.learn.binning.planted import copies


def counts(*bins, missing=(0, 0)):
    """Return the counts of bins given as (goods, bads)."""
    good, bad = np.array([*bins, missing]).T
    return BinCounts(good, bad)


def signs_of(*bins, missing=(0, 0)):
    [signs] = leak_signs({"x": counts(*bins, missing=missing)})
    return signs


def test_the_figures_of_two_bins_by_hand():
    signs = signs_of((20, 180), (180, 20))
    assert signs.auc == pytest.approx(0.9 * 0.9 + 0.5 * 0.9 * 0.1 + 0.5 * 0.1 * 0.9)
    variance = 0.09 + 199 * (0.9 / 1.1 - 0.81) + 199 * (2 * 0.81 / 1.9 - 0.81)
    assert signs.auc_low == pytest.approx(0.9 - 2.326 * sqrt(variance / 200**2))
    # Shares (180.5, 20.5) / 201; chance alone gives one degree of freedom's worth.
    iv = 2 * (160 / 201) * np.log(180.5 / 20.5) - (1 / 200 + 1 / 200)
    assert signs.iv == pytest.approx(iv)
    assert (signs.share, signs.presence_iv, signs.sure_bads, signs.sure_goods) == (1, 0, 0, 0)
    assert signs.level == "alarm" and signs.reason.startswith("AUC 0.900")


def test_a_column_that_says_nothing_has_no_sign_and_empty_bins_do_not_count():
    signs = signs_of((50, 10), (0, 0), (50, 10), missing=(25, 5))
    assert (signs.auc, signs.iv, signs.share) == (0.5, 0, 0)
    assert (signs.level, signs.reason) == ("", "")
    assert leak_signs({}) == ()


def test_the_auc_is_that_of_the_bins_bad_rates_as_scores():
    random = np.random.default_rng(5)
    good, bad = random.integers(1, 60, (2, 12))
    ours = signs_of(*zip(good.tolist(), bad.tolist(), strict=True)).auc
    scores = np.repeat(np.tile(bad / (good + bad), 2), np.append(good, bad))
    labels = np.repeat([0, 1], [good.sum(), bad.sum()])
    assert ours == pytest.approx(roc_auc_score(labels, scores))


def test_bins_with_hardly_any_of_the_other_class_are_pooled_up_to_what_chance_allows():
    # 60 of 100 bads in ten bins of six: none says much alone, together they do.
    alone = signs_of(*[(0, 6)] * 10, missing=(900, 40))
    assert alone.sure_bads == 0.6 and alone.level == "alarm"
    assert alone.reason == "60% of the bads are in bins where nearly all are bad"
    few = signs_of((0, 50), (2700, 250))
    assert few.sure_bads == pytest.approx(1 / 6) and few.level == "note"
    good = signs_of((600, 1), (1200, 199))
    assert good.sure_goods == pytest.approx(1 / 3)
    assert good.reason == "33% of the goods are in bins where hardly any are bad"
    # One bad of 30: too few rows to be sure of less than a tenth of the average.
    assert signs_of((30, 0), (60, 10)).sure_goods == 0


STRONG = (*[(600, 20)] * 3, *[(600, 90)] * 2, (300, 260))
WEAK = ((1500, 200), (1800, 300))


def test_one_column_that_tells_more_than_all_ordinary_ones_together_is_an_alarm():
    ordinary = {f"x{n}": counts(*WEAK) for n in range(8)}
    *rest, found = leak_signs({**ordinary, "x": counts(*STRONG)})
    assert 0.75 < found.auc < 0.85 and found.sure_goods == found.sure_bads == 0
    assert found.level == "alarm" and "the 8 ordinary columns have" in found.reason
    assert {each.level for each in rest} == {""}
    # Of seven, or beside columns that tell as much together, it is only worth a look.
    *_, found = leak_signs({**dict([*ordinary.items()][1:]), "x": counts(*STRONG)})
    assert found.level == "note" and found.reason.startswith("AUC 0.7")
    better = {name: counts((1000, 300), (2300, 200)) for name in ordinary}
    *_, found = leak_signs({**better, "x": counts(*STRONG)})
    assert found.level == "note"


def test_what_is_strong_but_may_be_honest_is_a_note():
    presence = signs_of((1000, 100), missing=(50, 30))
    assert presence.presence_iv == pytest.approx(presence.iv, abs=0.02)
    assert presence.level == "note" and "missing or not" in presence.reason


def binned(values, is_bad):
    """Return the counts of a pandas column by the pre-bins that numbers and categories get."""
    known = values.notna().to_numpy()
    if values.dtype.kind in "bif":
        found, _ = count_in_numpy(values.to_numpy(float), is_bad.to_numpy() == 1, BinningRules())
        made = prebins(found.cells, BinningRules())
        bins = [*zip(made.n_good.tolist(), made.n_bad.tolist(), strict=True)]
        return counts(*bins, missing=found.missing)
    table = pandas.crosstab(values[known], is_bad[known]).reindex(columns=[0, 1], fill_value=0)
    missing = is_bad[~known]
    return counts(*table.to_numpy().tolist(), missing=((missing == 0).sum(), missing.sum()))


def counts_of(rows, columns):
    return {name: binned(rows[name], rows.is_bad) for name in columns}


def alarms(counted):
    return {each.column for each in leak_signs(counted) if each.level == "alarm"}


@pytest.mark.parametrize("bad_rate", [0.07, 0.2, 0.5])
def test_noisy_copies_of_the_outcome_are_alarms(bad_rate):
    random = np.random.default_rng(3)
    is_bad = pandas.Series((random.random(1200) < bad_rate).astype(int))
    planted = copies(is_bad, 4).assign(is_bad=is_bad)
    names = [name for name in planted.columns if name != "is_bad"]
    assert alarms(counts_of(planted, names)) == {*names}
