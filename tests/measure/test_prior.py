import numpy as np
import pytest
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.measure.prior import shift_prior


def test_the_shift_is_bayes_rule_with_another_prior():
    # Likelihoods of one score among bads and goods: 0.3 and 0.1.
    def posterior(rate):
        return 0.3 * rate / (0.3 * rate + 0.1 * (1 - rate))

    shifted = shift_prior(np.array([posterior(0.5)]), from_rate=0.5, to_rate=0.08)
    assert shifted[0] == pytest.approx(posterior(0.08), abs=1e-15)


def test_undersampled_goods_are_put_right():
    random = np.random.default_rng(19)
    pds = random.beta(2, 18, 200_000)
    is_bad = random.random(200_000) < pds
    kept = is_bad | (random.random(200_000) < 0.2)
    # Among the kept loans the odds of bad are five times those of the book.
    sampled = pds / (pds + 0.2 * (1 - pds))
    back = shift_prior(sampled[kept], from_rate=is_bad[kept].mean(), to_rate=is_bad.mean())
    # The ratio of odds of the two rates is 5 but for chance, some 0.5 % of it.
    np.testing.assert_allclose(back, pds[kept], rtol=0.03)


def test_columns_and_arrays_are_shifted_alike_and_back(spark):
    pds = [0.0, 1e-9, 0.02, 0.5, 0.97, 1.0]
    rates = {"from_rate": 0.2, "to_rate": 0.03}
    table = spark.createDataFrame([(pd,) for pd in [*pds, None]], "pd DOUBLE")
    *shifted, unknown = (
        row[0] for row in table.select(shift_prior(F.col("pd"), **rates)).collect()
    )
    expected = shift_prior(np.array(pds), **rates)
    assert shifted == expected.tolist()
    assert unknown is None
    assert (expected[0], expected[-1]) == (0, 1)
    np.testing.assert_allclose(shift_prior(expected, from_rate=0.03, to_rate=0.2), pds, rtol=1e-12)


@pytest.mark.parametrize("rate", [0, 1, 20, float("nan")])
def test_a_rate_that_is_no_rate_is_an_error(rate):
    with pytest.raises(ConfigError, match="'to_rate' is .*; it must be above 0 and below 1"):
        shift_prior(np.array([0.1]), from_rate=0.2, to_rate=rate)
