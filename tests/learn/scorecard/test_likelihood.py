import numpy as np
import pytest

from penstock.learn.scorecard.likelihood import Regression, likelihoods
from tests.learn.scorecard.loans import COLUMNS, LOANS, rows_of

THETA = np.array([-1.1, -0.9, -0.7, -1.0, -0.4, 0.1, 0.2, -0.3])
REGRESSIONS = [Regression(THETA), Regression(THETA / 2, without=3)]


@pytest.fixture(scope="module")
def told(spark):
    rows, design = rows_of(spark, weight="weight")
    yield likelihoods(rows, design, REGRESSIONS)
    rows.unpersist()


@pytest.mark.parametrize("place", [0, 1])
def test_loss_and_derivatives_are_those_of_a_sum_over_rows(told, place):
    regression, at = REGRESSIONS[place], told[place]
    design = np.column_stack([np.ones(len(LOANS)), LOANS[list(COLUMNS)]])
    linear, weight = design @ regression.theta, LOANS.weight.to_numpy()
    held = (LOANS.fold == regression.without).to_numpy()
    loss = weight * (np.logaddexp(0, linear) - LOANS.is_bad * linear)
    pd = 1 / (1 + np.exp(-linear))
    learns = np.where(held, 0, weight) / weight[~held].sum()
    assert at.weight == weight[~held].sum()
    assert at.loss == pytest.approx(loss[~held].sum() / at.weight, rel=1e-12)
    assert at.held_out == pytest.approx(loss[held].sum(), rel=1e-12)
    np.testing.assert_allclose(at.gradient, design.T @ (learns * (pd - LOANS.is_bad)), atol=1e-12)
    hessian = design.T @ ((learns * pd * (1 - pd))[:, None] * design)
    np.testing.assert_allclose(at.hessian, hessian, atol=1e-12)


@pytest.mark.parametrize("partitions", [2, 7])
def test_order_and_partitions_do_not_change_a_bit(spark, told, partitions):
    shuffled = LOANS.sample(frac=1, random_state=partitions)
    rows, design = rows_of(spark, shuffled, weight="weight", partitions=partitions)
    again = likelihoods(rows, design, REGRESSIONS)
    rows.unpersist()
    for before, after in zip(told, again, strict=True):
        assert (after.loss, after.held_out) == (before.loss, before.held_out)
        assert after.gradient.tobytes() == before.gradient.tobytes()
        assert after.hessian.tobytes() == before.hessian.tobytes()


def test_a_log_odds_beyond_doubles_keeps_its_loss(spark):
    rows, design = rows_of(spark, LOANS[:2].assign(age=1.0, is_bad=[0.0, 1.0]), ("age",))
    [at] = likelihoods(rows, design, [Regression(np.array([0.0, -1000.0]))])
    rows.unpersist()
    # The good is sure to be one; the bad costs all of its 1,000 nats.
    assert at.loss == 500
    assert at.gradient.tolist() == [-0.5, -0.5]
    assert (at.hessian == 0).all()
