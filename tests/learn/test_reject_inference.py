"""Reject inference where the outcomes of the rejected are known, to us and not to the model."""

from decimal import Decimal

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from penstock.errors import DataError
from penstock.learn.logistic import coefficient_table, logistic_pd
from penstock.learn.pd_columns import WEIGHT
from penstock.learn.reject_effect import show_reject_inference
from penstock.learn.reject_inference import REJECTED, RejectInference

N = 6000
PARAMETERS = {
    "numeric": ["a", "b"],
    "categorical": [],
    "regularisation": 0.0,
    "elastic_net": 0.0,
    "max_iterations": 100,
    "reject_bands": 10,
}


def odds(share):
    return share / (1 - share)


def simulated() -> pandas.DataFrame:
    """Return applicants: b matters above 0 only, and the lender sees a risk that no feature shows.

    So a straight line through the accepted, whose b is low, is too flat; and the rejected are worse
    than accepted applicants of the same features.
    """
    random = np.random.default_rng(5)
    a, b, hidden = random.normal(size=(3, N))
    true_pd = 1 / (1 + np.exp(2 - 0.8 * a - 1.6 * np.maximum(b, 0) - hidden))
    part = np.where(np.arange(N) % 4 < 2, "development", "calibration")
    return pandas.DataFrame(
        {
            "a": a,
            "b": b,
            "true_pd": true_pd,
            "outcome": (random.random(N) < true_pd).astype(int),
            "is_accepted": random.random(N) < 1 / (1 + np.exp(2 * b + hidden - 0.5)),
            "sample": np.where(np.arange(N) % 4 == 3, "judged", part),
        }
    )


APPLICANTS = simulated()
REJECTS = APPLICANTS[~APPLICANTS.is_accepted & (APPLICANTS["sample"] != "judged")]


@pytest.fixture(scope="module")
def applicants(spark):
    """Return them as the model gets them: no outcome of the rejected, nobody rejected judged."""
    names = F.create_map(*(F.lit(x) for pair in REJECTED.items() for x in pair))
    table = spark.createDataFrame(APPLICANTS).where("is_accepted OR sample != 'judged'")
    is_accepted = F.col("is_accepted")
    return table.select(
        "a",
        "b",
        "true_pd",
        F.when(is_accepted, F.col("outcome")).alias("is_bad"),
        F.when(is_accepted, F.col("sample")).otherwise(names[F.col("sample")]).alias("sample"),
    ).cache()


@pytest.fixture(scope="module")
def known(applicants):
    return logistic_pd(**PARAMETERS, reject_inference="none", reject_risk=1.0).fit(applicants)


def inferred(applicants, method, risk=1.0):
    return logistic_pd(**PARAMETERS, reject_inference=method, reject_risk=risk).fit(applicants)


def pds(model, applicants):
    """Return PD and true PD of the rejected rows."""
    rejected = applicants.where(F.col("is_bad").isNull())
    return model.transform(rejected).select("pd", "true_pd").toPandas()


def slope_of_b(model):
    return {row[:2]: row[2] for row in coefficient_table(model).rows}["b", "value"]


def test_rejected_rows_weigh_by_hand_as_each_method_says(spark):
    rows = [
        # In the lower band 2 accepted, one bad, and 1 rejected; in the upper 1 and 2; nobody else.
        (1.0, 0.0, "development", 0.1),
        (2.0, 1.0, "calibration", 0.1),
        (3.0, None, REJECTED["development"], 0.1),
        (4.0, 0.0, "development", 0.4),
        (5.0, None, REJECTED["calibration"], 0.4),
        (6.0, None, REJECTED["calibration"], 0.4),
    ]
    scored = spark.createDataFrame(rows, "x DOUBLE, is_bad DOUBLE, sample STRING, pd DOUBLE")

    def by(method, risk):
        inference = RejectInference(method, bands=2, risk=risk)
        weighted = inference.weighted(scored, label="is_bad", sample="sample", pd="pd")
        assert weighted.columns == ["x", "sample", "is_bad", WEIGHT]
        return sorted(tuple(row) for row in weighted.collect())

    one = Decimal("1.000000")
    accepted = {1.0: ("development", 0.0), 2.0: ("calibration", 1.0), 4.0: ("development", 0.0)}
    fuzzy = by("fuzzy", 2.0)
    assert [row for row in fuzzy if row[0] in accepted] == [
        (x, *of, one) for x, of in accepted.items()
    ]
    # Odds 1:9 doubled are 2:9, and 2:3 doubled 4:3.
    assert [(row[2], float(row[3])) for row in fuzzy if row[0] == 3.0] == [
        (0.0, pytest.approx(9 / 11, abs=1e-6)),
        (1.0, pytest.approx(2 / 11, abs=1e-6)),
    ]
    assert [float(row[3]) for row in fuzzy if row[0] == 6.0] == [
        pytest.approx(3 / 7, abs=1e-6),
        pytest.approx(4 / 7, abs=1e-6),
    ]
    assert {row[1] for row in fuzzy} == {"development", "calibration"}
    # 3 rows stand behind 2 accepted, and 3 behind 1.
    assert [(row[0], float(row[3])) for row in by("reweighting", 1.0)] == [
        (1.0, 1.5), (2.0, 1.5), (4.0, 3.0),
    ]  # fmt: skip
    # Of the accepted of the upper band none is bad, so no rejected row is; whatever the odds.
    drawn = {row[0]: row[2:] for row in by("parcelling", 50.0)}
    assert drawn[5.0] == drawn[6.0] == (0.0, one) and drawn[3.0] == (1.0, one)


def test_parcels_are_bad_as_often_as_the_accepted_of_their_band(spark):
    scored = spark.range(4000).select(
        F.col("id").cast("double").alias("x"),
        # Every other row is accepted; a quarter of these is bad.
        F.when(F.col("id") % 2 == 0, (F.col("id") % 8 == 0).cast("double")).alias("is_bad"),
        F.when(F.col("id") % 2 == 0, "development")
        .otherwise(REJECTED["development"])
        .alias("sample"),
        F.when(F.col("id") < 2000, 0.1).otherwise(0.2).alias("pd"),
    )
    inference = RejectInference("parcelling", bands=2, risk=1.0)
    weighted = inference.weighted(scored, label="is_bad", sample="sample", pd="pd")
    [[rate]] = weighted.where("x % 2 = 1").agg(F.avg("is_bad")).collect()
    assert rate == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 2000) ** 0.5)


def test_rejected_rows_that_are_alike_are_drawn_one_by_one_however_they_lie(spark):
    """A thousand rejected rows of the same features are not all good, or all bad."""
    alike = spark.range(2000).select(
        F.lit("car").alias("purpose"),
        F.when(F.col("id") % 2 == 0, (F.col("id") % 8 == 0).cast("double")).alias("is_bad"),
        F.when(F.col("id") % 2 == 0, "development")
        .otherwise(REJECTED["development"])
        .alias("sample"),
        F.lit(0.1).alias("pd"),
    )
    inference = RejectInference("parcelling", bands=2, risk=1.0)
    rates = {
        rows.transform(inference.weighted, label="is_bad", sample="sample", pd="pd")
        .agg(F.avg("is_bad"))
        .first()[0]
        for rows in (alike, alike.orderBy(F.desc("id")), alike.repartition(7, "id"))
    }
    [rate] = rates
    # Of 1,000 accepted a quarter is bad, and of 1,000 rejected so many but for chance.
    assert rate == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 1000) ** 0.5 / 2)


def test_an_accepted_band_of_bads_alone_keeps_its_rate_whatever_the_odds(spark):
    rows = [("development", 1.0), (REJECTED["development"], None)]
    scored = spark.createDataFrame(
        [(part, label, 0.5) for part, label in rows], "sample STRING, is_bad DOUBLE, pd DOUBLE"
    ).withColumn("x", F.lit(1.0))
    inference = RejectInference("parcelling", bands=2, risk=1e-20)
    weighted = inference.weighted(scored, label="is_bad", sample="sample", pd="pd")
    assert {row.is_bad for row in weighted.collect()} == {1.0}


def test_where_nobody_was_accepted_a_parcel_is_as_bad_as_its_pds(spark):
    scored = spark.range(2000).select(
        F.col("id").cast("double").alias("x"),
        F.when(F.col("id") % 2 == 0, 0.0).alias("is_bad"),
        F.when(F.col("id") % 2 == 0, "development")
        .otherwise(REJECTED["development"])
        .alias("sample"),
        F.when(F.col("id") % 2 == 0, 0.1).otherwise(0.7).alias("pd"),
    )
    inference = RejectInference("parcelling", bands=2, risk=1.0)
    weighted = inference.weighted(scored, label="is_bad", sample="sample", pd="pd")
    [[rate]] = weighted.where("x % 2 = 1").agg(F.avg("is_bad")).collect()
    assert rate == pytest.approx(0.7, abs=4 * (0.7 * 0.3 / 1000) ** 0.5)


@pytest.fixture(scope="module")
def coarse():
    """Return 900 applicants of nine kinds, two in five of them rejected, one in six judged."""
    random = np.random.default_rng(8)
    number = np.arange(900)
    a, b = random.integers(0, 3, (2, 900)) / 7
    is_rejected = number % 5 < 2
    part = np.where(number % 3 == 0, "calibration", "development")
    names = np.where(is_rejected, [REJECTED[name] for name in part], part)
    names = np.where(~is_rejected & (number % 6 == 5), "judged", names)
    is_bad = (random.random(900) < a + 0.1) * 1.0
    return pandas.DataFrame(
        {"a": a, "b": b, "is_bad": np.where(is_rejected, np.nan, is_bad), "sample": names}
    )


def learnt(spark, rows, method):
    table = spark.createDataFrame(rows).withColumn("is_bad", F.nanvl("is_bad", F.lit(None)))
    return coefficient_table(inferred(table, method, 3.0)).rows


def test_what_became_of_judged_loans_has_no_say_in_the_model(spark, coarse):
    others = coarse.copy()
    others.loc[others["sample"] == "judged", "is_bad"] = 1.0
    assert learnt(spark, others, "parcelling") == learnt(spark, coarse, "parcelling")


def test_rows_alike_but_for_their_weight_make_one_model_however_they_lie(spark, coarse):
    """Accepted and rejected rows of the same features and label weigh differently."""
    assert learnt(spark, coarse, "fuzzy") == learnt(spark, coarse[::-1], "fuzzy")


def test_fuzzy_rows_by_the_models_own_pds_tell_it_nothing(applicants, known):
    """The score equations of the accepted hold for the rejected too, at the same coefficients."""
    again = inferred(applicants, "fuzzy")
    # But for the Platt scaling of the PDs, whose slope is 1 but for chance.
    assert slope_of_b(again) == pytest.approx(slope_of_b(known), rel=0.15)
    before, after = pds(known, applicants).pd, pds(again, applicants).pd
    assert after.mean() == pytest.approx(before.mean(), abs=0.01)


@pytest.mark.parametrize("method", ["fuzzy", "parcelling"])
def test_told_how_much_worse_the_rejected_are_their_pds_come_near_the_truth(
    applicants, known, method
):
    of_known = pds(known, applicants)
    bad_rate = of_known.true_pd.mean()
    assert bad_rate == pytest.approx(REJECTS.outcome.mean(), abs=0.03)
    gap = of_known.pd.mean() - bad_rate
    assert gap < -0.1  # the accepted are better than the rejected of the same features
    risk = odds(bad_rate) / odds(of_known.pd.mean())
    of_inferred = pds(inferred(applicants, method, risk), applicants)
    assert abs(of_inferred.pd.mean() - bad_rate) < abs(gap) / 2


def test_reweighted_the_line_is_nearer_to_that_through_all_applicants(applicants, known, spark):
    everybody = spark.createDataFrame(APPLICANTS).withColumnRenamed("outcome", "is_bad")
    best = logistic_pd(**PARAMETERS, reject_inference="none", reject_risk=1.0).fit(everybody)
    found = slope_of_b(inferred(applicants, "reweighting"))
    assert slope_of_b(known) + 0.02 < found < slope_of_b(best)


def test_the_effect_is_shown_with_what_it_cannot_tell(applicants, known):
    settings = PARAMETERS | {"reject_inference": "reweighting", "reject_risk": 1.0}
    model = inferred(applicants, "reweighting")
    judged = applicants.where("sample = 'judged'")
    shown = show_reject_inference(applicants, judged, model, **settings)
    loans, rejected = shown.tables["populations"].rows
    assert loans[1] == judged.count() and rejected[1] == len(REJECTS)
    assert rejected[2] is None  # nobody knows their bad rate
    assert loans[3] == pytest.approx(_mean_pd(known, judged), abs=1e-6)
    assert rejected[4] == pytest.approx(pds(model, applicants).pd.mean(), abs=1e-6)
    metrics = shown.metrics
    assert metrics["auc_difference"] == metrics["auc_with"] - metrics["auc_without"]
    for name, fitted in (("auc_with", model), ("auc_without", known)):
        scored = fitted.transform(judged).toPandas()
        assert metrics[name] == pytest.approx(roc_auc_score(scored.is_bad, scored.pd.round(6)))
    taught = known.transform(applicants.where("sample != 'judged'")).toPandas()
    most = taught.pd[taught.is_bad.notna()].max()
    assert metrics["rejected_beyond"] == (taught.pd[taught.is_bad.isna()] > most).sum() > 0
    learnt = {row[:2]: row[2:] for row in shown.tables["coefficients"].rows}
    assert learnt["b", "value"] == (slope_of_b(known), slope_of_b(model))
    assert "cannot tell" in shown.tables["warnings"].rows[0][0]


def test_a_sample_without_a_rejected_row_is_not_the_one_the_model_was_fitted_on(applicants, known):
    settings = PARAMETERS | {"reject_inference": "reweighting", "reject_risk": 1.0}
    accepted = applicants.where("is_bad IS NOT NULL")
    judged = applicants.where("sample = 'judged'")
    with pytest.raises(DataError, match="fitted on another sample. Train it again"):
        show_reject_inference(accepted, judged, known, **settings)


def test_without_reject_inference_nothing_is_run(applicants, known):
    settings = PARAMETERS | {"reject_inference": "none", "reject_risk": 1.0}
    shown = show_reject_inference(applicants, applicants, known, **settings)
    [table] = shown.tables.values()
    # Nothing is shown, so that there is nothing to warn of.
    assert shown.metrics == {} and table.title == "No reject inference"
    assert "reject_inference: none" in table.rows[0][0]


def test_without_a_rejected_row_a_method_is_refused(applicants):
    accepted = applicants.where("is_bad IS NOT NULL")
    with pytest.raises(DataError, match=r"no rejected applications.*catalog\.raw_rejects"):
        inferred(accepted, "parcelling")


def _mean_pd(model, rows):
    return model.transform(rows).toPandas().pd.mean()
