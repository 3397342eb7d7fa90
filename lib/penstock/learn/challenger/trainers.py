"""Trainers: the stages of each, from typed columns to the margin."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.ml.classification import (
    GBTClassifier,
    LogisticRegression,
    RandomForestClassifier,
)

from penstock.learn.challenger.more_rounds import DIRECTIONS_OF, Base
from penstock.learn.challenger.tails import Tails
from penstock.learn.challenger.weighted import CLASS_WEIGHT
from penstock.learn.encoding import FEATURES, NUMBER, encoding, encoding_with_gaps, prefixed
from penstock.learn.pd_columns import LABEL

DIRECTIONS = {"increasing": 1, "decreasing": -1}
KEEPS_DIRECTIONS = ("xgboost",)
UNEXPLAINED = ("random_forest", "gbt")  # without exact contributions of features to a row's score
COLUMNS: dict[str, Any] = {"featuresCol": FEATURES, "labelCol": LABEL, "weightCol": CLASS_WEIGHT}


def trainer_stages(
    trainer: str,
    settings: Mapping[str, Any],
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    monotone: Mapping[str, str],
    seed: int,
    base: Base | None = None,
) -> list[Any]:
    """Return the stages of an unfitted trainer, its encoding first.

    Args:
        trainer: "logistic", "random_forest", "gbt" or "xgboost".
        settings: All of the trainer's (`complete_settings`).
        numeric, categorical: Features, numbers and texts.
        monotone: Numeric feature to its direction, for xgboost.
        seed: Of the draws of rows and features.
        base: What xgboost goes on with: then the encoding is the one fitted there.

    Raises:
        ConfigError: xgboost cannot go on with the base by these features and directions.
    """
    match trainer:
        case "logistic":
            shaping = [Tails.of(prefixed(NUMBER, numeric))] if numeric else []
            encoded = encoding(numeric, categorical, shaping=shaping)
            # Numbers have a spread of 1 by now; dummies are to be penalised as they are.
            stage: Any = LogisticRegression(**COLUMNS, **settings, standardization=False)
        case "random_forest":
            encoded = encoding(numeric, categorical)
            stage = RandomForestClassifier(**COLUMNS, **settings, seed=seed)
        case "gbt":
            encoded = encoding(numeric, categorical)
            stage = GBTClassifier(**COLUMNS, **settings, seed=seed)
        case _:
            signs = [DIRECTIONS.get(monotone.get(name, ""), 0) for name in numeric]
            options: dict[str, Any] = {"random_state": seed}
            if any(signs):
                options[DIRECTIONS_OF] = f"({','.join(map(str, signs))})"
            if base:
                options = base.options(numeric, categorical, options)
            encoded = base.encoding if base else encoding_with_gaps(numeric, categorical)
            stage = _xgboost(**settings, **options)
    return [*encoded, stage]


def _xgboost(**options: Any) -> Any:
    # Imported here: it takes a second, which a command that trains nothing should not wait.
    from xgboost.spark import SparkXGBClassifier  # noqa: PLC0415

    return SparkXGBClassifier(
        features_col=FEATURES,
        label_col=LABEL,
        weight_col=CLASS_WEIGHT,
        tree_method="hist",
        verbose=False,  # else each worker prints a line for each round
        **options,
    )
