from datetime import date

import numpy as np
import pytest

from penstock.synthetic.returns import ASSETS, generate_returns

MONTHS = 4000


@pytest.fixture(scope="module")
def returns(spark):
    rows = generate_returns(spark.range(MONTHS), seed=3, first_month=date(1900, 1, 1)).toPandas()
    return rows.pivot(index="date", columns="asset", values="return")[list(ASSETS)]


def test_returns_have_the_moments_that_are_documented(returns):
    _, means, volatilities, of_market, of_class = map(np.array, zip(*ASSETS.values(), strict=True))
    classes = np.array([asset_class for asset_class, *_ in ASSETS.values()])
    error = volatilities / np.sqrt(12) / np.sqrt(MONTHS)
    assert (np.abs(returns.mean() - means / 12) < 4 * error).all()
    assert returns.std().to_numpy() == pytest.approx(volatilities / np.sqrt(12), rel=0.05)
    same = classes[:, None] == classes
    expected = np.sqrt(np.outer(of_market, of_market)) + same * np.sqrt(
        np.outer(of_class, of_class)
    )
    np.fill_diagonal(expected, 1)
    assert returns.corr().to_numpy() == pytest.approx(expected, abs=4 / np.sqrt(MONTHS))


def test_a_month_is_the_same_in_any_table(spark, returns):
    few = generate_returns(spark.range(5, 7), seed=3, first_month=date(1900, 1, 1)).toPandas()
    assert sorted({str(day) for day in few.date}) == ["1900-06-30", "1900-07-31"]
    for row in few.itertuples(index=False):
        assert row[2] == returns[row.asset][row.date]
