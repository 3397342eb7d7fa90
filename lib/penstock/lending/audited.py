"""What the audit looks at: who was approved, at which price, and which loans are alike in risk."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Positive
from penstock.lending.pd_bands import upper_pd

AUDITED_COLUMNS = """
    application_id STRING COMMENT 'key',
    is_approved BOOLEAN COMMENT 'true = approved, by the policy or a person',
    interest_rate DOUBLE COMMENT 'of the offer made, yearly, fraction; null: none is',
    alike STRING COMMENT 'term, band of PD and band of amount of that offer; null: none'"""


def list_audited(records: DataFrame, *, pd_step: Positive, amount_step: Positive) -> DataFrame:
    """List each application with its decision, and with the price of the offer that is made.

    Grain: one row per record, in and out. An offer is made to who is approved and has one.

    Loans are alike that have the same term and lie in one band of PD and one of amount: what a loan
    costs rises with its PD, and handling weighs more on a small one. The PD is that of the
    applicant, before any price: that of the offer rises with its rate.

    Args:
        records: Columns of `decision_checks.RECORD_COLUMNS`.
        pd_step: Width of a band of PD, in log-odds: 0.1 is a tenth of a small PD.
        amount_step: Width of a band of amount, in logarithms: 0.1 is a tenth.

    Returns:
        The columns of `AUDITED_COLUMNS`.
    """
    is_approved = F.col("decision") == "approve"
    is_offered = is_approved & F.col("offer.interest_rate").isNotNull()
    return records.select(
        "application_id",
        is_approved.alias("is_approved"),
        F.when(is_offered, F.col("offer.interest_rate")).alias("interest_rate"),
        F.when(is_offered, _alike(pd_step, amount_step)).alias("alike"),
    )


def _alike(pd_step: float, amount_step: float) -> Column:
    amount = F.col("offer.amount_usd").cast("double")
    band = F.floor(F.ln(amount) / amount_step)
    # concat() is null if one of them is.
    return F.concat(
        F.col("offer.term_months").cast("string"),
        F.lit(" months, PD to "),
        upper_pd(F.col("pd"), pd_step),
        F.lit(", amount band "),
        band.cast("string"),
    )
