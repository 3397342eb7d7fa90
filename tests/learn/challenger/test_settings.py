import pytest

from penstock.errors import ConfigError
from penstock.learn.challenger.settings import SETTINGS, complete_settings


@pytest.mark.parametrize("trainer", SETTINGS)
def test_what_is_left_out_is_taken_from_the_trainer(trainer):
    settings = complete_settings(trainer, {})
    assert settings == {name: known.default for name, known in SETTINGS[trainer].items()}
    assert complete_settings(trainer, settings) == settings


def test_what_is_given_comes_before():
    settings = complete_settings("xgboost", {"max_depth": 2, "reg_lambda": 3})
    assert (settings["max_depth"], settings["reg_lambda"]) == (2, 3)
    assert settings["n_estimators"] == SETTINGS["xgboost"]["n_estimators"].default


@pytest.mark.parametrize(
    ("trainer", "given", "said"),
    [
        ("xgbost", {}, "'trainer' is 'xgbost'; it must be one of logistic,.*mean 'xgboost'"),
        ("xgboost", {"max_dept": 3}, "'max_dept', which the trainer xgboost does .*'max_depth'"),
        ("gbt", {"max_depth": 3}, "the trainer gbt does not have; .* Did you mean 'maxDepth'"),
        ("gbt", {"maxDepth": 0}, "'maxDepth' of gbt is 0; it must be at least 1 and at most 30"),
        ("gbt", {"stepSize": 0.0}, "'stepSize' of gbt is 0.0; .* above 0 and at most 1"),
        ("xgboost", {"gamma": -0.1}, "'gamma' of xgboost is -0.1; it must be at least 0"),
        ("xgboost", {"max_depth": 2.5}, "'max_depth' of xgboost is 2.5; .* a whole number"),
        ("xgboost", {"max_depth": True}, "'max_depth' of xgboost is True; .* a whole number"),
        ("logistic", {"regParam": "much"}, "'regParam' of logistic is 'much'; .* a number"),
        (
            "random_forest",
            {"featureSubsetStrategy": "half"},
            "is 'half'; it must be one of auto, all, onethird, sqrt, log2",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_the_nearest(trainer, given, said):
    with pytest.raises(ConfigError, match=said):
        complete_settings(trainer, given)


@pytest.mark.parametrize(("name", "value"), [("subsample", 1), ("subsample", 1e-9), ("gamma", 0)])
def test_values_at_their_bounds_pass(name, value):
    assert complete_settings("xgboost", {name: value})[name] == value
