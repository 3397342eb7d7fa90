import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer

from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.learn.challenger.record import ChallengerRecord
from penstock.learn.champion import champion_pd, shadow_pd

FEATURES = {"numeric": ["income"], "categorical": ["purpose"], "text": []}


def adding(columns, *stages):
    return PipelineModel([*stages, SQLTransformer(statement=f"SELECT *, {columns} FROM __THIS__")])


@pytest.fixture(scope="module")
def models(spark):
    return (
        adding("CAST(income AS INT) AS points, 0.1D AS pd"),
        adding("0.2D AS pd", ChallengerRecord.of(left_out={"age": "a leak"})),
    )


@pytest.fixture(scope="module")
def rows(spark):
    return spark.createDataFrame([(50.0, "car")], "income DOUBLE, purpose STRING")


@pytest.mark.parametrize("decides", [0.0, 1.0])
def test_one_of_the_two_decides_and_the_other_watches(models, rows, decides):
    scored = []
    for function in (champion_pd, shadow_pd):
        estimator = function(**FEATURES)
        estimator.begin_from(Evidence({"challenger_decides": decides}), *models)
        scored.append(estimator.fit(rows).transform(rows))
        assert scored[-1].schema.names == estimator.transformSchema(rows.schema).names
        assert [f.dataType for f in scored[-1].schema] == [
            f.dataType for f in estimator.transformSchema(rows.schema)
        ]
    by_scorecard, by_challenger = scored[::-1] if decides else scored
    assert (by_scorecard.first().points, by_scorecard.first().pd) == (50, 0.1)
    assert (by_challenger.first().points, by_challenger.first().pd) == (None, 0.2)


def test_what_a_challenger_was_chosen_from_stays_with_its_own_version(models, rows):
    estimator = champion_pd(**FEATURES)
    estimator.begin_from(Evidence({"challenger_decides": 1.0}), *models)
    assert not any(hasattr(stage, "attempts") for stage in estimator.fit(rows).stages)


def test_a_table_that_cannot_be_scored_is_refused_by_its_columns(spark, rows):
    estimator = champion_pd(**FEATURES)
    with pytest.raises(DataError, match="needs column 'income', which .* Did you mean 'incomes'"):
        estimator.transformSchema(rows.withColumnRenamed("income", "incomes").schema)
    with pytest.raises(DataError, match="Column 'pd' is there already"):
        estimator.transformSchema(rows.selectExpr("*", "0.5D AS pd").schema)
