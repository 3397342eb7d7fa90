"""What was expected to be owed at default against what was owed, by hand and by numpy."""

import numpy as np
import pytest

from penstock.errors import DataError
from penstock.measure.ead_evaluation import CCF_COLUMNS, JUDGED_COLUMNS, evaluate_ead
from tests.lending.lines.rows import usd

N = 400


@pytest.fixture(scope="module")
def lines():
    random = np.random.default_rng(4)
    limit = random.choice([1000, 5000, 20_000], N).astype(float)
    balance = (limit * random.uniform(0, 1.1, N)).round(2)
    undrawn = np.maximum(limit - balance, 0)
    owed = (balance + undrawn * random.uniform(0, 1, N)).round(2)
    expected = (balance + 0.45 * undrawn).round(2)
    return np.column_stack([limit, balance, undrawn.round(2), owed, expected])


def judged(spark, lines):
    rows = [
        (*(usd(round(x, 2)) for x in line[:4]), "CCF" if line[2] else "EAD factor", usd(line[4]))
        for line in lines
    ]
    return spark.createDataFrame(rows, JUDGED_COLUMNS)


@pytest.fixture(scope="module")
def found(spark, lines):
    fitted_on = spark.createDataFrame([(0.2,), (0.4,)], CCF_COLUMNS)
    return evaluate_ead(judged(spark, lines), fitted_on)


def test_sums_and_errors_are_those_of_single_lines(found, lines):
    limit, balance, undrawn, owed, expected = lines.T
    errors = np.abs(expected - owed)
    rules = {row[0]: row[1:] for row in found.tables["rules"].rows}
    predictions = {
        "model": expected,
        "one CCF for all": balance + 0.3 * undrawn,
        "balance: nothing more is drawn": balance,
        "limit: all is drawn": limit,
    }
    for rule, predicted in predictions.items():
        error = predicted - owed
        assert rules[rule] == pytest.approx(
            (predicted.sum(), predicted.sum() / owed.sum(), np.abs(error).mean(),
             np.sqrt((error**2).mean())),
            abs=0.005 * N,  # each expectation to the cent
        )  # fmt: skip
    metrics = found.metrics
    assert metrics["error_of_limits"] == pytest.approx(errors.sum() / limit.sum())
    of_mean = np.abs(balance + 0.3 * undrawn - owed).sum()
    assert metrics["saved_error"] == pytest.approx(1 - errors.sum() / of_mean, abs=1e-6)


def test_the_interval_of_the_ratio_is_that_of_a_bootstrap(found, lines):
    random, owed, expected = np.random.default_rng(1), lines[:, 3], lines[:, 4]
    drawn = random.integers(0, N, (4000, N))
    ratios = expected[drawn].sum(axis=1) / owed[drawn].sum(axis=1)
    low, high = (found.metrics[f"expected_to_realised_{end}"] for end in ("low", "high"))
    assert (low + high) / 2 == pytest.approx(expected.sum() / owed.sum())
    assert (high - low) / 2 == pytest.approx(1.96 * ratios.std(), rel=0.05)


def test_lines_are_told_apart_by_basis_and_utilisation(found, lines):
    limit, balance, _, owed, _ = lines.T
    assert {row[0]: row[1] for row in found.tables["bases"].rows} == {
        "CCF": (balance < limit).sum(),
        "EAD factor": (balance >= limit).sum(),
    }
    bands = {row[0]: row for row in found.tables["bands"].rows}
    half = (balance / limit >= 0.4) & (balance / limit < 0.6)
    assert bands["40-60 %"][1] == half.sum()
    assert bands["40-60 %"][4] == pytest.approx(owed[half].sum())
    assert bands["100 % or more"][1] == (balance >= limit).sum()
    realised, *_ = found.figures["bands"].series
    assert realised.x == tuple(bands) and len(bands) == 6


def test_nothing_to_judge_or_to_learn_from_is_told(spark, lines):
    some, none = judged(spark, lines[:1]), spark.createDataFrame([], CCF_COLUMNS)
    fitted_on = spark.createDataFrame([(0.2,)], CCF_COLUMNS)
    for of, on in ((some.limit(0), fitted_on), (some, none)):
        with pytest.raises(DataError, match="no defaulted lines to evaluate.*split_line_defaults"):
            evaluate_ead(of, on)
