"""The text score: what the words of an applicant say about the loan, as one number.

Words and pairs of words are hashed, weighed by rarity, and read by a logistic regression, all by
stages of `pyspark.ml`.
"""

from collections.abc import Sequence
from typing import Any

from pyspark.ml import Estimator, Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import (
    IDF,
    HashingTF,
    NGram,
    Normalizer,
    RegexTokenizer,
    SQLTransformer,
    StopWordsRemover,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.learn.platt import PlattModel, Sigmoid
from penstock.learn.text.cross_fitted import CrossFitted

TEXT_PD = "text_pd"
# What a web form leaves in a text: tags, entities, and the mark before each addition.
MARKUP = r"<[^>]*>|&[a-z]+;|borrower added on [0-9/]+ *>"
SLOTS = 1 << 15
LEAST_TEXTS = 5  # with a word, for it to count
PENALTY = 5.0  # on the squared coefficients, in units of the summed log loss
# A score needs no more: with 1e-6 it takes three times the steps, and ranks loans no better.
TOLERANCE = 1e-3
_TEXT, _WORDS, _KEPT, _PAIRS, _TERMS = "_text", "_text_words", "_text_kept", "_text_pairs", "_terms"
_COUNTS, _WEIGHTS, _VECTOR = "_text_counts", "_text_weights", "_text_vector"
_MARGIN = "_text_margin"


class TextScore(Estimator[PipelineModel]):
    """Fits what the model adds as `text_pd` (DOUBLE, 0-1): the PD by the words alone.

    Reads the words as `text_score` has counted them.

    Args:
        texts: Columns that the words are of, for errors.
        label: Column of the label: 0 = good, 1 = bad.
    """

    def __init__(self, texts: Sequence[str], *, label: str) -> None:
        super().__init__()
        self.texts = tuple(texts)
        self.label = label

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        written = dataset.where(F.col(_TEXT) != "")
        stages: list[Any] = [
            IDF(inputCol=_COUNTS, outputCol=_WEIGHTS, minDocFreq=LEAST_TEXTS),
            Normalizer(inputCol=_WEIGHTS, outputCol=_VECTOR),
            LogisticRegression(
                featuresCol=_VECTOR,
                labelCol=self.label,
                rawPredictionCol=_MARGIN,
                probabilityCol="",
                predictionCol="",
                regParam=PENALTY / self._count(written),
                standardization=False,
                tol=TOLERANCE,
            ),
        ]
        between = [_WEIGHTS, _VECTOR, _MARGIN]
        pd = PlattModel.of(Sigmoid(1.0, 0.0), pd=TEXT_PD, drop=between)
        fitted = Pipeline(stages=stages).fit(written)
        return PipelineModel([*fitted.stages, pd._set(rawPredictionCol=_MARGIN)])

    def _count(self, written: DataFrame) -> int:
        """Return the number of texts.

        Raises:
            DataError: There are none, or those of one class only.
        """
        is_bad = F.col(self.label) == 1
        [found] = written.agg(
            F.count_if(is_bad).alias("bad"), F.count_if(~is_bad).alias("good")
        ).collect()
        if not (found["bad"] and found["good"]):
            raise DataError(
                f"Cannot score texts: {' and '.join(self.texts)} hold words in {found['good']:,} "
                f"good and {found['bad']:,} bad rows, and both are needed. Take them out of 'text'."
            )
        return int(found["good"] + found["bad"])


def text_score(texts: Sequence[str], *, label: str) -> CrossFitted | None:
    """Return the score of texts as a feature of a PD model, `text_pd`; None without texts.

    The texts (STRING) of a row are read as one. Letters of any language make words; upper and lower
    case, HTML, and the lender's mark "Borrower added on ... >" are no difference; English stop
    words are left out. The score is null where there is no word: that there is none is for the PD
    model to judge.

    Args:
        texts: Columns.
        label: As of `TextScore`.

    Source:
        Weights by rarity: Spaerck Jones, Journal of Documentation 28 (1972).
    """
    if not texts:
        return None
    return CrossFitted(
        TextScore(texts, label=label),
        column=TEXT_PD,
        reads=texts,
        before=PipelineModel(_counting(texts)),
        after=SQLTransformer(
            statement=f"SELECT * EXCEPT ({_TEXT}, {_COUNTS}, {TEXT_PD}), "
            f"IF({_TEXT} = '', NULL, {TEXT_PD}) AS {TEXT_PD} FROM __THIS__"
        ),
    )


def _counting(texts: Sequence[str]) -> list[Any]:
    """Return the stages from texts to the words and pairs of words that are in them."""
    written = ", ".join(f"`{name}`" for name in texts)
    cleaned = f"regexp_replace(lower(concat_ws(' ', {written})), '{MARKUP}', ' ')"
    # Without a letter there is no word.
    text = f"IF({cleaned} RLIKE r'\\p{{L}}{{2}}', {cleaned}, '') AS {_TEXT}"
    return [
        SQLTransformer(statement=f"SELECT *, {text} FROM __THIS__"),
        RegexTokenizer(
            inputCol=_TEXT, outputCol=_WORDS, pattern=r"\p{L}+", gaps=False, minTokenLength=2
        ),
        StopWordsRemover(inputCol=_WORDS, outputCol=_KEPT, locale="en_US"),
        NGram(inputCol=_KEPT, outputCol=_PAIRS, n=2),
        SQLTransformer(
            statement=f"SELECT * EXCEPT ({_WORDS}, {_KEPT}, {_PAIRS}), "
            f"concat({_KEPT}, {_PAIRS}) AS {_TERMS} FROM __THIS__"
        ),
        HashingTF(inputCol=_TERMS, outputCol=_COUNTS, numFeatures=SLOTS, binary=True),
        SQLTransformer(statement=f"SELECT * EXCEPT ({_TERMS}) FROM __THIS__"),
    ]
