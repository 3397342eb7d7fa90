import json

import numpy as np
import pytest

from penstock.learn.scorecard.points import PointRule, PointScale

SCALE = PointScale(pdo=20, base_points=600, base_odds=50)
RULE = PointRule.of(SCALE, ("age", "income"), (-0.8, -1.1), -2.5)


def test_the_published_check_value():
    assert SCALE.factor == pytest.approx(28.853901, abs=1e-6)
    assert SCALE.offset == pytest.approx(487.122876, abs=1e-6)


def test_twice_the_odds_are_pdo_points_more():
    odds = np.array([50.0, 100.0, 25.0, 1.0])
    points = SCALE.offset + SCALE.factor * np.log(odds)
    np.testing.assert_allclose(points[:3], [600, 620, 580], rtol=1e-14)
    np.testing.assert_allclose(SCALE.pd(points), 1 / (1 + odds), rtol=1e-12)


def test_points_of_bins_add_up_to_the_score_of_the_log_odds():
    woe = np.array([[0.7, -1.2, 0.0], [0.4, 0.1, -2.0]])
    log_odds = -2.5 - 0.8 * woe[0] - 1.1 * woe[1]
    total = RULE.exact("age", woe[0]) + RULE.exact("income", woe[1])
    np.testing.assert_allclose(total, SCALE.offset - SCALE.factor * log_odds, rtol=1e-14)
    np.testing.assert_allclose(SCALE.pd(total), 1 / (1 + np.exp(-log_odds)), rtol=1e-12)


def test_points_rise_with_safety_and_round_halves_up():
    woe = np.linspace(-3, 3, 50)
    assert (np.diff(RULE.exact("age", woe)) > 0).all()
    assert (np.diff(RULE.rounded("age", woe)) >= 0).all()
    assert np.abs(RULE.rounded("age", woe) - RULE.exact("age", woe)).max() <= 0.5
    whole = PointRule(SCALE, ("age",), (1.0,), 0.0)
    assert whole.rounded("age", np.array([0.5, 1.5, -0.5, -1.5])).tolist() == [1, 2, 0, -1]


def test_json_keeps_every_bit():
    assert PointRule.from_json(json.loads(json.dumps(RULE.to_json()))) == RULE
