import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F

from penstock.catalyst.stage_schemas import check_fit, stage_columns, unseeded
from penstock.errors import ConfigError, DataError
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.tuning.explain import findings_of
from tests.learn.challenger.loans import FEATURES, LOANS, challenger

pytestmark = pytest.mark.slow

SEARCH = {
    "max_depth": {"low": 1, "high": 4},
    "learning_rate": {"low": 0.05, "high": 0.5, "log": True},
}
OF_GBT = {"maxDepth": {"low": 2, "high": 4}}


@pytest.fixture(scope="module")
def loans(spark):
    half = (F.col("number") / (len(LOANS) / 2)).cast("int")
    table = spark.createDataFrame(LOANS.assign(number=range(len(LOANS))))
    fold = F.when(F.col("sample") == "development", half)
    return table.withColumn("fold", fold).drop("number").persist()


def test_settings_are_searched_for_by_folds_in_time_and_the_others_stay(loans, tmp_path):
    searched = challenger("xgboost", search=SEARCH, trials=2, folds_by="date")
    model = searched.fit(loans)
    found = findings_of(model)
    assert found.folds == (1,) and found.by_time
    best = found.best.settings
    fixed = challenger("xgboost", settings=dict(best)).fit(loans)
    pds = [m.transform(loans).select("pd").toPandas().pd for m in (model, fixed)]
    assert pds[0].equals(pds[1])
    assert explain_challenger(model) == explain_challenger(fixed)
    model.write().save(str(tmp_path / "model"))
    again = PipelineModel.load(str(tmp_path / "model"))
    assert again.transform(loans).select("pd").toPandas().pd.equals(pds[0])


def test_a_search_is_typed_seeded_and_asks_for_its_fold(loans):
    searched = challenger("gbt", search=OF_GBT, trials=2)
    assert check_fit(searched, loans.schema).names == [*loans.columns, "pd"]
    assert stage_columns(searched) == (tuple(FEATURES), ("pd",))
    assert unseeded(searched) == []
    with pytest.raises(DataError, match="needs column 'fold'"):
        check_fit(searched, loans.drop("fold").schema)
    for changed in ({"trials": 0}, {"search": {}}):
        check_fit(challenger("gbt", **{"search": OF_GBT} | changed), loans.drop("fold").schema)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"search": {"max_dept": {"low": 1, "high": 2}}}, "'max_dept'.*Did you mean 'max_depth'?"),
        (
            {"search": {"subsample": {"low": 0, "high": 1.0}}},
            "'subsample' of xgboost is 0; it must",
        ),
        ({"search": {"max_depth": [1, 2]}}, "Setting 'max_depth' of the search is"),
        ({"search": SEARCH, "folds_by": "time"}, "'folds_by' is 'time'; it must be date or group"),
        ({"search": SEARCH, "objective": "gini"}, "The objective of the search is 'gini'"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_any_fit(spark, changed, told):
    with pytest.raises(ConfigError, match=told):
        challenger("xgboost", **{"trials": 2} | changed)
