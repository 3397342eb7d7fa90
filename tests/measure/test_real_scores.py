"""Every measure on real scores with many ties, by way of Spark's counts, against single rows.

Columns of the home equity loans stand for PDs. What is expected is computed loan by loan by
scikit-learn, SciPy, OptBinning or pandas, from the measure's definition.
"""

import numpy as np
import pandas
import pytest
from optbinning.binning.metrics import jeffrey
from scipy import stats
from scipy.integrate import quad
from scipy.spatial import ConvexHull
from scipy.special import logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from penstock.learn.platt import platts_targets
from penstock.learn.tuning.held_out import calibrated_log_loss
from penstock.measure.calibration import brier_decomposition, hosmer_lemeshow
from penstock.measure.discrimination import cap_curve, roc_curve
from tests.measure.pairs import delong_by_pairs
from tests.measure.real_scores import BINS, DECIMALS, GRADES, PDS, SHARE, measure

Z = stats.norm.ppf(0.975)


@pytest.fixture(scope="module", params=PDS)
def measured(spark, request):
    return measure(spark, request.param)


def equals(expected):
    """Compare to 1e-9, and not by the size of the number."""
    return pytest.approx(expected, abs=1e-9)


def in_tenths(pds):
    """Return the tenth of each loan: where the middle of the loans with its PD lies."""
    middle = stats.rankdata(pds) - 0.5
    return np.minimum(middle * BINS // len(pds), BINS - 1).astype(int)


def test_the_scores_are_tied_and_counted_as_pandas_counts_them(measured):
    counted = pandas.crosstab(measured.judged.pd, measured.judged.is_bad)
    assert len(counted) < len(measured.judged) / 4
    assert measured.counts.score.tolist() == counted.index.tolist()
    assert measured.counts.n_good.tolist() == counted[0].tolist()
    assert measured.counts.n_bad.tolist() == counted[1].tolist()


def test_auc_gini_ks_and_delongs_interval(measured):
    ranked = measured.table("discrimination")
    for sample, loans in measured.samples.items():
        pds, labels = loans.pd.to_numpy(), loans.is_bad.to_numpy()
        area = metrics.roc_auc_score(labels, pds)
        half = Z * np.sqrt(delong_by_pairs(pds, labels))
        distance = stats.ks_2samp(pds[labels == 1], pds[labels == 0]).statistic
        expected = [area, area - half, area + half, 2 * area - 1, distance]
        found = ranked.loc[sample, ["auc", "auc_low", "auc_high", "gini", "ks"]]
        assert found.tolist() == equals(expected)


def test_each_vintage_alone(measured):
    shown = measured.table("vintages")
    assert {*shown.index} - {"unknown"} == measured.vintages.keys()
    for name, loans in measured.vintages.items():
        goods, bads = (loans.pd[loans.is_bad == label] for label in (0, 1))
        expected = [len(loans), loans.is_bad.mean(), loans.pd.mean(),
                    metrics.roc_auc_score(loans.is_bad, loans.pd),
                    stats.ks_2samp(bads, goods).statistic]  # fmt: skip
        assert shown.loc[name].tolist() == equals(expected)


def test_the_roc_curve_is_scikit_learns_and_the_cap_goes_through_each_tie(measured):
    loans = measured.judged
    goods, bads, _ = metrics.roc_curve(loans.is_bad, loans.pd, drop_intermediate=False)
    assert np.array(roc_curve(measured.counts)) == equals(np.array([goods, bads]))
    riskiest_first = loans.sort_values("pd", ascending=False)
    is_last = ~riskiest_first.pd.duplicated(keep="last")
    reached = np.arange(1, len(loans) + 1)[is_last] / len(loans)
    captured = riskiest_first.is_bad.cumsum()[is_last] / loans.is_bad.sum()
    assert np.array(cap_curve(measured.counts)) == equals(np.array([[0, *reached], [0, *captured]]))


def test_lift_and_capture_of_each_tenth(measured):
    loans = measured.judged.assign(decile=10 - in_tenths(measured.judged.pd))
    expected = loans.groupby("decile").is_bad.agg(["size", "sum", "mean"])
    expected["lift"] = expected["mean"] / loans.is_bad.mean()
    expected["captured"] = expected["sum"].cumsum() / loans.is_bad.sum()
    shown = measured.table("deciles")
    assert shown.index.tolist() == expected.index.tolist()
    assert shown.to_numpy(dtype=float) == equals(expected.to_numpy())


def partial_gini_of(loans):
    """The area between CAP and chance: each of the tied loans has the tie's share of bads."""
    tied = loans.groupby("pd").is_bad.transform("mean")[loans.pd.sort_values()[::-1].index]
    captured = np.append(0, tied.cumsum()) / loans.is_bad.sum()
    perfect = np.minimum(np.arange(len(loans) + 1) / loans.is_bad.sum(), 1)
    reached = np.arange(len(loans) + 1) / len(loans)
    inside = np.append(reached[reached < SHARE], SHARE)
    areas = [
        np.trapezoid(np.interp(inside, reached, shares) - inside, inside)
        for shares in (captured, perfect)
    ]
    return areas[0] / areas[1]


def test_the_partial_gini_over_the_riskiest_fifth(measured):
    shown = measured.table("discrimination").partial_gini
    for sample, loans in measured.samples.items():
        assert shown[sample] == equals(partial_gini_of(loans))


def h_of(loans):
    """Hand's integral over costs drawn from Beta(2, 2), between the corners of the ROC's hull."""
    goods, bads, _ = metrics.roc_curve(loans.is_bad, loans.pd, drop_intermediate=False)
    hull = ConvexHull(np.column_stack((np.append(goods, 1), np.append(bads, 0)))).points
    corners = np.array(sorted(map(tuple, hull[ConvexHull(hull).vertices])))
    of_goods, of_bads = corners[(corners != (1, 0)).any(axis=1)].T
    rate = loans.is_bad.mean()

    def loss(good, bad, low, high):
        def of_cost(c):
            return (c * (1 - rate) * good + (1 - c) * rate * (1 - bad)) * 6 * c * (1 - c)

        return quad(of_cost, low, high, epsabs=1e-14)[0]

    gained, spent = rate * np.diff(of_bads), (1 - rate) * np.diff(of_goods)
    turns = [1, *(gained / (gained + spent)), 0]
    pieces = zip(of_goods, of_bads, turns[1:], turns[:-1], strict=True)
    return 1 - sum(loss(*piece) for piece in pieces) / (loss(1, 1, 0, rate) + loss(0, 0, rate, 1))


def test_the_h_measure(measured):
    shown = measured.table("discrimination").h_measure
    for sample, loans in measured.samples.items():
        assert shown[sample] == equals(h_of(loans))


def test_the_brier_score_and_its_parts(measured):
    shown = measured.table("brier")
    for sample, loans in measured.samples.items():
        tenth = in_tenths(loans.pd)
        means = loans[["pd", "is_bad"]].groupby(tenth).transform("mean")
        within = loans[["pd", "is_bad"]] - means
        parts = [
            ((means.pd - means.is_bad) ** 2).mean(),
            ((means.is_bad - loans.is_bad.mean()) ** 2).mean(),
            loans.is_bad.var(ddof=0),
            (within.pd**2).mean() - 2 * (within.pd * within.is_bad).mean(),
        ]
        score = metrics.brier_score_loss(loans.is_bad, loans.pd)
        assert parts[0] - parts[1] + parts[2] + parts[3] == equals(score)
        named = ["brier", "reliability", "resolution", "uncertainty", "within_bins"]
        assert shown.loc[sample, named].tolist() == equals([score, *parts])
    found = brier_decomposition(measured.counts, bins=BINS)
    assert found.within_variance == equals((within.pd**2).mean())
    assert found.within_covariance == equals(2 * (within.pd * within.is_bad).mean())


def test_the_expected_calibration_error_over_tenths(measured):
    shown = measured.table("brier").ece
    for sample, loans in measured.samples.items():
        means = loans[["pd", "is_bad"]].groupby(in_tenths(loans.pd)).transform("mean")
        assert shown[sample] == equals((means.pd - means.is_bad).abs().mean())
    in_the_large = measured.judged.pd.mean() / measured.judged.is_bad.mean() - 1
    assert measured.found.metrics["calibration_in_the_large"] == equals(in_the_large)


def test_hosmer_and_lemeshow_equal_scipys_chi_square_over_tenths(measured):
    loans = measured.judged.assign(good=1 - measured.judged.is_bad, safe=1 - measured.judged.pd)
    sums = loans.groupby(in_tenths(loans.pd))[["is_bad", "good", "pd", "safe"]].sum()
    observed, expected = (sums[names].to_numpy() for names in (["is_bad", "good"], ["pd", "safe"]))
    # Of 2 n cells SciPy takes 2 n - 1 degrees of freedom, of which n are meant.
    test = stats.chisquare(observed, expected, axis=None, ddof=len(sums) - 1)
    found = hosmer_lemeshow(measured.counts, bins=BINS, estimated=0)
    assert found.statistic == pytest.approx(test.statistic, rel=1e-9)
    assert found.degrees == len(sums)
    assert measured.found.metrics["hosmer_lemeshow_p"] == equals(test.pvalue)


def test_the_calibration_line_is_the_logistic_regression_on_the_log_odds(measured):
    # Scikit-learn's own: to 1e-9 where it can go on until its gradient is 1e-13.
    loans, found = measured.judged, measured.found.metrics
    floor = 0.5 * 10**-DECIMALS
    log_odds = logit(loans.pd.clip(floor, 1 - floor).to_numpy())[:, None]
    line = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    line.fit(log_odds, loans.is_bad)
    fitted = line.predict_proba(log_odds)[:, 1]
    design = np.column_stack((log_odds, np.ones(len(loans))))
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ (design * (fitted * (1 - fitted))[:, None]))))
    for name, value, error in zip(
        ("slope", "intercept"), (line.coef_[0, 0], line.intercept_[0]), errors, strict=True
    ):
        shown = [found[f"calibration_{name}{end}"] for end in ("_low", "", "_high")]
        assert shown == equals([value - Z * error, value, value + Z * error])


def test_log_loss_after_platt_scaling_equals_scikit_learns(measured):
    loans = measured.judged
    of_good, of_bad = platts_targets((loans.is_bad == 0).sum(), loans.is_bad.sum())
    target = np.where(loans.is_bad == 1, of_bad, of_good)
    scaling = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    # Each loan twice: as a bad with the weight of its target, and as a good with the rest.
    twice, labels = np.tile(loans.pd, 2)[:, None], np.repeat([1, 0], len(loans))
    scaling.fit(twice, labels, sample_weight=np.concatenate((target, 1 - target)))
    fitted = scaling.predict_proba(loans[["pd"]].to_numpy())
    assert calibrated_log_loss(measured.counts) == equals(metrics.log_loss(loans.is_bad, fitted))


def test_each_grade_by_jeffreys_and_by_the_binomial_test(measured):
    loans, shown = measured.judged, measured.table("grades")
    graded = loans.groupby(pandas.cut(loans.pd, [-1, *GRADES, 2]), observed=True)
    assert len(shown) == len(graded)
    for (_, found), (_, of_grade) in zip(shown.iterrows(), graded, strict=True):
        bads, n, pd = of_grade.is_bad.sum(), len(of_grade), of_grade.pd.mean()
        jeffreys = stats.beta(bads + 0.5, n - bads + 0.5).cdf(pd)
        binomial = stats.binomtest(bads, n, pd, alternative="greater").pvalue
        assert found.iloc[:-1].tolist() == equals([n, bads, pd, bads / n, jeffreys, binomial])
        assert found.light == (
            "red" if jeffreys < 0.01 else "amber" if jeffreys < 0.05 else "green"
        )


def test_psi_of_each_period_equals_optbinnings_divergence(measured):
    before, shown = measured.samples["development"].pd, measured.table("stability")
    highest = before.groupby(in_tenths(before)).max()
    edges = [-1, *highest[:-1], 2]
    of_before = pandas.cut(before, edges).value_counts(sort=False)
    for name, loans in {"judged": measured.judged, **measured.vintages}.items():
        of_now = pandas.cut(loans.pd, edges).value_counts(sort=False)
        # Half a loan is added to each bin.
        e, a = ((n + 0.5) / (n + 0.5).sum() for n in (of_before, of_now))
        chance = stats.chi2.ppf(0.95, len(highest) - 1) * (1 / len(before) + 1 / len(loans))
        found = shown.loc[name, ["loans", "psi", "psi_by_chance", "auc"]].tolist()
        area = metrics.roc_auc_score(loans.is_bad, loans.pd)
        assert found == equals([len(loans), jeffrey(a, e, return_sum=True), chance, area])


def test_the_auc_that_pds_promise_and_the_stability_of_the_gini(measured):
    shown = measured.table("stability")
    ginis = []
    for name, loans in measured.vintages.items():
        # Each loan as PD bads and 1 - PD goods.
        weights = np.concatenate((loans.pd, 1 - loans.pd))
        labels = np.repeat([1, 0], len(loans))
        promised = metrics.roc_auc_score(labels, np.tile(loans.pd, 2), sample_weight=weights)
        assert shown.loc[name, "expected_auc"] == equals(promised)
        ginis.append(2 * metrics.roc_auc_score(loans.is_bad, loans.pd) - 1)
    line = stats.linregress(range(len(ginis)), ginis)
    scattered = np.std(ginis - line.slope * np.arange(len(ginis)))
    expected = np.mean(ginis) + 88 * min(0, line.slope) - 0.5 * scattered
    assert measured.found.metrics["gini_stability"] == equals(expected)
