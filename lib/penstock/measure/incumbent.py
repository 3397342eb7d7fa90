"""The incumbent: the model that decides now, beside the one that is to take its place."""

from dataclasses import replace

from pyspark.errors import NumberFormatException, PySparkException
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame

from penstock.annotations import Positive, Share
from penstock.errors import DataError, PenstockError
from penstock.evidence import Evidence
from penstock.measure.choice import challenger_decides
from penstock.measure.comparison import compare_pds
from penstock.measure.evaluation import Decimals

INCUMBENTS = "incumbents"


def compare_incumbent(
    judged: DataFrame,
    by_scorecard: DataFrame,
    by_challenger: DataFrame,
    choice: Evidence,
    incumbent: PipelineModel | None,
    *,
    decimals: Decimals,
    confidence: Share,
    approval_rates: list[Share],
    approval_rate: Share,
    profit_of_good: Positive,
    loss_of_bad: Positive,
) -> Evidence:
    """Compare the model that is to decide with the one that decides now, on the same judged loans.

    The incumbent may have been fitted on some of them, which flatters it.

    Args:
        judged: Loans to judge by, with the features of the incumbent.
        by_scorecard, by_challenger: The same loans by either new model: `row_id`, `is_bad`, `pd`.
        choice: Evidence of `choose_champion`: which of the two is to decide.
        incumbent: The model that decides now; None: there is none yet.
        decimals, confidence, approval_rates, approval_rate, profit_of_good, loss_of_bad: As in
            `compare_pds`.

    Returns:
        Metric `incumbents` (1 or 0), and with one the evidence of `compare_pds`, in which the
        champion is the incumbent and the challenger the model that is to decide.

    Raises:
        DataError: As `compare_pds`, or the incumbent cannot score these loans.
    """
    if incumbent is None:
        return Evidence({INCUMBENTS: 0.0})
    by_incumbent = _scored(judged, incumbent)
    try:
        compared = compare_pds(
            by_incumbent,
            by_challenger if challenger_decides(choice) else by_scorecard,
            decimals=decimals,
            confidence=confidence,
            approval_rates=approval_rates,
            approval_rate=approval_rate,
            profit_of_good=profit_of_good,
            loss_of_bad=loss_of_bad,
        )
    # A feature that the incumbent takes for a number may be text by now: reading it is what tells.
    except NumberFormatException as error:
        raise _refusal(error) from error
    return replace(compared, metrics={INCUMBENTS: 1.0, **compared.metrics})


def _scored(judged: DataFrame, incumbent: PipelineModel) -> DataFrame:
    try:
        return incumbent.transform(judged).select("row_id", "is_bad", "pd")
    except (PySparkException, PenstockError) as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> DataError:
    told = str(error).splitlines()[0]
    return DataError(
        f"The model that decides now cannot score the judged loans: {told} Keep its "
        "features in the table. If it is the model of another table, give this one a state "
        "folder of its own (PENSTOCK_HOME). To let the new one take its place without a "
        "comparison: --set 'catalog.pd_incumbent={kind: model, name: credit_pd, version: 0}'"
    )
