import numpy as np
import pytest
from scipy.stats import binomtest, chi2
from sklearn.metrics import brier_score_loss

from penstock.measure.calibration import (
    brier,
    brier_decomposition,
    calibration_bins,
    calibration_in_the_large,
    ece,
    hosmer_lemeshow,
    mean_pd,
    wilson_interval,
)
from penstock.measure.counts import ScoreCounts

RANDOM = np.random.default_rng(5)
PDS = RANDOM.beta(2, 8, 20_000)
LABELS = (RANDOM.random(20_000) < PDS).astype(int)
COUNTS = ScoreCounts.of(PDS, LABELS)


def test_brier_equals_scikit_learn():
    assert brier(COUNTS) == pytest.approx(brier_score_loss(LABELS, PDS), abs=1e-12)


def test_ece_equals_the_mean_gap_over_tenths_of_the_sorted_loans():
    order = np.argsort(PDS)
    tenths = zip(np.split(PDS[order], 10), np.split(LABELS[order], 10), strict=True)
    gaps = [abs(pds.mean() - labels.mean()) for pds, labels in tenths]
    assert ece(COUNTS, bins=10) == pytest.approx(np.mean(gaps), abs=1e-12)


def test_true_pds_are_calibrated():
    # Gap of a bin of 2,000 loans: about sqrt(0.2 * 0.8 / 2000) = 0.009; its mean size is 0.8 of it.
    assert ece(COUNTS, bins=10) < 0.01
    assert calibration_in_the_large(COUNTS) == pytest.approx(0, abs=0.05)


def test_doubled_pds_are_seen():
    doubled = ScoreCounts.of(PDS * 2, LABELS)
    assert calibration_in_the_large(doubled) == pytest.approx(1, abs=0.1)
    assert ece(doubled, bins=10) == pytest.approx(mean_pd(COUNTS), abs=0.01)


def test_calibration_in_the_large_needs_a_bad():
    assert calibration_in_the_large(ScoreCounts.of([0.1], [0])) is None


def test_one_loan_is_one_bin():
    [only] = calibration_bins(ScoreCounts.of([0.25], [1]), bins=10)
    assert (only.loans, only.bads, only.mean_pd, only.bad_rate) == (1, 1, 0.25, 1.0)


@pytest.mark.parametrize(("bads", "loans"), [(0, 7), (7, 7), (3, 40), (120, 900)])
def test_wilson_interval_equals_scipy(bads, loans):
    expected = binomtest(bads, loans).proportion_ci(0.95, method="wilson")
    assert wilson_interval(bads, loans, level=0.95) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("bins", [1, 7, 50])
def test_the_parts_of_the_brier_score_add_up_to_it(bins):
    parts = brier_decomposition(COUNTS, bins=bins)
    added = parts.reliability - parts.resolution + parts.uncertainty
    assert added + parts.within_variance - parts.within_covariance == pytest.approx(
        brier_score_loss(LABELS, PDS), abs=1e-12
    )


def test_the_parts_of_the_brier_score_are_those_of_single_loans():
    order = np.argsort(PDS)
    pds, labels = PDS[order].reshape(10, -1), LABELS[order].reshape(10, -1)
    parts = brier_decomposition(COUNTS, bins=10)
    gap = pds.mean(axis=1) - labels.mean(axis=1)
    assert parts.reliability == pytest.approx((gap**2).mean(), abs=1e-12)
    assert parts.resolution == pytest.approx(labels.mean(axis=1).var(), abs=1e-12)
    assert parts.uncertainty == pytest.approx(LABELS.var(), abs=1e-12)
    assert parts.within_variance == pytest.approx(pds.var(axis=1).mean(), abs=1e-12)
    covariance = [np.cov(p, y, ddof=0)[0, 1] for p, y in zip(pds, labels, strict=True)]
    assert parts.within_covariance == pytest.approx(2 * np.mean(covariance), abs=1e-12)


def test_hosmer_lemeshow_by_hand():
    # 20 loans at 0.1 expect 2 bads and have 4; 20 at 0.5 expect 10 and have 8:
    # (4-2)^2/2 + (16-18)^2/18 = 2.2222, and (8-10)^2/10 + (12-10)^2/10 = 0.8
    counts = ScoreCounts.of([0.1] * 20 + [0.5] * 20, [1] * 4 + [0] * 16 + [1] * 8 + [0] * 12)
    found = hosmer_lemeshow(counts, bins=2, estimated=0)
    assert (found.statistic, found.degrees) == (pytest.approx(20 / 9 + 0.8), 2)
    # chi2 with two degrees of freedom is exponential: P(> x) = exp(-x / 2)
    assert found.p_value == pytest.approx(np.exp(-(20 / 9 + 0.8) / 2), abs=1e-12)
    assert hosmer_lemeshow(counts, bins=2, estimated=2) is None


def test_hosmer_lemeshow_passes_true_pds_and_refuses_doubled_ones():
    true = hosmer_lemeshow(COUNTS, bins=10, estimated=0)
    assert true.statistic < chi2.ppf(0.999, 10)
    doubled = ScoreCounts.of(PDS.clip(max=0.49) * 2, LABELS)
    assert hosmer_lemeshow(doubled, bins=10, estimated=0).p_value < 1e-9


def test_hosmer_lemeshow_is_undefined_where_no_bads_are_expected():
    assert hosmer_lemeshow(ScoreCounts.of([0.0, 0.5], [0, 1]), bins=2, estimated=0) is None
