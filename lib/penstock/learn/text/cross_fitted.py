"""Cross-fitting: a classifier learns from a feature's values as new rows will have them."""

from collections.abc import Sequence
from typing import Any

from pyspark.ml import Estimator, PipelineModel, Transformer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.learn.stages import stages_of

FOLDS = 5
_FOLD = "_penstock_cross_fold"


class CrossFitted:
    """A feature that a model makes from the outcome, for a classifier that must not see it there.

    A model that has seen the outcome of a row tells it. So a classifier is fitted on values by
    models that have not (`unseen`): each fifth of the rows is given its values by a model of the
    other four. New rows are given theirs by a model of all rows (`fit`).

    Args:
        feature: Unfitted estimator whose model adds `column`, and nothing else.
        column: The feature.
        reads: The columns that it is made of. Rows in which all of them are equal are in one
            fifth, so that no model is asked for what it has learnt by heart.
        before: What is done to the rows before, and is not learnt.
        after: What is done to them after, and takes away what `before` has added.

    Source:
        Stacked generalisation: Wolpert, Neural Networks 5 (1992).
    """

    def __init__(
        self,
        feature: Estimator[Any],
        *,
        column: str,
        reads: Sequence[str],
        before: Transformer,
        after: Transformer,
    ) -> None:
        self.feature = feature
        self.column = column
        self.reads = tuple(reads)
        self.before = before
        self.after = after

    def fit(self, rows: DataFrame) -> PipelineModel:
        """Return the model of all rows, as one stage."""
        fitted = self.feature.fit(self.before.transform(rows))
        return PipelineModel([*stages_of(self.before), *stages_of(fitted), self.after])

    def unseen(self, rows: DataFrame, held_out: Column | None = None) -> DataFrame:
        """Return the rows, in their order, with values by models that have not seen them.

        Args:
            rows: What the feature is made of, and what its estimator needs.
            held_out: Which rows no model may see (BOOLEAN): theirs are by a model of all others.
        """
        fold = F.pmod(F.xxhash64(*self.reads), F.lit(FOLDS))
        if held_out is not None:
            fold = F.when(held_out, FOLDS).otherwise(fold)
        numbered = self.before.transform(rows.withColumn(_FOLD, fold)).persist()
        try:
            models = [
                self.feature.fit(numbered.where(F.col(_FOLD).isin(*seen)))
                for seen in _seen(FOLDS if held_out is None else FOLDS + 1)
            ]
        finally:
            numbered.unpersist()
        value: Column = F.lit(None)
        for number, model in enumerate(models):
            own = f"{_FOLD}_{number}"
            numbered = model.transform(numbered).withColumnRenamed(self.column, own)
            value = F.when(F.col(_FOLD) == number, F.col(own)).otherwise(value)
        made = self.after.transform(numbered.withColumn(self.column, value))
        return made.select(*rows.columns, self.column)


def _seen(models: int) -> list[list[int]]:
    """Return the fifths that each model is fitted on; the sixth, which is held out, by none."""
    return [[fold for fold in range(FOLDS) if fold != model] for model in range(models)]
