"""The challenger from typed columns to a calibrated PD, by its parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.ml import Pipeline
from pyspark.ml.classification import (
    GBTClassifier,
    LogisticRegression,
    RandomForestClassifier,
)

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.challenger.settings import complete_settings
from penstock.learn.challenger.tails import Tails
from penstock.learn.challenger.weighted import CLASS_WEIGHT, CLASS_WEIGHTS, WeightedClassifier
from penstock.learn.encoding import FEATURES, NUMBER, encoding, encoding_with_gaps, prefixed
from penstock.learn.feature_names import check_feature_names
from penstock.learn.folds import FOLD, FOLDS_BY
from penstock.learn.logistic import LABEL, PD, SAMPLE
from penstock.learn.tuning.search import TunedClassifier
from penstock.learn.tuning.space import Settings, read_space
from penstock.learn.tuning.study import SearchRules

DIRECTIONS = {"increasing": 1, "decreasing": -1}
COLUMNS: dict[str, Any] = {"featuresCol": FEATURES, "labelCol": LABEL, "weightCol": CLASS_WEIGHT}


def challenger_pd(
    *,
    numeric: list[str],
    categorical: list[str],
    trainer: str,
    settings: dict[str, Any],
    monotone: dict[str, str],
    class_weights: str,
    seed: int,
    search: dict[str, Any],
    trials: int,
    slots: int,
    search_seed: int,
    objective: str,
    folds_by: str,
) -> CalibratedClassifier:
    """Return an unfitted PD model by another trainer than the scorecard's, with Platt scaling.

    It is fitted on rows with `sample` = "development" and calibrated on "calibration" rows, by the
    label `is_bad`, and adds `pd` (DOUBLE, 0-1). Categories: a dummy for each level, null and blank
    being one; a level unseen in development has no dummy, so the other features decide. Numbers:

    - logistic: drawn in to the 1 % and 99 % quantiles, and logarithms of skewed ones (`Tails`);
      gaps are filled by the median, with an indicator.
    - random_forest, gbt (MLlib): gaps are filled by the median, with an indicator.
    - xgboost: as they are; at each split, missing ones go where they fit better.

    One task has one core, and `num_workers` tasks train xgboost together: the model depends on
    their number, and on nothing else of the cluster.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        trainer: "logistic", "random_forest", "gbt" or "xgboost".
        settings: Hyper-parameters by the trainer's own names; `settings.py` has all of them, with
            what is taken for those left out.
        monotone: Numeric feature to how the PD may go with it before calibration, "increasing" or
            "decreasing"; xgboost only.
        class_weights: "none", or "balanced": goods and bads weigh the same in sum. Calibration
            brings the PD back to the bad rate.
        seed: Of the draws of rows and features.
        search: Settings to search for on the development rows, by their `fold`, as in
            {"max_depth": {"low": 2, "high": 6}} (`read_space`). They go before `settings`. Empty:
            nothing is searched for, and no fold needed.
        trials: How many settings to try; 0: nothing is searched for.
        slots: How many of them at once.
        search_seed: Of the draws of settings.
        objective: "log_loss" or "auc", of folds held out.
        folds_by: "date" if folds follow each other in time, and each is judged by earlier ones;
            "group" if they were drawn, and each is judged by all others.

    Raises:
        ConfigError: No features, a feature named twice, label, sample or PD among them, or another
            parameter that is not as above.
    """
    check_feature_names(
        [*numeric, *categorical], reserved={LABEL, SAMPLE, PD}, model="the challenger"
    )
    partitions = complete_settings(trainer, settings).get("num_workers")
    if class_weights not in CLASS_WEIGHTS:
        raise ConfigError(
            f"Parameter 'class_weights' is '{class_weights}'; it must be "
            f"{' or '.join(CLASS_WEIGHTS)}.{did_you_mean(class_weights, CLASS_WEIGHTS)}"
        )
    _check_monotone(monotone, trainer, numeric, categorical)
    _check_folds_by(folds_by)

    def build(searched: Settings) -> WeightedClassifier:
        stages = _stages(
            trainer,
            complete_settings(trainer, {**settings, **searched}),
            numeric=numeric,
            categorical=categorical,
            monotone=monotone,
            seed=seed,
        )
        return WeightedClassifier(Pipeline(stages=stages), label=LABEL, class_weights=class_weights)

    tuned = TunedClassifier(
        build,
        space=read_space(search),
        rules=SearchRules(trials, slots, search_seed, objective),
        label=LABEL,
        fold=FOLD,
        by_time=folds_by == "date",
    )
    return CalibratedClassifier(
        tuned if tuned.searches else build({}),
        numeric=numeric,
        categorical=categorical,
        label=LABEL,
        sample=SAMPLE,
        pd=PD,
        fold=FOLD if tuned.searches else None,
        partitions=partitions,
    )


def _stages(
    trainer: str,
    chosen: Mapping[str, Any],
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    monotone: Mapping[str, str],
    seed: int,
) -> list[Any]:
    """Return the stages of an unfitted trainer, its encoding first."""
    match trainer:
        case "logistic":
            shaping = [Tails.of(prefixed(NUMBER, numeric))] if numeric else []
            encoded = encoding(numeric, categorical, shaping=shaping)
            stage: Any = LogisticRegression(**COLUMNS, **chosen)
        case "random_forest":
            encoded = encoding(numeric, categorical)
            stage = RandomForestClassifier(**COLUMNS, **chosen, seed=seed)
        case "gbt":
            encoded = encoding(numeric, categorical)
            stage = GBTClassifier(**COLUMNS, **chosen, seed=seed)
        case _:
            encoded = encoding_with_gaps(numeric, categorical)
            signs = [DIRECTIONS.get(monotone.get(name, ""), 0) for name in numeric]
            stage = _xgboost(chosen, signs, seed)
    return [*encoded, stage]


def _xgboost(settings: Mapping[str, Any], signs: Sequence[int], seed: int) -> Any:
    # Imported here: it takes a second, which a command that trains nothing should not wait.
    from xgboost.spark import SparkXGBClassifier  # noqa: PLC0415

    options: dict[str, Any] = (
        {"monotone_constraints": f"({','.join(map(str, signs))})"} if any(signs) else {}
    )
    return SparkXGBClassifier(
        features_col=FEATURES,
        label_col=LABEL,
        weight_col=CLASS_WEIGHT,
        tree_method="hist",
        random_state=seed,
        verbose=False,  # else each worker prints a line for each round
        **settings,
        **options,
    )


def _check_folds_by(folds_by: str) -> None:
    if folds_by not in FOLDS_BY:
        raise ConfigError(
            f"Parameter 'folds_by' is '{folds_by}'; it must be {' or '.join(FOLDS_BY)}, as the "
            f"folds were made.{did_you_mean(folds_by, FOLDS_BY)}"
        )


def _check_monotone(
    monotone: Mapping[str, str], trainer: str, numeric: Sequence[str], categorical: Sequence[str]
) -> None:
    if monotone and trainer != "xgboost":
        raise ConfigError(
            f"'monotone' names {', '.join(monotone)}, but the trainer {trainer} cannot keep a "
            "direction. Take xgboost, or leave 'monotone' empty."
        )
    for name, direction in monotone.items():
        if name in categorical:
            raise ConfigError(f"'monotone' names '{name}', a category: categories have no order.")
        if name not in numeric:
            raise ConfigError(
                f"'monotone' names '{name}', which is not among the numeric features."
                f"{did_you_mean(name, numeric)}"
            )
        if direction not in DIRECTIONS:
            raise ConfigError(
                f"'monotone' has '{direction}' for '{name}'; it must be "
                f"{' or '.join(DIRECTIONS)}.{did_you_mean(direction, DIRECTIONS)}"
            )
