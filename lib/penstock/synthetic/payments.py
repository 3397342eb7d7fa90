"""The instalments of the book: what was due, what was paid, what was written off."""

from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.synthetic.outcomes import balance_cents, interest_cents
from penstock.synthetic.risk import MONTHS_TO_CHARGE_OFF


def list_payments(book: DataFrame) -> DataFrame:
    """List the instalments that fell due on each loan up to the snapshot.

    Grain: one row per `id` and `month_on_book`, from 1 until payoff, charge-off or snapshot.

    Args:
        book: From `draw_book`.

    Returns:
        `id` (STRING), `month_on_book` (INT), `due_date`, and in USD (DECIMAL(12,2)) `due_usd`,
        `paid_usd` = `principal_usd` + `interest_usd` + `recovery_usd` (sold debt, in the month of
        the charge-off), `charged_off_usd`, and `balance_usd` owed afterwards. Never null. For each
        loan paid adds up to `total_pymnt`; principal, charged off, last balance to `funded_amnt`.
    """
    due = book.where(F.col("end_month") > 0).select(
        "id", "applied_on", "int_rate", "amount_cents", "installment_cents", "charge_off_month",
        "payoff_month", "paid_months", "recoveries_cents",
        F.explode(F.sequence(F.lit(1), F.col("end_month"))).alias("month_on_book"),
    )  # fmt: skip
    month, charge_off = F.col("month_on_book"), F.col("charge_off_month")
    balanced = due.select(
        "*",
        F.coalesce(month == F.col("payoff_month"), F.lit(False)).alias("is_payoff"),
        F.coalesce(month == charge_off, F.lit(False)).alias("is_charge_off"),
        F.coalesce(month >= charge_off - MONTHS_TO_CHARGE_OFF, F.lit(False)).alias("is_missed"),
        balance_cents(F.least(month - 1, F.col("paid_months"))).alias("before"),
        balance_cents(F.least(month, F.col("paid_months"))).alias("after"),
    )
    split = balanced.select("*", *_split())
    return split.select(
        F.col("id").cast("string").alias("id"),
        "month_on_book",
        F.add_months("applied_on", month).alias("due_date"),
        usd("due").alias("due_usd"),
        usd(F.col("principal") + F.col("interest") + F.col("recovery")).alias("paid_usd"),
        usd("principal").alias("principal_usd"),
        usd("interest").alias("interest_usd"),
        usd("recovery").alias("recovery_usd"),
        usd("charged_off").alias("charged_off_usd"),
        usd(F.col("before") - F.col("principal") - F.col("charged_off")).alias("balance_usd"),
    )


def usd(cents: Column | str) -> Column:
    """Return whole cents (BIGINT) as DECIMAL(12,2) dollars."""
    column = F.col(cents) if isinstance(cents, str) else cents
    return (column.cast("decimal(12,0)") * F.lit(Decimal("0.01"))).cast("decimal(12,2)")


def _split() -> list[Column]:
    before, installment = F.col("before"), F.col("installment_cents")
    nothing = F.lit(0).cast("bigint")
    principal = F.when(F.col("is_payoff"), before).otherwise(before - F.col("after"))
    interest = (
        F.when(F.col("is_payoff"), interest_cents(before))
        .when(F.col("is_missed"), nothing)
        .otherwise(installment - principal)
    )
    return [
        F.when(F.col("is_payoff"), before + interest_cents(before))
        .otherwise(installment)
        .alias("due"),
        principal.alias("principal"),
        interest.alias("interest"),
        F.when(F.col("is_charge_off"), F.col("recoveries_cents"))
        .otherwise(nothing)
        .alias("recovery"),
        F.when(F.col("is_charge_off"), before).otherwise(nothing).alias("charged_off"),
    ]
