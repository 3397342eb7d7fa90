"""Payments agree to the cent with the totals of the export and with the amount lent."""

from pyspark.sql import functions as F

from penstock.synthetic.book import export_book
from penstock.synthetic.payments import list_payments


def test_payments_reconcile_to_the_cent(book):
    few = book.where("id < 3000")
    sums = (
        list_payments(few)
        .groupBy("id")
        .agg(
            F.sum("paid_usd").alias("paid"),
            F.sum("principal_usd").alias("principal"),
            F.sum("interest_usd").alias("interest"),
            F.sum("recovery_usd").alias("recovery"),
            F.sum("charged_off_usd").alias("written_off"),
            F.max_by("balance_usd", "month_on_book").alias("balance"),
            F.max("month_on_book").alias("months"),
            F.count("*").alias("rows"),
            F.min("interest_usd").alias("least_interest"),
        )
    )
    raw_loans, _ = export_book(few, malformed_share=0.0, duplicate_share=0.0)
    loans = raw_loans.join(sums, "id", how="left")
    agrees = (
        "paid = total_pymnt AND principal = total_rec_prncp AND interest = total_rec_int"
        " AND recovery = recoveries AND balance = out_prncp"
        " AND principal + written_off + balance = funded_amnt"
        " AND rows = months AND least_interest >= 0"
    )
    [counted] = loans.agg(
        F.count("*").alias("loans"), F.count_if(F.expr(agrees)).alias("agreeing")
    ).collect()
    assert counted.loans == counted.agreeing == 3000


def test_a_loan_without_a_due_date_yet_has_no_payments(book):
    unborn = book.where("id < 100").withColumn("end_month", F.lit(0))
    assert list_payments(unborn).isEmpty()
