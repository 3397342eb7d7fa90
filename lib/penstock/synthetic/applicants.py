"""Who asks for a loan: what an application form and a credit bureau say about a person.

No outcome is drawn here; how risky an applicant truly is stands in `risk.py`.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.synthetic import texts
from penstock.synthetic.draws import NOTHING, Draws, clip, logistic, nearest

MONTHS_PER_YEAR = 12
LONG_TERM_MONTHS = 60
SHORT_TERM_MONTHS = 36

# Drift is counted from here, whatever months are drawn: an applicant of 2019 is the same kind of
# person in a book of three years and in a book of ten.
DRIFT_ORIGIN_YEAR = 2014
FICO_POINTS_PER_YEAR = -1.0
DTI_POINTS_PER_YEAR = 0.3

MEDIAN_LOG_INCOME = 11.0  # 60,000 USD a year
MEDIAN_LOG_AMOUNT = 9.2  # 10,000 USD

SHARE_WITHOUT_UTILISATION = 0.004
SHARE_WITHOUT_BANKRUPTCIES = 0.02
SHARE_WITHOUT_JOB_TITLE = 0.03  # of those who have a job
SHARE_BANKRUPT = 0.6  # of those with a public record

# Weights in hundredths.
EMPLOYMENT = {
    "10+ years": 32, "< 1 year": 9, "1 year": 7, "2 years": 9, "3 years": 8, "4 years": 6,
    "5 years": 7, "6 years": 6, "7 years": 5, "8 years": 4, "9 years": 4, NOTHING: 3,
}  # fmt: skip
VERIFICATION = {"Source Verified": 38, "Not Verified": 33, "Verified": 29}
STATES = {
    "CA": 16, "NY": 10, "TX": 10, "FL": 8, "IL": 6, "NJ": 6, "PA": 6, "OH": 5, "GA": 5, "VA": 4,
    "NC": 4, "MI": 4, "MA": 3, "AZ": 3, "WA": 3, "CO": 3, "MD": 3, "MN": 1,
}  # fmt: skip
HOMES_WITHOUT_MORTGAGE = {"RENT": 80, "OWN": 19, "OTHER": 1}
JOBS = (
    "teacher", "registered nurse", "driver", "sales manager", "owner", "office manager",
    "city of chicago", "us army", "engineer, senior", "cashier", "supervisor", "accountant",
)  # fmt: skip


def draw_applicants(
    numbers: DataFrame, *, draws: Draws, first_month: date, last_month: date, drift: float
) -> DataFrame:
    """Draw one applicant for each row number.

    Grain: one row per `id`, in and out. An applicant depends on `id`, seed and months only.

    Args:
        numbers: Needs `id` (BIGINT, row number from 0).
        draws: The random numbers of this table.
        first_month: First month of application; its day is not used.
        last_month: Last month of application, twice as busy as the first.
        drift: Multiple of the drift described above (0 = every vintage is alike).

    Returns:
        `id`, `applied_on` (first of a month), `years` since the origin of drift, the columns of
        the application form in LendingClub's names and units, and `tone` (latent: the mood of the
        description). Null where the applicant or the bureau says nothing.

    Raises:
        ConfigError: The last month lies before the first.
    """
    if last_month < first_month:
        raise ConfigError(
            f"The last month ({last_month}) lies before the first ({first_month}): exchange them."
        )
    months = (last_month.year - first_month.year) * MONTHS_PER_YEAR
    months += last_month.month - first_month.month + 1
    dated = numbers.select("id", _month(draws, first_month, months).alias("applied_on"))
    born = dated.select("*", _years().alias("years"), draws.normal("quality").alias("quality"))
    drawn = born.select("*", *_independent(draws, drift))
    return drawn.select("*", *_dependent(draws)).select("*", *_last(draws))


def _month(draws: Draws, first_month: date, months: int) -> Column:
    # Inverse of the distribution with density (1 + t) / 1.5 on 0-1: volume doubles over the window.
    position = F.sqrt(1.0 + 3.0 * draws.uniform("month")) - 1.0
    place = F.floor(position * months).cast("int")
    return F.add_months(F.lit(first_month.replace(day=1)), place)


def _years() -> Column:
    months = F.month("applied_on") - 1
    return (F.year("applied_on") - DRIFT_ORIGIN_YEAR) + months / F.lit(float(MONTHS_PER_YEAR))


def _independent(draws: Draws, drift: float) -> list[Column]:
    quality, years = F.col("quality"), F.col("years")
    score = 708.0 + 35.0 * quality + FICO_POINTS_PER_YEAR * drift * years
    burden = 15.5 + 7.5 * draws.normal("dti") + DTI_POINTS_PER_YEAR * drift * years
    balance = logistic(-0.1 - 0.5 * quality + 0.9 * draws.normal("utilisation"))
    used = nearest(balance * 1000.0) / 1000.0
    income = F.exp(MEDIAN_LOG_INCOME + 0.5 * draws.normal("income"))
    history = F.exp(5.05 + 0.45 * draws.normal("history"))
    inquiries = F.floor(0.85 * draws.exponential("inquiries") * F.exp(-0.2 * quality))
    has_delinquency = draws.uniform("delinquent") < logistic(-0.5 - 0.4 * quality)
    months_ago = F.floor(84.0 * draws.uniform("delinquent ago")).cast("int")
    has_record = draws.uniform("record") < 0.08 * F.exp(-0.3 * quality)
    records = 1 + F.floor(0.4 * draws.exponential("records"))
    return [
        (F.floor(clip(score, 610.0, 845.0) / 5.0) * 5).cast("int").alias("fico_range_low"),
        (nearest(clip(burden, 0.0, 45.0) * 100.0) / 100.0).alias("dti"),
        F.when(draws.uniform("no utilisation") > SHARE_WITHOUT_UTILISATION, used).alias(
            "revol_util"
        ),
        (nearest(clip(income, 8e3, 1.5e6) / 100.0) * 100.0).alias("annual_inc"),
        clip(history, 36.0, 600.0).cast("int").alias("history_months"),
        F.least(inquiries, F.lit(8)).cast("int").alias("inq_last_6mths"),
        F.when(has_delinquency, months_ago).alias("mths_since_last_delinq"),
        F.when(has_record, records).otherwise(0).cast("int").alias("pub_rec"),
        clip(10.5 + 4.5 * draws.normal("open"), 1.0, 45.0).cast("int").alias("open_acc"),
        draws.pick("employment", EMPLOYMENT).alias("emp_length"),
        draws.pick("verification", VERIFICATION).alias("verification_status"),
        draws.pick("state", STATES).alias("addr_state"),
        draws.pick("purpose", texts.PURPOSES).alias("purpose"),
        draws.pick("tone", texts.TONE_WEIGHTS).alias("tone"),
    ]


def _dependent(draws: Draws) -> list[Column]:
    wealth = F.log("annual_inc") - MEDIAN_LOG_INCOME
    amount = F.exp(MEDIAN_LOG_AMOUNT + 0.45 * wealth + 0.5 * draws.normal("amount"))
    has_mortgage = draws.uniform("mortgage") < logistic(0.8 * wealth - 0.1)
    other_home = draws.pick("home", HOMES_WITHOUT_MORTGAGE)
    is_recent = F.col("mths_since_last_delinq") < 2 * MONTHS_PER_YEAR
    delinquencies = 1 + F.floor(0.6 * draws.exponential("delinquencies"))
    used = F.coalesce("revol_util", F.lit(0.0))
    record_ago = F.floor(12.0 + 108.0 * draws.uniform("record ago")).cast("int")
    is_bankrupt = (F.col("pub_rec") > 0) & (draws.uniform("bankrupt") < SHARE_BANKRUPT)
    closed = F.col("open_acc") * (0.4 + 1.6 * draws.uniform("closed"))
    return [
        (nearest(clip(amount, 1e3, 4e4) / 25.0) * 25).cast("int").alias("loan_amnt"),
        F.when(has_mortgage, "MORTGAGE").otherwise(other_home).alias("home_ownership"),
        F.when(is_recent, delinquencies).otherwise(0).cast("int").alias("delinq_2yrs"),
        F.when(F.col("pub_rec") > 0, record_ago).alias("mths_since_last_record"),
        F.when(
            draws.uniform("no bankruptcy") > SHARE_WITHOUT_BANKRUPTCIES, is_bankrupt.cast("int")
        ).alias("pub_rec_bankruptcies"),
        (F.col("open_acc") + F.floor(closed)).cast("int").alias("total_acc"),
        F.floor(used * F.col("annual_inc") * (0.1 + 0.7 * draws.uniform("limit"))).alias(
            "revol_bal"
        ),
        F.expr("add_months(applied_on, -history_months)").alias("earliest_cr_line"),
        F.when(
            F.col("emp_length").isNotNull() & (draws.uniform("no job") > SHARE_WITHOUT_JOB_TITLE),
            draws.one_of("job", JOBS),
        ).alias("emp_title"),
    ]


def _last(draws: Draws) -> list[Column]:
    is_long = draws.uniform("term") < logistic(1.2 * (F.log("loan_amnt") - MEDIAN_LOG_AMOUNT) - 1.6)
    purpose, tone = F.col("purpose"), F.col("tone")
    return [
        F.when(is_long, LONG_TERM_MONTHS).otherwise(SHORT_TERM_MONTHS).alias("term"),
        texts.title(purpose, draws).alias("title"),
        texts.description(purpose, tone, F.col("applied_on"), draws).alias("desc"),
    ]
