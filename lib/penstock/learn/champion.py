"""The model that decides, the one that watches, and the one that says why.

Two of them are the fitted models, as the choice has it.
"""

from collections.abc import Sequence
from typing import Any

from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, IntegerType, StructField, StructType

from penstock.errors import ConfigError, DataError, did_you_mean
from penstock.evidence import Evidence
from penstock.learn.challenger.pd import trainers_of
from penstock.learn.challenger.trainers import UNEXPLAINED
from penstock.learn.pd_columns import LABEL, PD
from penstock.learn.reasons.declines import ReasonsEstimator, decline_reasons
from penstock.learn.scorecard.pd import POINTS
from penstock.measure.choice import challenger_decides


def champion_pd(
    *, numeric: list[str], categorical: list[str], text: list[str]
) -> "ElectedClassifier":
    """Return the model that decides: the scorecard, or the challenger if it was chosen.

    Nothing is fitted: the version is a copy of the chosen one, which scores the same.

    Args:
        numeric, categorical, text: Features of both models.
    """
    return ElectedClassifier([*numeric, *categorical, *text], is_champion=True)


def shadow_pd(
    *, numeric: list[str], categorical: list[str], text: list[str]
) -> "ElectedClassifier":
    """Return the model that watches: of `champion_pd`'s two the other one."""
    return ElectedClassifier([*numeric, *categorical, *text], is_champion=False)


def champion_reasons(
    *,
    numeric: list[str],
    categorical: list[str],
    text: list[str],
    families: dict[str, list[str]],
    texts: dict[str, str],
    protected: list[str],
    most: int,
    promote: bool,
    trainer: str,
    candidates: list[str],
    monotone: dict[str, str],
) -> ReasonsEstimator:
    """Return the model that tells why the champion declines, if every model can that may be it.

    Args:
        numeric, categorical, text, families, texts, protected, most: As of `decline_reasons`.
        promote: Whether the challenger may become champion (`choose_champion`).
        trainer, candidates, monotone: Of the challenger (`challenger_pd`).

    Raises:
        ConfigError: The challenger may become champion, and be of a trainer whose declines cannot
            be explained; or as of `decline_reasons`.
    """
    if promote:
        _check_explained(trainers_of(trainer, candidates, monotone))
    return decline_reasons(
        numeric=numeric,
        categorical=categorical,
        text=text,
        families=families,
        texts=texts,
        protected=protected,
        most=most,
    )


def _check_explained(trainers: Sequence[str]) -> None:
    if untold := [name for name in trainers if name in UNEXPLAINED]:
        raise ConfigError(
            f"choose_champion.promote lets the challenger decide, and its trainer may be "
            f"{' or '.join(untold)}, which has no exact contributions of features to a score: its "
            "declines could not be explained, and the run would end there. Take xgboost or "
            "logistic for challenger_pd.trainer, or for its candidates, or promote: false."
        )


class ElectedClassifier(Estimator[PipelineModel]):
    """Takes over one of two fitted models, with the columns that both of them can have.

    Either adds `points` (INT, higher = safer; null from a challenger, which has none) and `pd`
    (DOUBLE, inside 0-1).

    Args:
        features: Columns that either model may read.
        is_champion: Whether it is the model that was chosen, or the other one.
    """

    def __init__(self, features: Sequence[str], *, is_champion: bool) -> None:
        super().__init__()
        self.features = tuple(features)
        self.is_champion = is_champion
        self.label = LABEL
        self._elected: PipelineModel | None = None

    @property
    def adds(self) -> tuple[str, ...]:
        """The columns that the model adds."""
        return (POINTS, PD)

    def transformSchema(self, schema: StructType) -> StructType:
        """Return the columns after scoring a table with these columns, without a Spark job.

        Raises:
            DataError: A feature is missing, or points or PD are there already.
        """
        for name in self.features:
            if name not in schema.names:
                near = did_you_mean(name, schema.names)
                raise DataError(f"The model needs column '{name}', which the table lacks.{near}")
        if there := [name for name in self.adds if name in schema.names]:
            raise DataError(f"Column '{there[0]}' is there already: drop it before scoring.")
        added = [StructField(POINTS, IntegerType()), StructField(PD, DoubleType())]
        return StructType([*schema.fields, *added])

    def begin_from(
        self, choice: Evidence, scorecard: PipelineModel, challenger: PipelineModel
    ) -> None:
        """Take the two models, and which of them decides (evidence of `choose_champion`)."""
        is_challenger = challenger_decides(choice) == self.is_champion
        self._elected = _with_points(challenger) if is_challenger else scorecard

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        assert self._elected is not None  # the graph hands both models over
        return self._elected


def _with_points(challenger: PipelineModel) -> PipelineModel:
    points = SQLTransformer(statement=f"SELECT *, CAST(NULL AS INT) AS {POINTS} FROM __THIS__")
    # What it was chosen from stays with the version that was tuned.
    scoring: list[Any] = [s for s in challenger.stages if not hasattr(s, "attempts")]
    return PipelineModel([points, *scoring])
