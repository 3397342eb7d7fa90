"""Encoding: typed columns as one vector of numbers, the way classifiers of `pyspark.ml` take it.

A column on the way is called after what it holds and its feature, as `_number_income`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.feature import (
    Imputer,
    OneHotEncoder,
    SQLTransformer,
    StringIndexer,
    StringIndexerModel,
    VectorAssembler,
)

MISSING_LEVEL = "(missing)"
FEATURES = "_features"
NUMBER, MEDIAN, MISSING = "_number_", "_median_", "_missing_"
# A float of 32 bits, as xgboost compares them, holds no more. NaN is above everything in Spark.
DRAWN_IN = (
    "CASE WHEN isnan({0}) THEN {0} WHEN {0} > 3.4e38D THEN 3.4e38D "
    "WHEN {0} < -3.4e38D THEN -3.4e38D ELSE {0} END"
)
LEVEL, INDEX, DUMMIES = "_level_", "_index_", "_dummies_"


def encoding(
    numeric: Sequence[str], categorical: Sequence[str], *, shaping: Iterable[Any] = ()
) -> list[Any]:
    """Return the stages to a vector `_features` without gaps.

    Numbers: null and NaN become the median, told apart by an indicator. Categories: a dummy for
    each level; null and blank are a level of their own, and a level unseen in fitting has no dummy.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        shaping: Stages that replace the columns `_number_<feature>` before gaps are filled.
    """
    medians: list[Any] = []
    if numeric:
        medians = [
            Imputer(
                inputCols=prefixed(NUMBER, numeric),
                outputCols=prefixed(MEDIAN, numeric),
                strategy="median",
            )
        ]
    numbers = [*prefixed(MEDIAN, numeric), *prefixed(MISSING, numeric)]
    return [
        SQLTransformer(statement=_typed(numeric, categorical)),
        *shaping,
        *medians,
        *_dummies(categorical),
        _assembler(numbers, categorical),
    ]


def encoding_with_gaps(numeric: Sequence[str], categorical: Sequence[str]) -> list[Any]:
    """Return the stages to a vector `_features` in which a missing number is NaN.

    The numbers stand first, in their order, drawn in to what xgboost can read; categories are as in
    `encoding`.
    """
    return [
        SQLTransformer(statement=_typed(numeric, categorical, number=DRAWN_IN)),
        *_dummies(categorical),
        _assembler(prefixed(NUMBER, numeric), categorical, handleInvalid="keep"),
    ]


def vector_slots(model: PipelineModel) -> list[tuple[str, str]]:
    """Return feature and level of each number in the vector of a fitted model; no Spark job.

    The level is "value" or "missing" for a number, else the category.
    """
    assembler = next(stage for stage in model.stages if isinstance(stage, VectorAssembler))
    levels = _levels(model)
    slots: list[tuple[str, str]] = []
    for column in assembler.getInputCols():
        kind, feature = column[1:].split("_", 1)
        if kind == "dummies":
            slots += [(feature, level) for level in levels[feature]]
        else:
            slots.append((feature, "missing" if kind == "missing" else "value"))
    return slots


def encoded_features(model: PipelineModel) -> tuple[str, ...]:
    """Return the features in the vector of a fitted model, numbers before categories."""
    return tuple(dict.fromkeys(feature for feature, _ in vector_slots(model)))


def prefixed(prefix: str, names: Sequence[str]) -> list[str]:
    """Return the columns of these features that hold what the prefix says."""
    return [f"{prefix}{name}" for name in names]


def _dummies(categorical: Sequence[str]) -> list[Any]:
    if not categorical:
        return []
    indexes = prefixed(INDEX, categorical)
    return [
        StringIndexer(
            inputCols=prefixed(LEVEL, categorical),
            outputCols=indexes,
            handleInvalid="keep",
            # By frequency, two equally frequent levels would take turns.
            stringOrderType="alphabetAsc",
        ),
        # The level dropped is the last: StringIndexer's "unseen".
        OneHotEncoder(inputCols=indexes, outputCols=prefixed(DUMMIES, categorical), dropLast=True),
    ]


def _assembler(numbers: Sequence[str], categorical: Sequence[str], **options: Any) -> Any:
    columns = [*numbers, *prefixed(DUMMIES, categorical)]
    return VectorAssembler(inputCols=columns, outputCol=FEATURES, **options)


def _typed(numeric: Sequence[str], categorical: Sequence[str], *, number: str = "{0}") -> str:
    columns = ["*"]
    for name in numeric:
        value = f"CAST(`{name}` AS DOUBLE)"
        columns.append(f"{number.format(value)} AS `{NUMBER}{name}`")
        columns.append(f"CAST(`{name}` IS NULL OR isnan({value}) AS DOUBLE) AS `{MISSING}{name}`")
    for name in categorical:
        level = f"nullif(trim(CAST(`{name}` AS STRING)), '')"
        columns.append(f"coalesce({level}, '{MISSING_LEVEL}') AS `{LEVEL}{name}`")
    return f"SELECT {', '.join(columns)} FROM __THIS__"


def _levels(model: PipelineModel) -> dict[str, list[str]]:
    indexers = [stage for stage in model.stages if isinstance(stage, StringIndexerModel)]
    return {
        column.removeprefix(LEVEL): list(levels)
        for indexer in indexers
        for column, levels in zip(indexer.getInputCols(), indexer.labelsArray, strict=True)
    }
