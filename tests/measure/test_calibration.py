import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss

from penstock.measure.calibration import (
    brier,
    calibration_bins,
    calibration_in_the_large,
    ece,
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
