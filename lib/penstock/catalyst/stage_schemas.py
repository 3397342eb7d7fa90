"""Columns that stages of `pyspark.ml` read and make, by their schemas alone: no Spark job.

Stages tell by their own `transformSchema`, MLlib's on the JVM; a stage with neither, such as
xgboost's, by the parameters that it shares with MLlib's.
"""

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.ml import Estimator, Pipeline, PipelineModel
from pyspark.ml.feature import SQLTransformer, StringIndexer
from pyspark.ml.linalg import VectorUDT
from pyspark.ml.param import Params
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DoubleType,
    NumericType,
    StringType,
    StructField,
    StructType,
)

from penstock.catalyst.internals import java_schema, sql_json
from penstock.catalyst.plan_text import nodes
from penstock.errors import DataError, NodeFailed, did_you_mean
from penstock.store.spark_errors import essence

# Parameters that name columns, by what becomes of these.
_INPUTS = ("inputCol", "inputCols", "features_cols", "userCol", "itemCol", "itemsCol")
_FEATURES = "featuresCol"
_ONLY_TO_FIT = ("labelCol", "weightCol", "censorCol", "ratingCol", "validationIndicatorCol",
                "qid_col")  # fmt: skip
# In the order in which xgboost adds them.
_SCORES = ("rawPredictionCol", "predictionCol", "probabilityCol")
_OUTPUTS = ("outputCol", "outputCols", *_SCORES, "leafCol", "varianceCol", "quantilesCol",
            "linkPredictionCol", "topicDistributionCol", "pred_contrib_col", "pdCol")  # fmt: skip
_MISSING = re.compile(r"[Ii]nput column (\S+) does not exist|No such struct field `([^`]+)`")
_VECTOR = re.compile(r"class [\w.$]*VectorUDT\$?:struct<.*?values:array<double>>")
_CLASS = re.compile(r"class [\w.$]+:")


def transformed_schema(stage: Any, schema: StructType) -> StructType:
    """Return the columns after scoring a table; an estimator stands for the model it will fit.

    What only fitting needs, label and weights, may be missing.

    Raises:
        DataError: A column is missing, of a wrong type, or there already.
    """
    for wrapped in _wrapped(stage):
        schema = transformed_schema(wrapped, schema)
    if _wrapped(stage):
        return schema
    if not isinstance(stage, Estimator) or hasattr(stage, "transformSchema"):
        return _typed(stage, schema)
    # An estimator asks for its label, and a fitted StringIndexer passes over what is not there.
    lent: list[tuple[str, DataType]]
    lent = [(name, DoubleType()) for name in _named(stage, _ONLY_TO_FIT)]
    skipped: set[str] = set()
    if isinstance(stage, StringIndexer):
        reads, writes = stage_columns(stage)
        skipped = {
            made for read, made in zip(reads, writes, strict=True) if read not in schema.names
        }
        lent = [(name, StringType()) for name in reads]
    lent = [(name, kind) for name, kind in lent if name not in schema.names]
    made = _typed(stage, StructType([*schema.fields, *(StructField(*lending) for lending in lent)]))
    away = {*skipped, *(name for name, _ in lent)}
    return StructType([field for field in made.fields if field.name not in away])


def check_fit(estimator: Any, schema: StructType) -> StructType:
    """Refuse a table that cannot be fitted on, by its columns; return those after scoring it.

    Raises:
        DataError: As `transformed_schema`, or what fitting needs is missing or of a wrong type.
    """
    for wrapped in _wrapped(estimator):
        schema = check_fit(wrapped, schema)
    if _wrapped(estimator):
        return schema
    if hasattr(estimator, "check_training_schema"):
        estimator.check_training_schema(schema)
    elif isinstance(estimator, Estimator):
        for name in _named(estimator, _ONLY_TO_FIT):
            _require(estimator, name, schema, _is_number, "a number or boolean")
    return _typed(estimator, schema)


def check_begin(estimator: Any, others: Sequence[str]) -> None:
    """Refuse an estimator whose `begin_from` cannot take what stands behind the table of a fit.

    Raises:
        NodeFailed: There is none, or it takes fewer or more.
    """
    kind, told = type(estimator).__name__, ", ".join(others)
    if not others:
        return
    if not hasattr(estimator, "begin_from"):
        raise NodeFailed(
            f"{kind} has no method begin_from to take {told}: give it one, or let the node read "
            "its table alone."
        )
    signature = inspect.signature(estimator.begin_from)
    try:
        signature.bind(*others)
    except TypeError as error:
        raise NodeFailed(
            f"{kind}.begin_from is handed {len(others)} input(s), {told}, and takes "
            f"{list(signature.parameters)}: {error}. Take one argument for each, in order."
        ) from error


def stage_columns(stage: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns that scoring by a stage reads, and those that it adds.

    Of a pipeline: what it reads of the table it is given. Label and weights are not among them.
    """
    if stages := _wrapped(stage):
        read: list[str] = []
        written: list[str] = []
        for reads, writes in map(stage_columns, stages):
            read += [name for name in reads if name not in written]
            written += writes
        return _once(read), _once(written)
    if isinstance(stage, SQLTransformer):
        return _sql_columns(stage.getStatement() or "")
    if hasattr(stage, "features"):  # our own classifiers, which say it themselves
        return tuple(stage.features), tuple(stage.adds)
    outputs = list(_OUTPUTS)
    several = _named(stage, ("features_cols",))  # xgboost takes them instead of one vector
    reads = _named(stage, _INPUTS if several else (*_INPUTS, _FEATURES))
    if not stage.hasParam(_FEATURES) and stage.hasParam("rawPredictionCol"):
        # It calibrates what a classifier before it has added.
        outputs.remove("rawPredictionCol")
        reads = (*reads, *_named(stage, ("rawPredictionCol",)))
    return _once(reads), _once(_named(stage, outputs))


def label_columns(stage: Any) -> tuple[str, ...]:
    """Return the columns that fitting a stage reads beyond what scoring does: label and weights."""
    if stages := _wrapped(stage):
        return _once(name for wrapped in stages for name in label_columns(wrapped))
    if hasattr(stage, "features"):  # our own classifiers, as in `stage_columns`
        named = (getattr(stage, name, None) for name in ("label", "weight"))
        return tuple(filter(None, named))
    return _named(stage, _ONLY_TO_FIT)


def unseeded(estimator: Any) -> list[str]:
    """Name the stages that draw by a seed nobody set: MLlib's own differs between processes."""
    stages = estimator.getStages() if isinstance(estimator, Pipeline) else [estimator]
    inner = [s for s in map(lambda s: getattr(s, "classifier", None), stages) if s is not None]
    return [name for stage in inner for name in unseeded(stage)] + [
        f"{type(stage).__name__} has no seed of its own: set one"
        for stage in stages
        if isinstance(stage, Params) and stage.hasParam("seed") and not stage.isSet("seed")
    ]


def _typed(stage: Any, schema: StructType) -> StructType:
    """Ask a stage that is no pipeline, and turn what it objects to into a sentence."""
    try:
        if hasattr(stage, "transformSchema"):
            return stage.transformSchema(schema)  # type: ignore[no-any-return]
        made = java_schema(stage, schema)
    except (PySparkException, Py4JError, ValueError, TypeError, KeyError) as error:
        raise _told(error, stage, schema) from error
    return _declared(stage, schema) if made is None else _as_scored(stage, made)


def _as_scored(stage: Any, made: StructType) -> StructType:
    """Put scores in the order in which MLlib's models add them: `transformSchema` has another."""
    order = _named(stage, ("rawPredictionCol", "probabilityCol", "predictionCol"))
    scores = sorted((f for f in made.fields if f.name in order), key=lambda f: order.index(f.name))
    return StructType([scores.pop(0) if f.name in order else f for f in made.fields])


def _declared(stage: Any, schema: StructType) -> StructType:
    """Type a stage that has no `transformSchema` by its parameters."""
    if names := _named(stage, ("features_cols",)):
        for name in names:
            _require(stage, name, schema, _is_number, "a number or boolean")
    else:
        for name in _named(stage, (_FEATURES,)):
            _require(stage, name, schema, _is_vector, "a vector or an array")
    added = []
    for parameter in _SCORES:
        for name in _named(stage, (parameter,)):
            kind = DoubleType() if parameter == "predictionCol" else VectorUDT()
            added.append(StructField(name, kind))
    if there := [field.name for field in added if field.name in schema.names]:
        raise DataError(f"{_label(stage)}: column '{there[0]}' is there already.")
    return StructType([*schema.fields, *added])


def _wrapped(stage: Any) -> list[Any]:
    """Return the stages that a stage is made of; of a search, what it tries or has chosen."""
    if isinstance(stage, Pipeline):
        return list(stage.getStages())
    if isinstance(stage, PipelineModel):
        return list(stage.stages)
    if hasattr(stage, "bestModel"):
        return [stage.bestModel]
    if hasattr(stage, "getEstimatorParamMaps"):
        return [stage.getEstimator()]
    return []


def _require(stage: Any, name: str, schema: StructType, fits: Any, wanted: str) -> None:
    if name not in schema.names:
        raise DataError(_lacks(stage, name, schema))
    if not fits(kind := schema[name].dataType):
        raise DataError(f"{_label(stage)}: column '{name}' is {_type(kind)}; it must be {wanted}.")


def _told(error: Exception, stage: Any, schema: StructType) -> DataError:
    parameters = (isinstance(error, PySparkException) and error.getMessageParameters()) or {}
    found = _MISSING.search(str(error))
    name = (found[1] or found[2]) if found else ""
    if str(getattr(error, "getCondition", lambda: "")()).startswith("UNRESOLVED_COLUMN"):
        name = parameters.get("objectName", "").replace("`", "")
    if name:
        return DataError(_lacks(stage, name, schema))
    said = essence(error).partition(": ")[2].partition("; line ")[0].strip()
    said = _CLASS.sub("", _VECTOR.sub("vector", said)).removeprefix("requirement failed: ")
    return DataError(f"{_label(stage)}: {said}")


def _lacks(stage: Any, name: str, schema: StructType) -> str:
    near = did_you_mean(name, schema.names)
    return f"{_label(stage)}: it needs column '{name}', which the table lacks.{near}"


def _label(stage: Any) -> str:
    """Return how a person knows a stage: "VectorAssembler (makes features)"."""
    made = ", ".join(_named(stage, _OUTPUTS)[:3])
    return f"{type(stage).__name__}{f' (makes {made})' if made else ''}"


def _named(stage: Any, parameters: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that these parameters of a stage name."""
    names: list[str] = []
    for parameter in parameters:
        if parameter == "outputCol" and _named(stage, ("outputCols",)):
            continue  # it has a default all the same
        if stage.hasParam(parameter) and stage.isDefined(parameter):
            value = stage.getOrDefault(parameter)
            names += [value] if isinstance(value, str) else list(value or ())
    return tuple(name for name in names if name)


def _sql_columns(statement: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = sql_json(SparkSession.active(), statement)
    found = list(nodes(json.loads(text))) if text else []
    reads = [
        node["nameParts"].strip("[]").rpartition(", ")[2]
        for node in found
        if node["class"].endswith(".UnresolvedAttribute")
    ]
    writes = [node["name"] for node in found if node["class"].endswith(".Alias")]
    return _once(reads), _once(writes)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, NumericType | BooleanType)


def _is_vector(kind: DataType) -> bool:
    return isinstance(kind, VectorUDT | ArrayType)


def _type(kind: DataType) -> str:
    return "vector" if isinstance(kind, VectorUDT) else kind.simpleString()
