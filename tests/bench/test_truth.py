import numpy
import pytest
from bench.truth import compare_aucs
from sklearn.metrics import roc_auc_score


@pytest.fixture
def scores():
    draw = numpy.random.default_rng(1)
    signal = draw.normal(size=2000)
    is_bad = draw.random(2000) < 1 / (1 + numpy.exp(2 - signal))
    return signal, signal + draw.normal(size=2000), is_bad


def test_both_aucs_are_scikit_learns(scores):
    sharp, blunt, is_bad = scores
    first, second, _ = compare_aucs(sharp, blunt, is_bad)
    assert first == pytest.approx(roc_auc_score(is_bad, sharp), abs=1e-12)
    assert second == pytest.approx(roc_auc_score(is_bad, blunt), abs=1e-12)


def test_a_score_differs_from_itself_by_nothing(scores):
    sharp, _, is_bad = scores
    first, second, half_width = compare_aucs(sharp, sharp, is_bad)
    assert (first - second, half_width) == (0, pytest.approx(0, abs=1e-12))


def test_the_interval_is_the_bootstraps(scores):
    sharp, blunt, is_bad = scores
    draw = numpy.random.default_rng(2)
    gaps = []
    for _ in range(400):
        rows = draw.integers(0, len(is_bad), len(is_bad))
        gaps.append(
            roc_auc_score(is_bad[rows], sharp[rows]) - roc_auc_score(is_bad[rows], blunt[rows])
        )
    # 400 draws give the standard deviation to about 1 / sqrt(800) = 3.5 %: three times that.
    assert compare_aucs(sharp, blunt, is_bad)[2] == pytest.approx(1.96 * numpy.std(gaps), rel=0.11)
