"""What becomes of a loan: what is lent at which price, default or payoff, standing at the snapshot.

Money is counted in whole cents (BIGINT), so that payments add up to the totals exactly.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.synthetic.applicants import MONTHS_PER_YEAR
from penstock.synthetic.draws import Draws, clip, nearest
from penstock.synthetic.risk import MONTHS_TO_CHARGE_OFF, charge_off_month

GRADE_STEPS = 35
# As at LendingClub, investors do not always come together for the whole amount.
SHARE_PARTLY_FUNDED = 0.05
LEAST_FUNDED = 0.3
SHARE_PAID_EARLY = 0.45
SHARE_WITHOUT_RECOVERY = 0.35
COLLECTION_FEE = 0.17

# Points of the midpoint rule for the expected balance at default: within 0.5 % of the sum over
# all months, at a fraction of its cost.
EAD_POINTS = 10


def add_outcomes(risky: DataFrame, *, draws: Draws, snapshot_date: date) -> DataFrame:
    """Add amount lent, price, outcome and standing at the snapshot to each loan.

    Grain: one row per `id`, in and out.

    Args:
        risky: From `add_true_risk`; `applied_on` is the month of issue.
        draws: The random numbers of this table.
        snapshot_date: Day on which the book is looked at; due dates up to it have passed.

    Returns:
        `risky` and what is lent (`funded_amnt`, USD, INT, at most `loan_amnt`; `amount_cents`, the
        same), the price (`int_rate`, `sub_grade_number` 0-34, `installment_cents`), what is
        latent (`charge_off_month`, null if the loan never defaults; `payoff_month`, null if it
        does; `true_ead`, expected principal owed at default, USD) and what the snapshot shows
        (`months_on_book`, `paid_months`, `end_month`, `loan_status`, money in cents,
        `last_fico_range_low`).
    """
    priced = risky.select("*", *_grade(draws), _funded(draws)).select("*", _rate())
    owed = priced.select("*", _installment(), (F.col("funded_amnt") * 100).alias("amount_cents"))
    fated = owed.select("*", *_fate(draws, snapshot_date))
    standing = fated.select("*", _true_ead(), *_standing())
    balanced = standing.select("*", *_balances())
    collected = balanced.select("*", *_collected(draws))
    return collected.select("*", *_totals(draws))


def balance_cents(month: Column) -> Column:
    """Return the principal owed after the instalment of a month on book (0 = at issue), in cents.

    Source:
        Annuity: B_k = A (1 + r)^k - I ((1 + r)^k - 1) / r with monthly rate r and instalment I.
        Rounded from the closed form for each month, so that no month needs the one before it.
    """
    rate = F.col("int_rate") / MONTHS_PER_YEAR
    growth = F.pow(1.0 + rate, month)
    balance = F.col("amount_cents") * growth - F.col("installment_cents") * (growth - 1.0) / rate
    return nearest(balance)


def interest_cents(balance: Column) -> Column:
    """Return the interest of one month on a balance, both in cents."""
    return nearest(balance * F.col("int_rate") / MONTHS_PER_YEAR)


def _grade(draws: Draws) -> list[Column]:
    # The lender sees the risk through a glass: its grade ranks well, yet worse than the truth.
    seen = F.log(F.col("true_pd") / (1.0 - F.col("true_pd"))) + 0.5 * draws.normal("underwriter")
    step = F.floor(clip((seen + 3.9) * 7.0, 0.0, GRADE_STEPS - 1.0))
    return [step.cast("int").alias("sub_grade_number")]


def _funded(draws: Draws) -> Column:
    asked = F.col("loan_amnt")
    share = LEAST_FUNDED + (1.0 - LEAST_FUNDED) * draws.uniform("funded share")
    is_partly = draws.uniform("funded") < SHARE_PARTLY_FUNDED
    partly = (F.floor(asked * share / 25.0) * 25).cast("int")
    return F.when(is_partly, partly).otherwise(asked).alias("funded_amnt")


def _rate() -> Column:
    return ((532 + 61 * F.col("sub_grade_number")) / 10_000.0).alias("int_rate")


def _installment() -> Column:
    rate = F.col("int_rate") / MONTHS_PER_YEAR
    payment = F.col("funded_amnt") * 100 * rate / (1.0 - F.pow(1.0 + rate, -F.col("term")))
    return nearest(payment).alias("installment_cents")


def _fate(draws: Draws, snapshot_date: date) -> list[Column]:
    defaults = draws.uniform("default") < F.col("true_pd")
    is_early = draws.uniform("early") < SHARE_PAID_EARLY
    early_month = 2 + F.floor(draws.uniform("early month") * (F.col("term") - 2))
    payoff = F.when(is_early, early_month).otherwise(F.col("term")).cast("int")
    age = F.floor(F.months_between(F.lit(snapshot_date), F.col("applied_on")))
    return [
        F.when(defaults, charge_off_month(draws.uniform("charge-off"))).alias("charge_off_month"),
        F.when(~defaults, payoff).alias("payoff_month"),
        age.cast("int").alias("months_on_book"),
    ]


def _true_ead() -> Column:
    midpoints = [(point + 0.5) / EAD_POINTS for point in range(EAD_POINTS)]
    balances = [
        balance_cents(charge_off_month(F.lit(midpoint)) - MONTHS_TO_CHARGE_OFF - 1)
        for midpoint in midpoints
    ]
    return (sum(balances, F.lit(0)) / F.lit(100.0 * EAD_POINTS)).alias("true_ead")


def _standing() -> list[Column]:
    age, charge_off, payoff = F.col("months_on_book"), F.col("charge_off_month"), "payoff_month"
    last_paid = F.coalesce(charge_off - MONTHS_TO_CHARGE_OFF - 1, payoff)
    # Null for a loan that never defaults: each comparison below is then null, and not taken.
    missed = age - (charge_off - MONTHS_TO_CHARGE_OFF) + 1
    status = (
        F.when(F.col(payoff) <= age, "Fully Paid")
        .when(missed > MONTHS_TO_CHARGE_OFF, "Charged Off")
        .when(missed == MONTHS_TO_CHARGE_OFF, "Default")
        .when(missed > 1, "Late (31-120 days)")
        .when(missed == 1, "In Grace Period")
        .otherwise("Current")
    )
    return [
        F.least(age, last_paid).alias("paid_months"),
        F.least(age, F.coalesce(charge_off, payoff)).alias("end_month"),
        status.alias("loan_status"),
    ]


def _balances() -> list[Column]:
    is_paid_off = F.col("loan_status") == "Fully Paid"
    return [
        is_paid_off.alias("is_paid_off"),
        (F.col("loan_status") == "Charged Off").alias("is_charged_off"),
        balance_cents(F.col("paid_months")).alias("balance_paid_to"),
        balance_cents(F.col("paid_months") - 1).alias("balance_before_last"),
    ]


def _collected(draws: Draws) -> list[Column]:
    paid_off, amount, months = F.col("is_paid_off"), F.col("amount_cents"), F.col("paid_months")
    installment, before = F.col("installment_cents"), F.col("balance_before_last")
    regular = months * installment - (amount - F.col("balance_paid_to"))
    early = (months - 1) * installment - (amount - before) + interest_cents(before)
    # Recovered on average: 1 - true_lgd, after the fee. The lowest LGD keeps it below the balance.
    has_recovery = draws.uniform("recovery") > SHARE_WITHOUT_RECOVERY
    scale = (1.0 - F.col("true_lgd")) / ((1.0 - SHARE_WITHOUT_RECOVERY) * (1.0 - COLLECTION_FEE))
    share = F.when(has_recovery, 2.0 * scale * draws.uniform("recovered")).otherwise(0.0)
    recovered = nearest(share * F.col("balance_paid_to"))
    nothing = F.lit(0).cast("bigint")
    return [
        F.when(paid_off, amount)
        .otherwise(amount - F.col("balance_paid_to"))
        .alias("principal_cents"),
        F.when(paid_off, early).otherwise(regular).alias("interest_cents"),
        F.when(F.col("is_charged_off"), recovered).otherwise(nothing).alias("recoveries_cents"),
    ]


def _totals(draws: Draws) -> list[Column]:
    is_closed = F.col("is_paid_off") | F.col("is_charged_off")
    total = F.col("principal_cents") + F.col("interest_cents") + F.col("recoveries_cents")
    is_troubled = ~F.col("loan_status").isin("Fully Paid", "Current")
    centre = F.when(F.col("is_charged_off"), 585.0).when(is_troubled, 620.0)
    score = F.coalesce(centre, F.col("fico_range_low") + 4.0) + 40.0 * draws.normal("last score")
    return [
        total.alias("total_cents"),
        F.when(is_closed, F.lit(0).cast("bigint"))
        .otherwise(F.col("balance_paid_to"))
        .alias("owed_cents"),
        nearest(F.col("recoveries_cents") * COLLECTION_FEE).alias("fee_cents"),
        (F.floor(clip(score, 500.0, 845.0) / 5.0) * 5).cast("int").alias("last_fico_range_low"),
    ]
