"""The normal distribution in Spark, against SciPy."""

import numpy as np
import pytest
from scipy.stats import norm

from penstock.lending.normal import add_normal_probability, add_normal_quantile


def evaluated(spark, function, values):
    rows = spark.createDataFrame([(float(x),) for x in values], "x DOUBLE")
    return np.array([row.y for row in function(rows, of="x", name="y").collect()])


def test_probabilities_equal_scipys_in_all_ranges(spark):
    x = np.concatenate([np.linspace(-12, 12, 481), [0.0, 0.67448975, -5.65685424949238, -30]])
    assert evaluated(spark, add_normal_probability, x) == pytest.approx(norm.cdf(x), rel=1e-12)


def test_quantiles_equal_scipys_in_all_ranges_and_turn_probabilities_back(spark):
    tails = 10.0 ** -np.arange(1, 16)
    p = np.concatenate([np.linspace(0.001, 0.999, 333), tails, 1 - tails[:12], [0.075, 0.925]])
    found = evaluated(spark, add_normal_quantile, p)
    assert found == pytest.approx(norm.ppf(p), rel=1e-12, abs=1e-12)
    assert norm.cdf(found) == pytest.approx(p, rel=1e-11)


def test_what_is_unknown_stays_unknown(spark):
    rows = spark.createDataFrame([(None,)], "x DOUBLE")
    for function in (add_normal_probability, add_normal_quantile):
        assert function(rows, of="x", name="y").collect() == [(None, None)]
