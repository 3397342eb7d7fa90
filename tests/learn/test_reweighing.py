"""Reweighing: by hand, in closed form, and in models of a book whose past was unfair to women."""

from decimal import Decimal
from functools import cache

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression

from penstock.catalyst.stage_schemas import label_columns, stage_columns
from penstock.errors import ConfigError, DataError
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.logistic import coefficient_table
from penstock.learn.observation_split import split_observations
from penstock.learn.pd_columns import WEIGHT
from penstock.learn.reweighing import reweigh
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.measure.fairness_audit import audit_fairness
from penstock.measure.group_weights import weights_table
from tests.learn.challenger.loans import PARAMETERS as OF_CHALLENGER
from tests.learn.described import COLUMNS as OBSERVED
from tests.learn.described import ROWS, described
from tests.learn.scorecard.simulated import PARAMETERS as OF_SCORECARD
from tests.learn.test_observation_split import BY_DATE

COLUMNS = "row_id STRING, sample STRING, is_bad INT"
PROTECTED = "row_id STRING, protected MAP<STRING, STRING>"


def test_weights_by_hand(spark):
    # Of ten rows, four bad: three of f, two of them bad; five of m, one bad; two of nobody knows.
    outcomes = {"f": [0, 1, 1], "m": [0, 0, 0, 0, 1], None: [0], "absent": [1]}
    rows, groups = [], []
    for sex, labels in outcomes.items():
        for number, is_bad in enumerate(labels):
            rows.append((f"{sex} {number}", "development", is_bad))
            if sex != "absent":
                groups.append((f"{sex} {number}", {"sex": sex, "age": "old"}))
    # Neither a calibration row nor one without an outcome counts, or has another weight than 1.
    rows += [("late", "calibration", 1), ("open", "development", None)]
    groups += [("late", {"sex": "f", "age": "old"}), ("open", {"sex": "f", "age": "old"})]
    table = spark.createDataFrame(rows, COLUMNS)
    weighed = reweigh(table, spark.createDataFrame(groups, PROTECTED), attributes=["sex"])
    assert weighed.columns == [*table.columns, WEIGHT]
    found = {(row.row_id, row.is_bad): row[WEIGHT] for row in weighed.collect()}
    by_hand = {
        ("f 0", 0): "1.8",  # 0.3 x 0.6 / 0.1
        ("f 1", 1): "0.6",  # 0.3 x 0.4 / 0.2
        ("f 2", 1): "0.6",
        **{(f"m {n}", 0): "0.75" for n in range(4)},  # 0.5 x 0.6 / 0.4
        ("m 4", 1): "2",  # 0.5 x 0.4 / 0.1
        ("None 0", 0): "1.2",  # 0.2 x 0.6 / 0.1
        ("absent 0", 1): "0.8",  # 0.2 x 0.4 / 0.1
        ("late", 1): "1",
        ("open", None): "1",
    }
    assert found == {row: Decimal(weight) for row, weight in by_hand.items()}


def test_a_group_of_one_outcome_keeps_it_and_the_others_are_weighed(spark):
    rows = [("a", "development", 0), ("b", "development", 0), ("c", "development", 0),
            ("d", "development", 1)]  # fmt: skip
    groups = [("a", {"sex": "f"}), ("b", {"sex": "m"}), ("c", {"sex": "m"}), ("d", {"sex": "m"})]
    table, protected = (
        spark.createDataFrame(rows, COLUMNS),
        spark.createDataFrame(groups, PROTECTED),
    )
    found = {
        r.row_id: float(r[WEIGHT]) for r in reweigh(table, protected, attributes=["sex"]).collect()
    }
    # 1/4 x 3/4 / (1/4), 3/4 x 3/4 / (2/4), 3/4 x 1/4 / (1/4).
    assert found == {"a": 0.75, "b": 1.125, "c": 1.125, "d": 0.75}
    shown = weights_table(table, protected, ["sex"], min_rows=1)
    assert shown.rows == (("f", 1, 0, 0.75, None, 0), ("m", 3, 1 / 3, 1.125, 0.75, 0.25))
    few = weights_table(table, protected, ["sex"], min_rows=2)
    assert few.rows == shown.rows[1:] and few.title.endswith(
        "; not shown: 1 group of fewer than 2 rows"
    )


N = 3000


def unfair() -> pandas.DataFrame:
    """Return loans whose outcome follows income, and is worse for women of the same income.

    Income is independent of sex; the street is not: it tells the sex of 85 % of the people.
    """
    random = np.random.default_rng(8)
    sex = random.choice(["f", "m"], N)
    is_own_street = random.random(N) < 0.85
    street = np.where(is_own_street == (sex == "f"), "north", "south")
    income = random.choice([0.0, 1.0, 2.0, 3.0], N)
    log_odds = -1.25 - 0.8 * (income - 1.5) + 1.3 * (sex == "f")
    parts = ["development"] * 5 + ["calibration"] * 2 + ["judged"] * 3
    return pandas.DataFrame(
        {
            "row_id": [f"r{n}" for n in range(N)],
            "sex": sex,
            "age": random.choice(["old", "young"], N),
            "street": street,
            "income": income,
            "is_bad": (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype("int32"),
            "sample": [parts[n % 10] for n in range(N)],
        }
    )


BOOK = unfair()
READ = {"numeric": ["income"], "categorical": ["street"]}
SCORECARD = OF_SCORECARD | READ | {
    "trends": {}, "special_codes": {}, "constraints": {}, "stepwise": "none"
}  # fmt: skip
CHALLENGER = OF_CHALLENGER | READ | {"trainer": "logistic", "settings": {"regParam": 0.0}}
MADE = {
    "scorecard": lambda by: scorecard_pd(**SCORECARD | {"reweighed_by": by}),
    "challenger": lambda by: challenger_pd(**CHALLENGER | {"reweighed_by": by}),
}
AUDIT = {
    "protected": ["sex"],
    "intersections": [],
    "approval_rate": 0.5,
    "reference": {"sex": "m"},
    "min_ratio": 0.8,
    "min_loans": 30,
    "population_bad_rate": None,
    "decimals": 6,
}


@pytest.fixture(scope="module")
def protected(spark):
    rows = spark.createDataFrame(BOOK[["row_id", "sex", "age"]])
    return rows.selectExpr("row_id", "map('sex', sex, 'age', age) AS protected")


@pytest.fixture(scope="module")
def book(spark, protected):
    """Return the loans with weights by sex, without the sex."""
    rows = spark.createDataFrame(BOOK.drop(columns=["sex", "age"]))
    weighed = reweigh(rows, protected, attributes=["sex"]).coalesce(2).persist()
    yield weighed
    weighed.unpersist()


@pytest.fixture(scope="module")
def fitted(book):
    """Return a function that fits a kind of model, reweighed or not, at most once."""
    return cache(lambda kind, *by: MADE[kind]([*by]).fit(book))


def test_by_weight_the_outcome_is_independent_of_the_group_and_sums_stay(spark, protected):
    rows = spark.createDataFrame(BOOK[["row_id", "sample", "is_bad"]])
    weighed = reweigh(rows, protected, attributes=["sex", "age"]).toPandas().merge(BOOK)
    rows = weighed[weighed["sample"] == "development"].astype({WEIGHT: float})
    rows = rows.assign(bads=rows[WEIGHT] * rows.is_bad)
    groups = rows.groupby(["sex", "age"])
    by_weight = groups[["bads", WEIGHT]].sum()
    assert np.ptp(groups.is_bad.mean()) > 0.2
    # Each weight is rounded to 1e-6.
    np.testing.assert_allclose(by_weight.bads / by_weight[WEIGHT], rows.is_bad.mean(), atol=1e-6)
    np.testing.assert_allclose(by_weight[WEIGHT], groups.size(), rtol=1e-6)
    assert rows.bads.sum() == pytest.approx(rows.is_bad.sum(), rel=1e-6)
    assert (weighed[weighed["sample"] != "development"][WEIGHT] == 1).all()


@pytest.mark.parametrize("kind", ["scorecard", pytest.param("challenger", marks=pytest.mark.slow)])
def test_women_are_approved_nearly_as_often_by_a_model_of_reweighed_rows(
    fitted, book, protected, kind
):
    def ratio(*by):
        judged = fitted(kind, *by).transform(book.where("sample = 'judged'"))
        audit = audit_fairness(judged, protected, book, **AUDIT, reweighed_by=[*by])
        return audit.metrics["min_adverse_impact_ratio"], audit

    (unfair, before), (fair, after) = ratio(), ratio("sex")
    assert unfair < 0.6 and fair > 0.9
    assert "reweighing" not in before.tables
    shown = after.tables["reweighing"]
    table = pandas.DataFrame(shown.rows, columns=shown.columns).set_index("group")
    developed = BOOK[BOOK["sample"] == "development"]
    assert table.bad_rate.to_dict() == pytest.approx(
        developed.groupby("sex").is_bad.mean().to_dict()
    )
    assert set(table.bad_rate_by_weight.round(12)) == {round(developed.is_bad.mean(), 12)}
    # What is shown is what the rows weigh.
    weights = book.where("sample = 'development'").toPandas().merge(BOOK).astype({WEIGHT: float})
    of_rows = weights.groupby(["sex", "is_bad"])[WEIGHT].first().unstack()
    np.testing.assert_allclose(table[["weight_of_good", "weight_of_bad"]], of_rows, atol=1e-6)


def test_by_weight_the_street_tells_nothing_and_is_left_out(fitted):
    plain, reweighed = (fitted("scorecard", *by).stages[1].fitted for by in ([], ["sex"]))
    assert set(plain.columns) == {"income", "street"} and reweighed.columns == ("income",)
    [street] = [v for v in reweighed.variables if v.name == "street"]
    assert street.reason.startswith("information value") and abs(street.iv) < 0.02


def test_bins_are_of_counts_coefficients_of_weights_and_the_pd_of_rows_as_they_are(fitted, book):
    plain, reweighed = fitted("scorecard"), fitted("scorecard", "sex")
    assert reweighed.stages[0].column_bins == plain.stages[0].column_bins
    rows = reweighed.stages[0].transform(book).toPandas().astype({WEIGHT: float})
    developed = rows[rows["sample"] == "development"]
    alone = LogisticRegression(C=np.inf, tol=1e-12).fit(
        developed[["woe_income"]], developed.is_bad, sample_weight=developed[WEIGHT]
    )
    found = reweighed.stages[1].fitted
    assert found.coefficients[0] == pytest.approx(alone.coef_[0, 0], rel=1e-6)
    assert found.intercept == pytest.approx(alone.intercept_[0], abs=1e-6)
    held = reweighed.transform(book.where("sample = 'calibration'"))
    [means] = held.agg(F.avg("pd").alias("pd"), F.avg("is_bad").alias("bad_rate")).collect()
    # Platt's targets move the mean by about 1 / loans.
    assert means.pd == pytest.approx(means.bad_rate, abs=2e-3)


@pytest.mark.slow
def test_the_challenger_learns_by_the_weight_of_a_row_times_that_of_its_class(book):
    model = challenger_pd(
        **CHALLENGER | {"numeric": [], "class_weights": "balanced", "reweighed_by": ["sex"]}
    ).fit(book)
    rows = book.where("sample = 'development'").toPandas().astype({WEIGHT: float})
    rows["n"] = rows[WEIGHT] * len(rows) / 2 / rows.groupby("is_bad").row_id.transform("size")
    # One dummy for each street: the log-odds of each are those of its weights.
    sums = rows.pivot_table(index="street", columns="is_bad", values="n", aggfunc="sum")
    log_odds = np.log(sums[1] / sums[0])
    found = {row[:2]: row[2] for row in coefficient_table(model).rows}
    slopes = {street: found.get(("street", street), 0.0) for street in ("north", "south")}
    assert slopes["north"] - slopes["south"] == pytest.approx(
        log_odds["north"] - log_odds["south"], abs=1e-3
    )


def test_weights_of_one_change_no_bin_coefficient_or_pd(fitted, book):
    ones = book.withColumn(WEIGHT, F.lit(1).cast("decimal(18,6)"))
    plain, again = fitted("scorecard"), MADE["scorecard"](["sex"]).fit(ones)
    assert again.stages[0].column_bins == plain.stages[0].column_bins
    assert again.stages[1].fitted == plain.stages[1].fitted
    few = book.where("sample = 'judged'").limit(50)
    assert again.transform(few).collect() == plain.transform(few).collect()


def test_the_plan_knows_that_a_weight_is_no_feature_and_has_to_be_there(book):
    for make in MADE.values():
        reweighed = make(["sex"])
        assert label_columns(reweighed) == ("is_bad", WEIGHT)
        assert WEIGHT not in stage_columns(reweighed)[0]
        assert label_columns(make([])) == ("is_bad",)
        with pytest.raises(DataError, match=f"needs column '{WEIGHT}'"):
            reweighed.check_training_schema(book.drop(WEIGHT).schema)


def test_the_split_adds_weights_to_the_rows_to_fit_on_alone(spark, protected):
    table = spark.createDataFrame(ROWS, OBSERVED)
    named = BY_DATE | {"reweigh_by": ["sex"], "protected": ["sex", "age"]}
    train, test = split_observations(described(table), protected, **named)
    assert train.columns[-3:] == ["sample", "fold", WEIGHT] and WEIGHT not in test.columns
    with pytest.raises(ConfigError, match=f"names that the stored table needs: {WEIGHT}"):
        described(table, numeric=[WEIGHT])


@pytest.mark.parametrize("parameters", [SCORECARD, CHALLENGER], ids=MADE)
def test_a_model_that_also_learns_from_calibration_rows_is_refused(parameters):
    made = scorecard_pd if parameters is SCORECARD else challenger_pd
    with pytest.raises(ConfigError, match="reweighed by sex, .* Take calibration: held_out"):
        made(**parameters | {"reweighed_by": ["sex"], "calibration": "out_of_fold"})


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (["sxe"], "by 'sxe', which is not among the protected columns .* Did you mean 'sex'"),
        (["sex", "sex"], "reweighed twice by: sex"),
    ],
)
def test_attributes_that_cannot_be_meant_are_refused(by, said):
    with pytest.raises(ConfigError, match=said):
        split_observations(None, None, **BY_DATE | {"reweigh_by": by, "protected": ["sex", "age"]})
