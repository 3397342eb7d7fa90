"""Each fault of a row is named by a rule, and unusual but real values break none."""

from pyspark.sql import functions as F

from penstock.graphs.lending_contracts import CONTRACTS
from penstock.lending.checks import (
    APPLICATION_CHECKS,
    LOAN_CHECKS,
    RAW_APPLICATION_COLUMNS,
    SCORE_CHECKS,
    SCORE_COLUMNS,
)
from penstock.lending.cleaning import clean_applications, clean_loans

FAULTS = {
    "amount_usd_is_a_number": {"loan_amnt": "a lot"},
    "amount_usd_is_positive": {"loan_amnt": "0"},
    "term_is_36_or_60_months": {"term": "48"},
    "issue_date_is_present": {"issue_d": "n/a"},
    "issue_date_is_a_date": {"issue_d": "31/02/2019"},
    "loan_status_is_known": {"loan_status": "#REF!"},
    "annual_income_usd_is_not_negative": {"annual_inc": "-60000"},
    "debt_to_income_in_range": {"dti": "999"},
    "employment_years_is_a_whole_number": {"emp_length": "3.5 years"},
    "fico_in_range": {"fico_range_low": "70"},
    "funded_usd_is_a_number": {"funded_amnt": "all"},
    "funded_usd_is_positive": {"funded_amnt": "n/a"},
    "interest_rate_is_a_fraction": {"int_rate": "10.65"},
    "revolving_utilisation_in_range": {"revol_util": "29.7"},
    "delinquencies_2y_is_a_whole_number": {"delinq_2yrs": "one"},
    "credit_line_not_after_application": {"earliest_cr_line": "2011-02-02"},
    "last_payment_not_before_issue": {"last_pymnt_d": "2011-01-01"},
}


def clean(raw):
    return clean_loans(raw, policy_exception_prefix="Exception:")


def test_every_fault_is_named_by_its_rule(raw_loans_with, broken_rules):
    found = broken_rules(clean(raw_loans_with(*FAULTS.values())), LOAN_CHECKS)
    missed = {
        rule: broken for rule, broken in zip(FAULTS, found, strict=True) if rule not in broken
    }
    assert missed == {}


def test_one_broken_optional_value_breaks_one_rule(raw_loans_with, broken_rules):
    loans = clean(raw_loans_with({"annual_inc": "plenty"}, {"issue_d": "31/02/2019"}))
    assert broken_rules(loans, LOAN_CHECKS) == [
        ["annual_income_usd_is_a_number"],
        ["issue_date_is_present", "issue_date_is_a_date"],
    ]


def test_unusual_but_real_values_break_no_rule(raw_loans_with, broken_rules):
    optional = dict.fromkeys(raw_loans_with().columns, "n/a")
    for required in ("id", "loan_amnt", "term", "issue_d", "funded_amnt", "loan_status"):
        del optional[required]
    unusual = {
        "revol_util": "1.19",
        "annual_inc": "6000000.0",
        "dti": "0",
        "last_fico_range_low": "0",
    }
    edges = {"earliest_cr_line": "2011-02-01", "last_pymnt_d": "2011-02-01", "annual_inc": "0"}
    loans = clean(raw_loans_with({}, optional, unusual, edges))
    assert broken_rules(loans, LOAN_CHECKS) == [[], [], [], []]


def test_applications_keep_the_same_rules_without_the_outcome(raw_loans_with, broken_rules):
    raw = raw_loans_with({}, {"dti": "?"}, {"issue_d": None}).withColumn(
        "applied", F.col("issue_d")
    )
    known = [field.split()[0] for field in RAW_APPLICATION_COLUMNS.split(", ")]
    applications = clean_applications(raw.select(*known, "applied"), date_column="applied")
    assert broken_rules(applications, APPLICATION_CHECKS) == [
        [],
        ["debt_to_income_is_a_number"],
        ["application_date_is_present"],
    ]


def test_a_score_without_a_probability_is_no_score(spark, broken_rules):
    pds = [0.0, 1.0, None, -0.01, 1.01, float("nan")]
    rows = [("a", None, pd, None, "7") for pd in pds]
    scores = spark.createDataFrame(rows, SCORE_COLUMNS).coalesce(1)
    assert broken_rules(scores, SCORE_CHECKS) == [[], []] + [["pd_in_range"]] * 4


def test_what_no_loan_may_have_fails_and_what_is_unknown_is_put_aside(spark, broken_rules):
    rows = [
        ("1.00", 0.1, 0.0), ("0.01", 1e-9, 1.0),
        ("-0.01", 0.1, 0.5), ("0.00", 0.1, 0.5), (None, 0.1, 0.5),
        *(("1.00", pd, 0.5) for pd in (-0.1, 0.0, 1.0, 1.2, float("nan"), None)),
        *(("1.00", 0.1, lgd) for lgd in (-0.01, 1.01, float("nan"), None)),
    ]  # fmt: skip
    loans = spark.createDataFrame(rows, "balance STRING, pd DOUBLE, lgd DOUBLE").coalesce(1)
    loans = loans.selectExpr("CAST(balance AS DECIMAL(12,2)) AS balance_usd", "pd", "lgd")
    exposures, provisions = CONTRACTS["exposures"], CONTRACTS["provisions"]
    kept = exposures.conditions | provisions.conditions
    about = ("balance_usd", "pd", "lgd")
    rules = {
        rule: sql for rule, sql in kept.items()
        if rule.startswith(about) and "12m" not in rule and "allowance" not in sql
    }  # fmt: skip
    below, pd, lgd = "balance_usd_is_not_negative", "pd_in_range", "lgd_in_range"
    assert broken_rules(loans, rules) == [
        [], [],
        ["balance_usd_is_positive", below], ["balance_usd_is_positive"],
        ["balance_usd_is_positive"],
        *[[pd]] * 5, ["pd_is_known"],
        *[[lgd]] * 3, ["lgd_is_known"],
    ]  # fmt: skip
    assert exposures.levels[below] == provisions.levels[below] == "fail"
    assert provisions.levels[pd] == provisions.levels[lgd] == "fail"
    asides = [exposures.levels["balance_usd_is_positive"], provisions.levels["pd_is_known"]]
    assert {*asides, provisions.levels["lgd_is_known"]} == {"quarantine"}


def test_nobody_is_decided_on_by_a_pd_that_is_none(spark, broken_rules):
    cases = CONTRACTS["cases"]
    pds = spark.createDataFrame(
        [(pd,) for pd in (None, 0.0, 1.0, -0.1, 1.5, float("nan"))], "pd DOUBLE"
    ).coalesce(1)
    assert broken_rules(pds, cases.conditions) == [[], [], [], *[["pd_in_range"]] * 3]
    assert cases.levels["pd_in_range"] == "fail"
