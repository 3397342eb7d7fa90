"""Cases: all that a policy may look at of an application, in one row."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Positive
from penstock.columns import columns_in
from penstock.learn.scorecard.points import PointScale
from penstock.lending.decision_checks import CASE_COLUMNS
from penstock.lending.features import credit_history_months
from penstock.lending.points import points_of_pd


def gather_cases(
    applications: DataFrame,
    scores: DataFrame,
    *,
    tested_rate: Positive,
    pdo: Positive,
    base_points: float,
    base_odds: Positive,
) -> DataFrame:
    """Add the score to each application, and what follows from what it says.

    Grain: one row per `application_id`, in and out: an application without a score stays.

    Args:
        applications: Columns of `checks.APPLICATION_COLUMNS`.
        scores: `application_id` (once at most), `pd` and `model_version`.
        tested_rate: Yearly interest rate that affordability is tested at, a fraction; above what
            is offered, so that a borrower can carry more than that.
        pdo: Points that double the odds.
        base_points: Points at the base odds.
        base_odds: Goods per bad.

    Returns:
        The columns of `decision_checks.CASE_COLUMNS`; null where what they are made of is unknown.

    Source:
        Instalment: the level payment of an annuity-immediate, amount x r / (1 - (1 + r)^-n), with
        r the monthly rate and n the months.
    """
    scored = applications.join(
        scores.select("application_id", "pd", "model_version"), "application_id", how="left"
    )
    return _cases(scored, tested_rate, PointScale(pdo, base_points, base_odds))


def gather_judged_cases(
    judged: DataFrame,
    loans: DataFrame,
    *,
    tested_rate: Positive,
    pdo: Positive,
    base_points: float,
    base_odds: Positive,
) -> DataFrame:
    """Make a case of each loan whose outcome is known, as if it were applied for anew.

    Grain: one row per `loan_id` of `judged`, which becomes the `application_id`.

    Args:
        judged: Needs `loan_id`, `pd` and `model_version`.
        loans: Columns of `checks.LOAN_COLUMNS`, of which those of an application are read: nothing
            that the lender decided, and nothing learnt later.
        tested_rate, pdo, base_points, base_odds: As of `gather_cases`.

    Returns:
        As of `gather_cases`.
    """
    scored = loans.join(judged.select("loan_id", "pd", "model_version"), "loan_id", how="inner")
    applied = scored.withColumnRenamed("loan_id", "application_id")
    return _cases(applied, tested_rate, PointScale(pdo, base_points, base_odds))


def _cases(scored: DataFrame, tested_rate: float, scale: PointScale) -> DataFrame:
    return scored.withColumns(
        {
            "credit_history_months": credit_history_months(),
            "instalment_usd": _instalment(tested_rate / 12),
            "points": points_of_pd(scale),
        }
    ).select(*columns_in(CASE_COLUMNS).names)


def _instalment(monthly_rate: float) -> Column:
    amount, months = F.col("amount_usd").cast("double"), F.col("term_months")
    payment = F.try_divide(
        amount * monthly_rate, 1 - F.pow(F.lit(1 + monthly_rate), -months.cast("double"))
    )
    return payment.try_cast("decimal(12,2)")
