"""WoE binning as a stage of `pyspark.ml`: fits the bins, and scores by plain Column expressions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pyspark.ml import Estimator, Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasLabelCol, HasOutputCols
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    AtomicType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    NumericType,
    StructField,
    StructType,
)

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.learn.binning.bins import ColumnBins, Partition
from penstock.learn.binning.categories import text_of
from penstock.learn.binning.fitting import FittedBins, fit_bins
from penstock.learn.binning.leak_signs import LeakSigns
from penstock.learn.binning.rules import BinningRules

WOE, BIN = "woe_", "bin_"


class _WoeParams(HasInputCols, HasOutputCols, Params):
    categoricalCols: Param[Iterable[str]] = Param(
        Params._dummy(), "categoricalCols", "inputs read as text", TypeConverters.toListString
    )

    @property
    def _categorical(self) -> list[str]:
        return list(self.getOrDefault(self.categoricalCols))

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring, without a Spark job.

        Raises:
            DataError: A column is missing, of the wrong type, or there already.
        """
        for name in self.getInputCols():
            if name not in schema.names:
                raise DataError(
                    f"Binning needs column '{name}', which the table lacks."
                    f"{did_you_mean(name, schema.names)}"
                )
            _refuse_type(name, schema[name].dataType, is_text=name in self._categorical)
        for name in self.getOutputCols():
            if name in schema.names:
                raise DataError(f"Column '{name}' is there already: drop it before binning.")
        added = [
            StructField(name, DoubleType() if name.startswith(WOE) else IntegerType(), False)
            for name in self.getOutputCols()
        ]
        return StructType([*schema.fields, *added])


def _refuse_type(name: str, kind: DataType, *, is_text: bool) -> None:
    if is_text and not isinstance(kind, AtomicType):
        raise DataError(f"Column '{name}' is {kind.simpleString()}, which cannot be read as text.")
    if not is_text and not isinstance(kind, NumericType | BooleanType):
        raise DataError(
            f"Column '{name}' is {kind.simpleString()}; to be binned by number, it must be a "
            f"number or boolean: cast it, or name it as categorical."
        )


class WoeBinningModel(
    _WoeParams, Model, DefaultParamsWritable, DefaultParamsReadable["WoeBinningModel"]
):
    """Adds `woe_<column>` (DOUBLE, never null) for each input, and `bin_<column>` (INT) if asked.

    A missing value, a special code and a category that is rare or was never seen have the WoE of
    their own bins, or 0 (neutral) where no row was in that bin when it was fitted. The bin is its
    place in `ColumnBins.labels`. A column that was left out has WoE 0 and bin 0 throughout, so that
    the table's columns do not depend on the data; `left_out` names it.

    Params: `inputCols`, `outputCols`, `categoricalCols`, `bins`, `leftOut` and `leakSigns` (JSON).
    """

    bins: Param[str] = Param(
        Params._dummy(), "bins", "JSON of the bins by column", TypeConverters.toString
    )
    leftOut: Param[str] = Param(
        Params._dummy(), "leftOut", "JSON of reasons by column", TypeConverters.toString
    )
    leakSigns: Param[str] = Param(
        Params._dummy(), "leakSigns", "JSON of the signs of a leak", TypeConverters.toString
    )

    @property
    def column_bins(self) -> tuple[ColumnBins, ...]:
        """The bins of each column that has any, in the order of `inputCols`."""
        return tuple(map(ColumnBins.from_json, json.loads(self.getOrDefault(self.bins))))

    @property
    def left_out(self) -> dict[str, str]:
        """Column to reason, for those that have no bins."""
        reasons: dict[str, str] = json.loads(self.getOrDefault(self.leftOut))
        return reasons

    @property
    def leak_signs(self) -> tuple[LeakSigns, ...]:
        """What may be a leak, of the columns that were fit to be binned; none of an old model."""
        text = self.getOrDefault(self.leakSigns) if self.isDefined(self.leakSigns) else "[]"
        return tuple(LeakSigns(**document) for document in json.loads(text))

    def _transform(self, dataset: DataFrame) -> DataFrame:
        self.transformSchema(dataset.schema)
        by_column = {each.column: each for each in self.column_bins}
        added = {}
        for name in self.getOutputCols():
            fitted = by_column.get(name.split("_", 1)[1])
            if name.startswith(WOE):
                added[name] = by_bin(fitted, fitted.woe) if fitted else F.lit(0.0)
            else:
                added[name] = by_bin(fitted, range(len(fitted.woe))) if fitted else F.lit(0)
        return dataset.withColumns(added)


def by_bin(bins: Partition, of_bin: Sequence[Any]) -> Column:
    """Return the value that belongs to the bin of each row, as a CASE without a null."""
    n = bins.n_values
    apart = list(of_bin[len(of_bin) - 1 - len(bins.specials) :])
    special_values, missing = apart[:-1], apart[-1]
    if bins.kind == "categorical":
        value, is_missing = text_of(bins.column), text_of(bins.column).isNull()
    else:
        value = F.col(bins.column).cast("double")
        is_missing = value.isNull() | F.isnan(value)
    chosen = F.when(is_missing, F.lit(missing))
    for (_, codes), its in zip(bins.specials, special_values, strict=True):
        typed = [str(code) if bins.kind == "categorical" else float(code) for code in codes]
        chosen = chosen.when(value.isin(typed), F.lit(its))
    if bins.kind == "categorical":
        for group, its in zip(bins.groups, of_bin, strict=False):
            chosen = chosen.when(value.isin(list(group)), F.lit(its))
        return chosen.otherwise(F.lit(of_bin[n]))  # others, and what was never seen
    for split, its in zip(bins.splits, of_bin, strict=False):
        chosen = chosen.when(value < split, F.lit(its))
    return chosen.otherwise(F.lit(of_bin[n - 1]))


class WoeBinning(
    _WoeParams,
    HasLabelCol,
    Estimator[WoeBinningModel],
    DefaultParamsWritable,
    DefaultParamsReadable["WoeBinning"],
):
    """Fits the bins of all columns at once, exactly; see `fitting.fit_bins`.

    Numbers are cast to DOUBLE (a DECIMAL or BIGINT of more than 15 digits is rounded), categories
    to text without blanks at the ends (a DOUBLE 3 is "3.0").

    Params: `inputCols`, `outputCols`, `categoricalCols`, `labelCol`, `rules` (JSON: column to its
    rules).
    """

    rules: Param[str] = Param(
        Params._dummy(), "rules", "JSON of the rules by column", TypeConverters.toString
    )

    @classmethod
    def of(
        cls,
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        label: str,
        rules: Mapping[str, Any] | None = None,
        by_column: Mapping[str, Mapping[str, Any]] | None = None,
        with_bins: bool = False,
    ) -> "WoeBinning":
        """Return the estimator for these columns.

        Args:
            numeric: Columns that are numbers or booleans.
            categorical: Columns that are read as text.
            label: Column of the label: 0 = good, 1 = bad.
            rules: Rules of all columns, as `BinningRules` names them.
            by_column: Column to the rules that differ.
            with_bins: Also add `bin_<column>`.

        Raises:
            ConfigError: A rule is unknown, out of its range, for a column of the other kind or for
                no column of these.
        """
        columns = [*numeric, *categorical]
        for name in by_column or {}:
            if name not in columns:
                raise ConfigError(
                    f"Binning has rules for column '{name}', which it does not bin."
                    f"{did_you_mean(name, columns)}"
                )
        merged = {name: {**(rules or {}), **(by_column or {}).get(name, {})} for name in columns}
        checked = {
            name: _checked(name, each, is_text=name in categorical) for name, each in merged.items()
        }
        prefixes = (WOE, BIN) if with_bins else (WOE,)
        return cls()._set(
            inputCols=columns,
            outputCols=[f"{prefix}{name}" for prefix in prefixes for name in columns],
            categoricalCols=list(categorical),
            labelCol=label,
            rules=json.dumps({name: each.to_json() for name, each in checked.items()}),
        )

    def _fit(self, dataset: DataFrame) -> WoeBinningModel:
        return self.fit_with_counts(dataset)[0]

    def fit_with_counts(self, dataset: DataFrame) -> tuple[WoeBinningModel, FittedBins]:
        """Fit, and return beside the model what its bins were made of."""
        self.transformSchema(dataset.schema)
        documents = json.loads(self.getOrDefault(self.rules))
        rules = {name: BinningRules.from_json(each) for name, each in documents.items()}
        fitted = fit_bins(
            dataset,
            label=self.getLabelCol(),
            numeric={name: rules[name] for name in rules if name not in self._categorical},
            categorical={name: rules[name] for name in self._categorical},
        )
        model = WoeBinningModel()._set(
            inputCols=self.getInputCols(),
            outputCols=self.getOutputCols(),
            categoricalCols=self._categorical,
            bins=json.dumps([each.to_json() for each in fitted.bins]),
            leftOut=json.dumps(dict(fitted.left_out)),
            leakSigns=json.dumps([asdict(each) for each in fitted.leak_signs]),
        )
        return model, fitted


def _checked(column: str, document: Mapping[str, Any], *, is_text: bool) -> BinningRules:
    try:
        rules = BinningRules.from_json(document)
    except ConfigError as error:
        raise ConfigError(f"Column '{column}': {error}") from error
    rules.check_column(column, is_text=is_text)
    return rules
