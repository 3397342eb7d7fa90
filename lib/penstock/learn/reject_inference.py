"""Reject inference: what rejected applications, whose outcomes nobody has seen, add to a sample.

A model of accepted loans alone is fitted first; by its PDs the rejected rows get weights or labels,
and the model is fitted again. None of the methods learns anything of outcomes: each says what is
supposed of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval
from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.errors import DataError
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.odds import shifted
from penstock.learn.pd_columns import WEIGHT, WEIGHT_TYPE
from penstock.learn.sample import CALIBRATION, DEVELOPMENT

Method = Literal["none", "parcelling", "fuzzy", "reweighting"]
Bands = Annotated[int, Interval(ge=2, le=100)]

REJECTED = {DEVELOPMENT: "rejected development", CALIBRATION: "rejected calibration"}
"""Part of the sample to the name that it has for rejected rows, which have no label."""

_DRAWS = 1 << 32
_ALIKE = "_penstock_alike"


@dataclass(frozen=True)
class RejectInference:
    """How rejected rows are made part of a sample.

    Attributes:
        method: "fuzzy": each is a bad of the weight of its PD and a good of the rest. "parcelling":
            by bands of the PD, it is bad with the bad rate of the accepted in its band, as the hash
            of its features, and of its number among rows like it, draws. "reweighting": it stays
            out, and the accepted of its band weigh as much as all of the band.
        bands: How many of equal size, by the PD of accepted and rejected rows.
        risk: Odds that a rejected row is bad, over those of an accepted one of the same PD: 1 = the
            PD tells all that the lender saw. Not read by "reweighting".

    Source:
        Siddiqi, Credit Risk Scorecards (2006), chapter 6: parcelling, fuzzy augmentation.
        Reweighting: Hsia, Credit scoring and the Equal Credit Opportunity Act, Hastings Law Journal
        30 (1978).
    """

    method: Method
    bands: int
    risk: float

    def weighted(self, scored: DataFrame, *, label: str, sample: str, pd: str) -> DataFrame:
        """Return the rows to fit on, with `sample_weight`.

        Grain: one row per row in; by "fuzzy" two per rejected row, by "reweighting" none.

        Args:
            scored: Features, label (0, 1; null: rejected), sample (of rejected rows a value of
                `REJECTED`) and PD by the model of the accepted.

        Returns:
            The columns of `scored` but the PD, and `sample_weight` (DECIMAL(18,6), above 0).
        """
        parts = F.create_map(*(F.lit(x) for part, name in REJECTED.items() for x in (name, part)))
        named = scored.withColumn(sample, F.coalesce(parts[F.col(sample)], F.col(sample)))
        is_rejected = F.col(label).isNull()
        if self.method == "fuzzy":
            entries = self._fuzzy(label, F.col(pd))
        elif self.method == "parcelling":
            features = [name for name in scored.columns if name not in (label, sample, pd)]
            named = _numbered(named, F.xxhash64(*features), within=(sample, label))
            entries = self._parcelled(named, label=label, pd=pd)
        else:
            entries, named = self._reweighted(named, label=label, pd=pd), named.where(~is_rejected)
        kept = [name for name in scored.columns if name not in (label, pd)]
        return named.select(*kept, F.inline(entries).alias(label, WEIGHT)).where(F.col(WEIGHT) > 0)

    def _fuzzy(self, label: str, pd: Column) -> Column:
        of_bad = shifted(pd, self.risk)
        both = F.array(_entry(F.lit(1.0), of_bad), _entry(F.lit(0.0), 1 - of_bad))
        alone = F.array(_entry(F.col(label), F.lit(1.0)))
        return F.when(F.col(label).isNull(), both).otherwise(alone)

    def _parcelled(self, rows: DataFrame, *, label: str, pd: str) -> Column:
        band, counts = self._bands(rows, label=label, pd=pd)
        rates = [c.bads / c.accepted if c.accepted else None for c in counts]
        # Where nobody was accepted there is no rate to take: the PD must do.
        rate = F.coalesce(_by_band(band, rates), F.col(pd))
        draw = F.pmod(F.xxhash64(_ALIKE), F.lit(_DRAWS)) / F.lit(float(_DRAWS))
        drawn = (draw < shifted(rate, self.risk)).cast("double")
        return F.array(_entry(F.coalesce(F.col(label), drawn), F.lit(1.0)))

    def _reweighted(self, rows: DataFrame, *, label: str, pd: str) -> Column:
        band, counts = self._bands(rows, label=label, pd=pd)
        weights = [(c.accepted + c.rejected) / c.accepted if c.accepted else None for c in counts]
        return F.array(_entry(F.col(label), _by_band(band, weights)))

    def _bands(self, rows: DataFrame, *, label: str, pd: str) -> tuple[Column, list["Band"]]:
        """Return the number of each row's band, and what is in each, by two Spark queries."""
        shares = [place / self.bands for place in range(1, self.bands)]
        [[edges]] = rows.agg(F.percentile(pd, shares)).collect()
        band = sum(((F.col(pd) > edge).cast("int") for edge in edges), start=F.lit(0))
        counted = rows.groupBy(band.alias("band")).agg(
            F.count(label), F.count_if(F.col(label) == 1), F.count_if(F.col(label).isNull())
        )
        found = {row[0]: Band(*row[1:]) for row in counted.collect()}
        return band, [found.get(number, Band(0, 0, 0)) for number in range(self.bands)]


@dataclass(frozen=True)
class Band:
    """Rows whose PDs are alike: the accepted, the bads among them, and the rejected."""

    accepted: int
    bads: int
    rejected: int


class InferringClassifier(Estimator[PipelineModel]):
    """Fits a PD model on accepted loans, and again with what it says of rejected applications.

    The level of the PDs, too, is set with the rejected rows of the calibration sample.

    Args:
        known: The model of accepted loans, unfitted.
        weighted: The same, fitted by the weights in `sample_weight`.
        inference: What is supposed of rejected rows.
    """

    def __init__(
        self,
        known: CalibratedClassifier,
        weighted: CalibratedClassifier,
        inference: RejectInference,
    ) -> None:
        super().__init__()
        self.known = known
        self.weighted = weighted
        self.inference = inference
        self.features = known.features
        self.adds = known.adds
        self.label = known.label

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job."""
        return self.known.transformSchema(schema)

    def check_training_schema(self, schema: StructType) -> None:
        """Refuse a table that cannot be fitted on, by its columns alone, without a Spark job."""
        self.known.check_training_schema(schema)

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        label, sample = self.label, self.known.sample
        # Nothing else of the sample, so that the bands know no outcome of another part either.
        parts = (*REJECTED, *REJECTED.values())
        rows = dataset.where(F.col(sample).isin(*parts)).select(
            *self.features, F.col(label).cast("double").alias(label), sample
        )
        is_rejected = F.col(label).isNull() & F.col(sample).isin(*REJECTED.values())
        if rows.where(is_rejected).isEmpty():
            raise DataError(
                f"There are no rejected applications to infer from by '{self.inference.method}': "
                "name their file in catalog.raw_rejects, or set reject_inference to none."
            )
        known = self.known.fit(rows.where(~is_rejected))
        scored = known.transform(rows).persist()
        try:
            weighted = self.inference.weighted(scored, label=label, sample=sample, pd=self.known.pd)
            return self.weighted.fit(weighted)
        finally:
            scored.unpersist()


def _numbered(rows: DataFrame, alike: Column, *, within: Sequence[str]) -> DataFrame:
    """Add what a row draws by: which rows it is like, and its number among them.

    By features alone, all of a thousand rejected rows that are alike would draw the same. Which of
    them has which number is all one.
    """
    counted = Window.partitionBy(_ALIKE, *within).orderBy(_ALIKE)
    numbered = rows.withColumn(_ALIKE, alike)
    return numbered.withColumn(_ALIKE, F.struct(_ALIKE, F.row_number().over(counted)))


def _entry(label: Column, weight: Column) -> Column:
    return F.struct(label.alias("label"), F.round(weight, 6).cast(WEIGHT_TYPE).alias("weight"))


def _by_band(band: Column, values: Sequence[float | None]) -> Column:
    return F.get(F.array(*(F.lit(value).cast("double") for value in values)), band)
