"""Checks: the columns of every lending table, and the rules a row must keep.

Plain values for the contracts in the graph. A rule is an SQL condition over the columns and, for
cleaned tables, over `raw`, the texts they were read from; a row for which it is false or null
breaks it. Ranges are as wide as honest books are: they are there for broken rows, not for unusual
people. That a key is known and unique is the contract's own rule.
"""

from penstock.learn.reject_inference import REJECTED
from penstock.lending.cleaning import RAW_APPLICATION_FIELDS, RAW_LOAN_FIELDS
from penstock.lending.parsing import MISSING_TEXTS

# Every raw column is text: a declared type would turn what it cannot read into null, unseen.
RAW_LOAN_COLUMNS = ", ".join(f"{name} STRING" for name in RAW_LOAN_FIELDS)
RAW_APPLICATION_COLUMNS = ", ".join(f"{name} STRING" for name in RAW_APPLICATION_FIELDS)
# What is not known at the application; names with a star are columns that some exports have.
# The issue date is taken for the day of the application, for want of another.
RAW_LOAN_CLOCKS = {
    "decision": ("int_rate", "installment", "grade", "sub_grade", "funded_amnt"),
    "post": (
        "loan_status",
        "out_prncp*",
        "total_pymnt*",
        "total_rec_*",
        "recoveries",
        "collection_recovery_fee",
        "last_pymnt_*",
        "next_pymnt_d*",
        "last_credit_pull_d*",
        "last_fico_range_*",
        "pymnt_plan*",
        "hardship_*",
        "deferral_term*",
        "payment_plan_*",
        "orig_projected_*",
        "debt_settlement_*",
        "settlement_*",
        # What investors had taken over of funded_amnt in the end.
        "funded_amnt_inv*",
    ),
}

_APPLICANT_COLUMNS = """
    amount_usd DECIMAL(12,2) COMMENT 'amount asked for, USD',
    term_months INT COMMENT '36 or 60',
    purpose STRING COMMENT 'what the money is for, one of a few words',
    title STRING COMMENT 'title the borrower gave the loan',
    description STRING COMMENT 'what the borrower wrote; may hold HTML',
    annual_income_usd DECIMAL(14,2) COMMENT 'as stated by the borrower, USD a year',
    debt_to_income DOUBLE COMMENT 'monthly debt service / monthly income, fraction',
    employment_years INT COMMENT '0-10; 0 = less than one, 10 = ten or more',
    home_ownership STRING COMMENT 'RENT, MORTGAGE, OWN, OTHER or NONE',
    income_verification STRING COMMENT 'whether and how the income was verified',
    state STRING COMMENT 'US state, two letters',
    fico INT COMMENT 'lower end of the FICO band at application',
    earliest_credit_line DATE COMMENT 'first credit line ever opened',
    delinquencies_2y INT COMMENT '30+ days past due, last 24 months',
    inquiries_6m INT COMMENT 'credit inquiries, last 6 months',
    months_since_delinquency INT COMMENT 'null or 0 = none known',
    months_since_record INT COMMENT 'since the last public record; null or 0 = none known',
    open_accounts INT COMMENT 'open credit lines',
    public_records INT COMMENT 'derogatory public records',
    bankruptcies INT COMMENT 'public record bankruptcies',
    revolving_balance_usd DECIMAL(14,2) COMMENT 'USD',
    revolving_utilisation DOUBLE COMMENT 'revolving balance / limit, fraction; may exceed 1',
    total_accounts INT COMMENT 'credit lines ever opened'"""

LOAN_COLUMNS = f"""
    loan_id STRING COMMENT 'key',
    application_date DATE COMMENT 'the issue date, for want of the day of application',
    issue_date DATE COMMENT 'first of the month of issue',{_APPLICANT_COLUMNS},
    funded_usd DECIMAL(12,2) COMMENT 'amount lent, USD; known at the decision',
    interest_rate DOUBLE COMMENT 'yearly, fraction; known at the decision',
    installment_usd DECIMAL(12,2) COMMENT 'monthly, USD; known at the decision',
    grade STRING COMMENT 'A-G, the lender''s own; known at the decision',
    sub_grade STRING COMMENT 'A1-G5, the lender''s own; known at the decision',
    loan_status STRING COMMENT 'without the note on the credit policy; known after issue',
    meets_credit_policy BOOLEAN COMMENT 'false = granted as an exception',
    principal_outstanding_usd DECIMAL(12,2) COMMENT 'USD; known after issue',
    total_paid_usd DECIMAL(12,2) COMMENT 'all payments, USD; known after issue',
    principal_paid_usd DECIMAL(12,2) COMMENT 'USD; known after issue',
    interest_paid_usd DECIMAL(12,2) COMMENT 'USD; known after issue',
    recoveries_usd DECIMAL(12,2) COMMENT 'after charge-off, gross, USD; known after issue',
    collection_fee_usd DECIMAL(12,2) COMMENT 'cost of the recoveries, USD; known after issue',
    last_payment_date DATE COMMENT 'known after issue',
    last_fico INT COMMENT 'latest FICO, 0 = none; known after issue: moves with the outcome'"""

APPLICATION_COLUMNS = f"""
    application_id STRING COMMENT 'key',
    application_date DATE COMMENT 'day of the application',{_APPLICANT_COLUMNS}"""

FEATURE_COLUMNS = """
    log_amount DOUBLE COMMENT 'ln(1 + amount in USD)',
    log_income DOUBLE COMMENT 'ln(1 + yearly income in USD)',
    amount_to_income DOUBLE COMMENT 'amount / yearly income, fraction, capped',
    debt_to_income DOUBLE COMMENT 'fraction',
    term_months INT COMMENT '36 or 60',
    employment_years INT COMMENT '0-10',
    fico INT COMMENT 'lower end of the FICO band',
    credit_history_months INT COMMENT 'since the first credit line, whole months',
    delinquencies_2y INT COMMENT 'last 24 months',
    has_prior_delinquency BOOLEAN COMMENT 'ever, as far as known',
    months_since_delinquency INT COMMENT 'null = none known',
    has_public_record BOOLEAN COMMENT 'ever, as far as known',
    bankruptcies INT COMMENT 'public record bankruptcies',
    inquiries_6m INT COMMENT 'last 6 months',
    open_accounts INT COMMENT 'open credit lines',
    total_accounts INT COMMENT 'credit lines ever opened',
    log_revolving_balance DOUBLE COMMENT 'ln(1 + revolving balance in USD)',
    revolving_utilisation DOUBLE COMMENT 'fraction, capped',
    purpose STRING COMMENT 'what the money is for',
    home_ownership STRING COMMENT 'RENT, MORTGAGE, OWN, OTHER or NONE'"""

LOAN_FEATURE_COLUMNS = f"""
    loan_id STRING COMMENT 'key',
    application_date DATE COMMENT 'the issue date, for want of the day of application',
    issue_date DATE COMMENT 'first of the month of issue',
    is_bad INT COMMENT '1 = charged off or in default within the term, 0 = paid back',\
{FEATURE_COLUMNS}"""

TRAIN_COLUMNS = f"""{LOAN_FEATURE_COLUMNS},
    sample STRING COMMENT 'development or calibration; of rejected applications with that word'"""

_EXPOSURE_LOST = """
    ead_usd DECIMAL(12,2) COMMENT 'principal owed at default, USD; known after issue',
    realised_lgd DOUBLE COMMENT 'share of ead_usd lost after recoveries, 0-1; known after issue'"""

DEFAULT_COLUMNS = f"""{LOAN_COLUMNS},{_EXPOSURE_LOST}"""

DEFAULT_FEATURE_COLUMNS = f"""
    loan_id STRING COMMENT 'key',
    application_date DATE COMMENT 'the issue date, for want of the day of application',
    issue_date DATE COMMENT 'first of the month of issue',{_EXPOSURE_LOST},\
{FEATURE_COLUMNS}"""

SCORE_COLUMNS = """
    application_id STRING COMMENT 'key, with as_of_date',
    as_of_date DATE COMMENT 'day the score stands for',
    pd DOUBLE COMMENT 'probability of default over the term, 0-1',
    points INT COMMENT 'the PD on the scale of params.common; higher = safer',
    model_version STRING COMMENT 'registered version of the model that gave it'"""

LOAN_STATUSES = (
    "Issued",
    "Current",
    "In Grace Period",
    "Late (16-30 days)",
    "Late (31-120 days)",
    "Default",
    "Charged Off",
    "Fully Paid",
)

# Typed column to the raw column it is read from, by the kind of text a good row has there.
_APPLICANT_SOURCES = {
    "a_number": {
        "amount_usd": "loan_amnt",
        "annual_income_usd": "annual_inc",
        "debt_to_income": "dti",
        "revolving_balance_usd": "revol_bal",
        "revolving_utilisation": "revol_util",
    },
    "a_whole_number": {
        "term_months": "term",
        "employment_years": "emp_length",
        "fico": "fico_range_low",
        "delinquencies_2y": "delinq_2yrs",
        "inquiries_6m": "inq_last_6mths",
        "months_since_delinquency": "mths_since_last_delinq",
        "months_since_record": "mths_since_last_record",
        "open_accounts": "open_acc",
        "public_records": "pub_rec",
        "bankruptcies": "pub_rec_bankruptcies",
        "total_accounts": "total_acc",
    },
    "a_date": {"earliest_credit_line": "earliest_cr_line"},
}
_LOAN_SOURCES = {
    "a_number": {
        "funded_usd": "funded_amnt",
        "interest_rate": "int_rate",
        "installment_usd": "installment",
        "principal_outstanding_usd": "out_prncp",
        "total_paid_usd": "total_pymnt",
        "principal_paid_usd": "total_rec_prncp",
        "interest_paid_usd": "total_rec_int",
        "recoveries_usd": "recoveries",
        "collection_fee_usd": "collection_recovery_fee",
    },
    "a_whole_number": {"last_fico": "last_fico_range_low"},
    "a_date": {"issue_date": "issue_d", "last_payment_date": "last_pymnt_d"},
}


def _sql_texts(texts: tuple[str, ...]) -> str:
    return ", ".join(f"'{text}'" for text in texts)


def _parse_rules(sources: dict[str, dict[str, str]]) -> dict[str, str]:
    missing = _sql_texts(MISSING_TEXTS)
    return {
        f"{column}_is_{kind}": (
            f"{column} IS NOT NULL OR raw.{raw} IS NULL OR lower(trim(raw.{raw})) IN ({missing})"
        )
        for kind, columns in sources.items()
        for column, raw in columns.items()
    }


def _if_known(condition: str) -> str:
    # Null in a column that need not be filled breaks no rule.
    return f"coalesce({condition}, true)"


def _not_negative(*columns: str) -> dict[str, str]:
    return {f"{column}_is_not_negative": _if_known(f"{column} >= 0") for column in columns}


_APPLICANT_CHECKS = {
    "line_fits_the_header": "raw.broken_line IS NULL",
    **_parse_rules(_APPLICANT_SOURCES),
    "amount_usd_is_positive": "amount_usd > 0",
    "term_is_36_or_60_months": "term_months IN (36, 60)",
    "employment_years_in_range": _if_known("employment_years BETWEEN 0 AND 10"),
    # 999 per cent is a filler code of the export, not a burden somebody has.
    "debt_to_income_in_range": _if_known("debt_to_income >= 0 AND debt_to_income < 9.99"),
    "fico_in_range": _if_known("fico BETWEEN 300 AND 850"),
    # Above 1 is real: a balance over its limit. Above 10 it is a percentage without its sign.
    "revolving_utilisation_in_range": _if_known("revolving_utilisation BETWEEN 0 AND 10"),
    "credit_line_not_after_application": _if_known("earliest_credit_line <= application_date"),
    **_not_negative(
        "annual_income_usd",
        "delinquencies_2y",
        "inquiries_6m",
        "months_since_delinquency",
        "months_since_record",
        "open_accounts",
        "public_records",
        "bankruptcies",
        "revolving_balance_usd",
        "total_accounts",
    ),
}

LOAN_CHECKS = {
    "issue_date_is_present": "issue_date IS NOT NULL",
    # A status nobody knows would be left out by the labels without a word.
    "loan_status_is_known": f"loan_status IN ({_sql_texts(LOAN_STATUSES)})",
    **_APPLICANT_CHECKS,
    **_parse_rules(_LOAN_SOURCES),
    # What is owed and lost of a loan is of what was lent, so that it cannot be missing.
    "funded_usd_is_positive": "funded_usd > 0",
    # A rate of 10.65 without its sign would otherwise pass as 1065 %.
    "interest_rate_is_a_fraction": _if_known("interest_rate >= 0 AND interest_rate < 1"),
    "installment_usd_is_positive": _if_known("installment_usd > 0"),
    "last_payment_not_before_issue": _if_known("last_payment_date >= issue_date"),
    "last_fico_in_range": _if_known("last_fico = 0 OR last_fico BETWEEN 300 AND 850"),
    **_not_negative(
        "principal_outstanding_usd",
        "total_paid_usd",
        "principal_paid_usd",
        "interest_paid_usd",
        "recoveries_usd",
        "collection_fee_usd",
    ),
}

APPLICATION_CHECKS = {
    "application_date_is_present": "application_date IS NOT NULL",
    **_APPLICANT_CHECKS,
    **_parse_rules({"a_date": {"application_date": "application_date"}}),
}

LABELLED_CHECKS = {"is_bad_is_0_or_1": "is_bad IN (0, 1)"}

DEFAULT_CHECKS = {
    "ead_usd_is_positive": "ead_usd > 0",
    # NaN is above every number in Spark, so the upper bound refuses it too.
    "realised_lgd_in_range": "realised_lgd BETWEEN 0 AND 1",
}

_REJECTED = f"sample IN ({_sql_texts(tuple(REJECTED.values()))})"
TRAIN_CHECKS = {
    "is_bad_is_0_or_1_or_nobody_knows": f"is_bad IN (0, 1) OR (is_bad IS NULL AND {_REJECTED})",
    "sample_is_known": f"sample IN ({_sql_texts(tuple(REJECTED))}) OR {_REJECTED}",
}

SCORE_CHECKS = {
    # NaN is above every number in Spark, so the upper bound refuses it too.
    "pd_in_range": "pd BETWEEN 0 AND 1",
    "model_version_is_present": "model_version IS NOT NULL",
}
