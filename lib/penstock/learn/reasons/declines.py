"""The model that says why: reasons beside each row, by the model that decides."""

from collections.abc import Sequence
from typing import Literal

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import AtomicType, BooleanType, NumericType, StructField, StructType

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.learn.pd_columns import LABEL
from penstock.learn.reasons.catalogue import Catalogue
from penstock.learn.reasons.ranking import REASONS_TYPE
from penstock.learn.reasons.stage import ReasonCodes
from penstock.learn.reasons.weighing import weigh
from penstock.learn.scores import SCORES
from penstock.learn.text.scoring import TEXT_PD
from penstock.measure.profit import Stake

REASONS = "reasons"
MOST = 4  # reasons that a person is told
# The reasons model adds columns of these names too; those of the decision step aside.
DECLINED = {"points": "declined_points", "model_version": "declined_by"}
PRESENTED = (*SCORES, REASONS, "explained_by")
Explained = Literal["declines", "all"]


def decline_reasons(
    *,
    numeric: list[str],
    categorical: list[str],
    text: list[str],
    families: dict[str, list[str]],
    texts: dict[str, str],
    protected: list[str],
    most: int,
) -> "ReasonsEstimator":
    """Return the model that adds `reasons` to rows, by what weighs in the model that decides.

    Only the references of each feature's weight are fitted, on the rows that the deciding model
    was made from. See `weigh` for what weighs how, and `ReasonCodes` for what a reason is.

    Args:
        numeric, categorical, text: Features of the deciding model; all texts together are one,
            `text_pd`.
        families: Family to its features, which are one reason together. A feature in none is a
            family of its own.
        texts: Family to the sentence that an applicant reads; without one, its name.
        protected: Families and features that may be no reason.
        most: Greatest number of reasons, 1 to 4.

    Raises:
        ConfigError: A family or text of what the model does not have, a feature in two families, a
            protected feature in the model, or `most` outside 1-4.

    Source:
        More than four reasons are not likely to be helpful: 12 CFR 1002, comment 9(b)(2)-1.
    """
    if not 1 <= most <= MOST:
        raise ConfigError(
            f"Parameter 'most' of decline_reasons is {most}; it must be from 1 to {MOST}."
        )
    catalogue = Catalogue(families, texts, protected)
    catalogue.check([*numeric, *categorical, *([TEXT_PD] if text else [])])
    return ReasonsEstimator(numeric, [*categorical, *text], catalogue, most)


def select_declines(
    scored: DataFrame, *, profit_of_good: float, loss_of_bad: float, explain: Explained
) -> DataFrame:
    """Select the rows whose expected profit is below 0, to be explained.

    Grain: one row per row in that is declined, with `points` and `model_version` renamed to
    `declined_points` and `declined_by`.

    Args:
        scored: Needs `pd` (0-1) and `model_version`.
        profit_of_good: Profit of a good loan, above 0, in any unit.
        loss_of_bad: Loss by a bad one, above 0, in the same.
        explain: "all": every row, whatever its PD.

    Source:
        (1 - PD) profit < PD loss, so PD* = profit / (profit + loss).
    """
    cut_off = Stake(profit_of_good, loss_of_bad).break_even_pd
    declined = scored.where(F.col("pd") > cut_off) if explain == "declines" else scored
    return declined.withColumnsRenamed(DECLINED)


def present_reasons(explained: DataFrame) -> DataFrame:
    """Select what an applicant may be told of a decision, without the features.

    Grain: one row per `row_id`, in and out.

    Args:
        explained: Rows of `select_declines` with `reasons`; its `model_version` is that of the
            model that tells them.
    """
    renamed = explained.withColumnsRenamed(
        {"model_version": "explained_by", **{new: old for old, new in DECLINED.items()}}
    )
    return renamed.select(*(name for name in PRESENTED if name in renamed.columns))


class ReasonsEstimator(Estimator[PipelineModel]):
    """Fits what reasons are measured against.

    Args:
        numbers: Columns that the deciding model reads as numbers.
        texts: Columns that it reads as text.
        catalogue: What reasons are called.
        most: Greatest number of them.
    """

    def __init__(
        self, numbers: Sequence[str], texts: Sequence[str], catalogue: Catalogue, most: int
    ) -> None:
        super().__init__()
        self.features = (*numbers, *texts)
        self.numbers = tuple(numbers)
        self.label = LABEL
        self.adds = (REASONS,)
        self.catalogue = catalogue
        self.most = most
        self._decides: PipelineModel | None = None

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns with the reasons, without a Spark job.

        Raises:
            DataError: A feature is missing or of the wrong type, or reasons are there already.
        """
        for name in self.features:
            if name not in schema.names:
                near = did_you_mean(name, schema.names)
                raise DataError(f"Reasons need column '{name}', which the table lacks.{near}")
            kind = schema[name].dataType
            allowed = NumericType | BooleanType if name in self.numbers else AtomicType
            if not isinstance(kind, allowed):
                raise DataError(
                    f"Column '{name}' is {kind.simpleString()}; reasons need it as the model reads "
                    f"it, as a {'number or boolean' if name in self.numbers else 'text'}."
                )
        if REASONS in schema.names:
            raise DataError(f"Column '{REASONS}' is there already: drop it first.")
        return StructType([*schema.fields, StructField(REASONS, REASONS_TYPE)])

    def begin_from(self, decides: PipelineModel) -> None:
        """Take the model that decides."""
        self._decides = decides

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        assert self._decides is not None  # the graph hands the model over
        rows = dataset.select(*self.features)
        stages, weights = weigh(self._decides, rows)
        families = {each.feature: self.catalogue.family_of(each.feature) for each in weights}
        added = PipelineModel(stages).transform(rows).columns
        codes = ReasonCodes.of(
            weights,
            families=families,
            texts={family: self.catalogue.text_of(family) for family in families.values()},
            most=self.most,
            reasons=REASONS,
            drop=[name for name in added if name not in rows.columns],
        )
        return PipelineModel([*stages, codes])
