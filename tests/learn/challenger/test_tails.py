import numpy as np
import pandas
import pytest
from scipy.stats import skew

from penstock.learn.challenger.tails import Tails, TailsModel

N = 2000
COLUMNS = ["flat", "skewed", "rare", "same"]


def numbers() -> pandas.DataFrame:
    random = np.random.default_rng(3)
    rows = pandas.DataFrame(
        {
            "flat": random.permutation(np.arange(N, dtype=float)),
            "skewed": -np.exp(random.normal(0, 1.5, N)),
            "rare": np.where(np.arange(N) < 10, 7.0, 0.0),
            "same": 4.0,
        }
    )
    rows.loc[:19, "flat"] = [np.nan] * 20
    return rows


ROWS = numbers()


@pytest.fixture(scope="module")
def rows(spark):
    return spark.createDataFrame(ROWS)


@pytest.fixture(scope="module")
def model(rows):
    return Tails.of(COLUMNS).fit(rows)


def test_numbers_are_drawn_in_to_the_quantiles_and_gaps_stay(model, rows):
    shaped = model.transform(rows).toPandas()
    known = ROWS.flat.dropna().to_numpy()
    low, high = np.quantile(known, [0.01, 0.99], method="inverted_cdf")
    tail = model.tails["flat"]
    clipped = np.clip(known, low, high)
    # Quantiles are known to a rank in 10,000.
    assert (tail.low, tail.high, tail.scale) == (low, high, 0)
    np.testing.assert_allclose(shaped.flat.dropna(), clipped / np.std(clipped), rtol=1e-12)
    assert shaped.flat.isna().equals(ROWS.flat.isna())


def test_a_skewed_number_becomes_its_logarithm_whatever_its_unit(model, rows):
    tail = model.tails["skewed"]
    clipped = np.clip(ROWS.skewed, tail.low, tail.high)
    assert abs(skew(clipped)) > 1 and tail.scale == np.quantile(
        -clipped, 0.5, method="inverted_cdf"
    )
    shaped = model.transform(rows).toPandas().skewed
    logarithm = -np.log1p(-clipped / tail.scale)
    np.testing.assert_allclose(shaped, logarithm / logarithm.std(ddof=0), rtol=1e-12)
    in_cents = rows.withColumn("skewed", rows.skewed * 1024)
    again = Tails.of(COLUMNS).fit(in_cents).transform(in_cents).toPandas().skewed
    np.testing.assert_allclose(again, shaped, rtol=1e-12)


def test_what_few_rows_have_is_not_cut_off(model, rows):
    shaped = model.transform(rows).toPandas()
    assert (shaped.rare > 0).sum() == 10
    assert set(shaped.same) == {4.0} and model.tails["same"].scale == 0
    assert shaped.rare.std(ddof=0) == pytest.approx(1, rel=1e-12)


def test_a_saved_stage_is_the_same(model, tmp_path):
    model.write().overwrite().save(str(tmp_path / "tails"))
    assert TailsModel.load(str(tmp_path / "tails")).tails == model.tails
