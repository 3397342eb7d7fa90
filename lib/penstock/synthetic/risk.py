"""The truth a model is asked to find: probability of default and loss given default.

Everything here is a function of what the application shows, so nothing limits a model but its own
form and the number of loans. No outcome is drawn here; that is `outcomes.py`.
"""

from math import pi

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.synthetic.applicants import (
    LONG_TERM_MONTHS,
    MEDIAN_LOG_INCOME,
    MONTHS_PER_YEAR,
)
from penstock.synthetic.draws import logistic

INTERCEPT = -2.5
PURPOSE_LOGITS = {
    "small_business": 0.6, "medical": 0.2, "moving": 0.2, "renewable_energy": 0.2, "other": 0.1,
    "house": 0.1, "vacation": 0.05, "educational": 0.15, "home_improvement": -0.05,
    "major_purchase": -0.1, "credit_card": -0.2, "car": -0.2, "wedding": -0.25,
}  # fmt: skip
TONE_LOGITS = {"steady": -0.15, "strained": 0.18}

# The economy, seen by nobody in an application: a slow wave that moves the base rate by a sixth of
# a point a year at most, so that calibration a year apart still holds.
MACRO_LOGIT = 0.015
MACRO_PERIOD_YEARS = 8.0

# A charge-off comes five months after the first missed instalment (150 days past due).
MONTHS_TO_CHARGE_OFF = 5
TIMING_A, TIMING_B = 1.6, 3.4

LOWEST_LGD, LGD_SPAN = 0.7, 0.28


def add_true_risk(applicants: DataFrame, *, drift: float) -> DataFrame:
    """Add what is true of each applicant.

    Grain: one row per `id`, in and out.

    Args:
        applicants: From `draw_applicants`.
        drift: Multiple of the macro wave (0 = none).

    Returns:
        `applicants` and `vintage_shift` (log odds, common to a month of issue), `true_pd`
        (probability of charge-off over the whole life, 0-1), `true_pd_12m` (the same within
        twelve months) and `true_lgd` (expected loss given default, net of collection fees, as a
        share of the principal owed, 0-1). Never null.
    """
    wave = MACRO_LOGIT * drift * F.sin(F.col("years") * (2.0 * pi / MACRO_PERIOD_YEARS))
    shifted = applicants.select("*", wave.alias("vintage_shift"), _true_lgd().alias("true_lgd"))
    logit = INTERCEPT + F.col("vintage_shift") + _person() + _loan()
    risky = shifted.select("*", logistic(logit).alias("true_pd"))
    first_year = F.col("true_pd") * _share_charged_off_by(F.lit(MONTHS_PER_YEAR))
    return risky.select("*", first_year.alias("true_pd_12m"))


def charge_off_month(draw: Column) -> Column:
    """Return the month on book of the charge-off, for a uniform draw and the loan's `term`.

    The first possible month is 6, the last is the term; the peak is month 14 of 36 and 21 of 60.

    Source:
        Inverse of Kumaraswamy's distribution (1980): x = (1 - (1 - u)^(1/b))^(1/a).
    """
    place = F.pow(1.0 - F.pow(1.0 - draw, F.lit(1.0 / TIMING_B)), F.lit(1.0 / TIMING_A))
    possible_months = F.col("term") - MONTHS_TO_CHARGE_OFF
    return (MONTHS_TO_CHARGE_OFF + 1 + F.floor(place * possible_months)).cast("int")


def _share_charged_off_by(month: Column) -> Column:
    """Return the share (0-1) of all charge-offs of a `term` that come by this month on book."""
    place = (month - MONTHS_TO_CHARGE_OFF) / (F.col("term") - MONTHS_TO_CHARGE_OFF)
    inside = F.greatest(F.lit(0.0), F.least(F.lit(1.0), place.cast("double")))
    return 1.0 - F.pow(1.0 - F.pow(inside, F.lit(TIMING_A)), F.lit(TIMING_B))


def _person() -> Column:
    fico, years_of_credit = F.col("fico_range_low") - 710, F.col("history_months") / 12.0
    burden = F.col("dti") - 16.0
    used = F.coalesce("revol_util", F.lit(0.45)) - 0.45
    return (
        -0.0165 * fico
        + 0.032 * burden
        + 0.45 * used
        # The one interaction: debt weighs more on those whose cards are full.
        + 0.02 * burden * used
        - 0.3 * (F.log("annual_inc") - MEDIAN_LOG_INCOME)
        + 0.15 * F.col("inq_last_6mths")
        - 0.008 * (F.least(years_of_credit, F.lit(30.0)) - 14.0)
        + F.when(F.col("delinq_2yrs") > 0, 0.3).otherwise(0.0)
        + F.when(F.col("pub_rec") > 0, 0.3).otherwise(0.0)
        + F.when(F.col("emp_length").isNull(), 0.45).otherwise(0.0)
        + F.when(F.col("emp_length") == "10+ years", -0.1).otherwise(0.0)
        + F.when(F.col("home_ownership") == "RENT", 0.12).otherwise(0.0)
    )


def _loan() -> Column:
    strain = F.log(F.col("loan_amnt") / F.col("annual_inc")) + 1.8
    return (
        0.3 * strain
        + F.when(F.col("term") == LONG_TERM_MONTHS, 0.75).otherwise(0.0)
        + _effect("purpose", PURPOSE_LOGITS)
        + _effect("tone", TONE_LOGITS)
    )


def _true_lgd() -> Column:
    logit = (
        0.4
        + F.when(F.col("term") == LONG_TERM_MONTHS, 0.5).otherwise(0.0)
        - F.when(F.col("home_ownership") == "MORTGAGE", 0.6).otherwise(0.0)
        - 0.008 * (F.col("fico_range_low") - 710)
    )
    return LOWEST_LGD + LGD_SPAN * logistic(logit)


def _effect(column: str, logits: dict[str, float]) -> Column:
    table = F.create_map(*[F.lit(part) for pair in logits.items() for part in pair])
    return F.coalesce(F.element_at(table, F.col(column)), F.lit(0.0))
