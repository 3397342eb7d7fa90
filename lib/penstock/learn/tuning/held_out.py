"""Loans held out: what settings are worth, measured on loans that they were not fitted on."""

import re
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from py4j.protocol import Py4JNetworkError
from pyspark.ml import Estimator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError, PenstockError
from penstock.learn.folds import LEAST_FOLDS
from penstock.learn.margin import (
    MARGIN_DECIMALS,
    MarginCounts,
    added_up,
    count_by_margin,
    margin_of,
)
from penstock.learn.platt import fit_sigmoid
from penstock.learn.text.cross_fitted import CrossFitted
from penstock.learn.tuning.study import Stopped
from penstock.learn.tuning.trials import FoldScore
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.discrimination import auc

MARGIN, PART = "_penstock_margin", "_penstock_part"
HELD_OUT, IN_FOLD = PARTS = "held out", "in fold"
_CANCELLED = re.compile(r"SPARK_JOB_CANCELLED|[Jj]ob \S+ (was )?cancelled")


@dataclass(frozen=True)
class HeldOut:
    """Rows, parted into folds that are held out in turn.

    To be used in a `with` block: a feature that is cross-fitted is made once for each fold held
    out, and kept in memory until the end of the block.

    Attributes:
        rows: Features, label (0 or 1) and the number of the fold.
        label: Column of the label.
        fold: Column of the number.
        by_time: Whether folds follow each other in time: then a fold is held out from fits on
            earlier folds alone, and the first is never held out.
        numbers: All numbers of folds, in order.
        cross_fitted: A feature made by the outcome; it is made anew without the fold held out.
    """

    rows: DataFrame
    label: str
    fold: str
    by_time: bool
    numbers: tuple[int, ...]
    cross_fitted: CrossFitted | None = None
    _known_rows: dict[int, DataFrame] = field(default_factory=dict)
    _at_work: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for rows in self._known_rows.values():
            rows.unpersist()
        self._known_rows.clear()

    @classmethod
    def of(
        cls,
        rows: DataFrame,
        *,
        label: str,
        fold: str,
        by_time: bool,
        purpose: str = "Settings cannot be searched for",
        cross_fitted: CrossFitted | None = None,
    ) -> "HeldOut":
        """Find out which folds there are, in one Spark query that returns a row for each.

        Args:
            rows, label, fold, by_time, cross_fitted: As above.
            purpose: What cannot be done without sound folds, as an error begins.

        Raises:
            DataError: Rows have no fold, there are fewer than two folds, or one of them has one
                class only.
        """
        bads = F.sum(F.col(label).cast("double")).alias("bads")
        counted = rows.groupBy(fold).agg(bads, F.count("*").alias("loans")).collect()
        found = [row[fold] for row in counted]
        if None in found:
            raise DataError(
                f"{purpose}: rows have no {fold}. Give each row to be fitted on the number of a "
                "fold."
            )
        if len(found) < LEAST_FOLDS:
            raise DataError(
                f"{purpose}: {fold} has {len(found)} value(s), and {LEAST_FOLDS} are needed. Ask "
                "for more folds, or split by another date."
            )
        for row in counted:
            if row["bads"] in (0, row["loans"]):
                raise DataError(
                    f"{purpose}: all {row['loans']:,} rows with {fold} = {row[fold]} have {label} "
                    f"= {1 if row['bads'] else 0}, and both classes are needed in each fold. Ask "
                    "for fewer folds."
                )
        return cls(rows, label, fold, by_time, tuple(sorted(found)), cross_fitted)

    @property
    def judging(self) -> tuple[int, ...]:
        """The folds that are held out in turn, in order."""
        return self.numbers[1:] if self.by_time else self.numbers

    def judge(self, classifier: Estimator[Any], fold: int) -> FoldScore:
        """Fit on the other folds, or on earlier ones, and measure there and on the fold held out.

        Everything that the classifier learns, encodings too, it learns without the fold held out.
        Runs one Spark query beside the fit.

        Raises:
            Stopped: Jobs were cancelled, or Spark is gone.
            Exception: Whatever fitting or scoring raised, twice unless it names the fault itself.
        """
        try:
            return self._judged(classifier, fold)
        except (PenstockError, ValueError):
            raise
        except Exception as error:
            _refuse_stopped(error)
        # A fault of the cluster rarely comes twice; one of the settings does.
        try:
            return self._judged(classifier, fold)
        except Exception as error:
            _refuse_stopped(error)
            raise

    def margins(self, classifier: Estimator[Any]) -> MarginCounts:
        """Count the loans of all folds held out by the margin that they have there.

        Fits the classifier once for each of these folds, on the other folds or on earlier ones, as
        `judge` does, and runs one Spark query beside each fit. What is returned is bounded as
        `count_by_margin` says.

        Raises:
            DataError: The classifier cannot be fitted without one of the folds.
        """
        return added_up([self._margins(classifier, fold) for fold in self.judging])

    def _margins(self, classifier: Estimator[Any], fold: int) -> MarginCounts:
        try:
            fitted = self._fitted(classifier, fold)
        except DataError as error:
            raise DataError(f"Fitted to score {self.fold} = {fold}: {error}") from error
        held_out = self.known(fold).where(F.col(self.fold) == fold).drop(self.fold)
        return count_by_margin(
            fitted.transform(held_out),
            margin=margin_of("rawPrediction"),
            label=F.col(self.label).cast("double"),
        )

    def known(self, fold: int) -> DataFrame:
        """Return the rows that a fold is judged with: itself, and those that are fitted on.

        A feature that is cross-fitted has values here that no row of the fold has had a part in.
        """
        known = self.rows.where(F.col(self.fold) <= fold) if self.by_time else self.rows
        if self.cross_fitted is None:
            return known
        # Two trials may come for the same fold at once.
        with self._at_work:
            if fold not in self._known_rows:
                rows = known.drop(self.cross_fitted.column)
                made = self.cross_fitted.unseen(rows, F.col(self.fold) == fold)
                self._known_rows[fold] = made.persist()
            return self._known_rows[fold]

    def _fitted(self, classifier: Estimator[Any], fold: int) -> Any:
        others = self.known(fold).where(F.col(self.fold) != fold)
        left = [n for n in self.numbers if (n < fold if self.by_time else n != fold)]
        # One that holds out folds itself, by this column, takes those, if enough of them are left.
        holds_out = getattr(classifier, "fold", None) == self.fold and len(left) >= LEAST_FOLDS
        return classifier.fit(others if holds_out else others.drop(self.fold))

    def _judged(self, classifier: Estimator[Any], fold: int) -> FoldScore:
        clock = time.perf_counter()
        fitted, known = self._fitted(classifier, fold), self.known(fold)
        is_held_out = F.col(self.fold) == fold
        part = F.when(is_held_out, HELD_OUT).otherwise(IN_FOLD)
        scored = fitted.transform(known.withColumn(PART, part).drop(self.fold))
        counted = count_by_score(
            scored.select(self.label, PART, margin_of("rawPrediction").alias(MARGIN)),
            score=MARGIN,
            label=self.label,
            by=PART,
            decimals=MARGIN_DECIMALS,
        ).by_group()
        (log_loss, area), (in_log_loss, in_area) = (_measured(counted[name]) for name in PARTS)
        seconds = time.perf_counter() - clock
        return FoldScore(log_loss, area, in_log_loss, in_area, seconds)


def calibrated_log_loss(counts: ScoreCounts) -> float:
    """Return the mean log loss of margins, in nats, after Platt scaling on the same loans.

    The loss that is left when a margin says the most it can: its own scale does not count, as the
    PD is calibrated after all.

    Args:
        counts: Loans by margin; both classes are there.

    Source:
        Refinement part of a proper loss: Broecker, Quarterly Journal of the Royal Meteorological
        Society 135 (2009), here within the sigmoids of Platt (1999).
    """
    fitted = fit_sigmoid(counts.score, counts.n_good, counts.n_bad)
    log_odds = fitted.slope * counts.score + fitted.intercept
    losses = counts.n_good * np.logaddexp(0, log_odds) + counts.n_bad * np.logaddexp(0, -log_odds)
    return float(losses.sum() / counts.loans)


def _measured(counts: ScoreCounts) -> tuple[float, float]:
    area = auc(counts)
    assert area is not None  # both classes are in each fold
    return calibrated_log_loss(counts), area


def _refuse_stopped(error: Exception) -> None:
    is_gone = isinstance(error, ConnectionError | Py4JNetworkError)
    if is_gone or _CANCELLED.search(str(error)):
        raise Stopped(error) from error
