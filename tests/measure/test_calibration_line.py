import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from penstock.errors import ConfigError
from penstock.measure.calibration_line import calibration_line
from penstock.measure.counts import ScoreCounts

RANDOM = np.random.default_rng(8)
PDS = RANDOM.beta(2, 8, 6000).round(2).clip(0.01, 0.99)
# True line: slope 0.8, intercept -0.3.
LABELS = (RANDOM.random(6000) < expit(0.8 * logit(PDS) - 0.3)).astype(int)
COUNTS = ScoreCounts.of(PDS, LABELS)


def test_the_line_is_the_likeliest_one():
    line = calibration_line(COUNTS, floor=0.001)
    residual = LABELS - expit(line.slope * logit(PDS) + line.intercept)
    # At the maximum both derivatives of the log-likelihood are zero.
    assert residual.sum() == pytest.approx(0, abs=1e-7)
    assert (residual * logit(PDS)).sum() == pytest.approx(0, abs=1e-7)


def test_the_line_equals_scikit_learns_regression():
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13)
    regression.fit(logit(PDS)[:, None], LABELS)
    line = calibration_line(COUNTS, floor=0.001)
    assert line.slope == pytest.approx(regression.coef_[0, 0], abs=1e-9)
    assert line.intercept == pytest.approx(regression.intercept_[0], abs=1e-9)


def test_errors_are_those_of_the_information_matrix_and_the_truth_lies_within_three():
    line = calibration_line(COUNTS, floor=0.001)
    fitted = expit(line.slope * logit(PDS) + line.intercept)
    design = np.column_stack((logit(PDS), np.ones(len(PDS))))
    information = design.T @ (design * (fitted * (1 - fitted))[:, None])
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (line.slope_error, line.intercept_error) == pytest.approx(tuple(expected), rel=1e-9)
    assert abs(line.slope - 0.8) < 3 * line.slope_error
    assert abs(line.intercept + 0.3) < 3 * line.intercept_error


def test_pds_of_zero_and_one_are_taken_for_the_floor():
    extreme, moved = np.array([0, 0, 1, 1, 0.3]), np.array([0.01, 0.01, 0.99, 0.99, 0.3])
    labels = [0, 1, 1, 0, 1]
    assert calibration_line(ScoreCounts.of(extreme, labels), floor=0.01) == calibration_line(
        ScoreCounts.of(moved, labels), floor=0.01
    )


@pytest.mark.parametrize(
    ("pds", "labels"),
    [
        ([0.1, 0.2], [0, 0]),
        ([0.1, 0.2, 0.3], [0, 0, 1]),
        ([0.1, 0.2, 0.3], [1, 0, 0]),
        ([0.1, 0.2, 0.2], [0, 0, 1]),
        ([0.2, 0.2, 0.2], [0, 0, 1]),
        ([], []),
    ],
)
def test_without_overlap_there_is_no_line(pds, labels):
    assert calibration_line(ScoreCounts.of(pds, labels), floor=0.001) is None


@pytest.mark.parametrize("floor", [0, 0.5, float("nan")])
def test_a_floor_outside_its_range_is_an_error(floor):
    with pytest.raises(ConfigError, match="'floor' is .*; it must be above 0 and below 0.5"):
        calibration_line(COUNTS, floor=floor)
