"""Features: what the model may know of an application, in the shape it learns from.

One stateless function for loans and applications alike; whatever is fitted (imputation values,
scaling, category levels) lives in the model. Nothing the lender decided (grade, rate, instalment)
and nothing learnt after the application comes in here.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Keys, dates and outcomes: carried along where the table has them, never learnt from.
CARRIED_COLUMNS = (
    "loan_id",
    "application_id",
    "application_date",
    "issue_date",
    "is_bad",
    "ead_usd",
    "realised_lgd",
)


def add_features(
    records: DataFrame, *, amount_to_income_cap: float, utilisation_cap: float
) -> DataFrame:
    """Add the features of each application, and keep only them, keys, dates and outcomes.

    Grain: one row per row of `records`, in and out.

    Args:
        records: Cleaned loans, labelled loans, defaults or cleaned applications; needs the columns
            of `checks.APPLICATION_COLUMNS` except its key.
        amount_to_income_cap: Largest ratio of amount to yearly income to tell apart, as a
            fraction. A few dollars of income would otherwise outweigh every other feature.
        utilisation_cap: Largest revolving utilisation to tell apart, as a fraction.

    Returns:
        Those of `CARRIED_COLUMNS` that `records` has, then the columns of
        `checks.FEATURE_COLUMNS`. A feature is null if what it is made of is unknown;
        `amount_to_income` also if the income is zero.
    """
    features = {
        **_loan_features(amount_to_income_cap),
        **_bureau_features(utilisation_cap),
        "purpose": F.col("purpose"),
        "home_ownership": F.col("home_ownership"),
    }
    carried = [name for name in CARRIED_COLUMNS if name in records.columns]
    return records.select(*carried, *(column.alias(name) for name, column in features.items()))


def _loan_features(amount_to_income_cap: float) -> dict[str, Column]:
    amount = F.col("amount_usd").cast("double")
    income = F.col("annual_income_usd").cast("double")
    return {
        "log_amount": F.log1p(amount),
        "log_income": F.log1p(income),
        "amount_to_income": capped(F.try_divide(amount, income), amount_to_income_cap),
        "debt_to_income": F.col("debt_to_income"),
        "term_months": F.col("term_months"),
        "employment_years": F.col("employment_years"),
    }


def _bureau_features(utilisation_cap: float) -> dict[str, Column]:
    delinquencies = F.col("delinquencies_2y")
    months_since = F.col("months_since_delinquency")
    # LendingClub's loans of 2007-2009 have 0 months where there never was a delinquency.
    known_months_since = F.when((months_since > 0) | (delinquencies > 0), months_since)
    has_delinquency = F.when(known_months_since.isNotNull(), True).otherwise(delinquencies > 0)
    return {
        "fico": F.col("fico"),
        "credit_history_months": credit_history_months(),
        "delinquencies_2y": delinquencies,
        "has_prior_delinquency": has_delinquency,
        "months_since_delinquency": known_months_since,
        "has_public_record": F.col("public_records") > 0,
        "bankruptcies": F.col("bankruptcies"),
        "inquiries_6m": F.col("inquiries_6m"),
        "open_accounts": F.col("open_accounts"),
        "total_accounts": F.col("total_accounts"),
        "log_revolving_balance": F.log1p(F.col("revolving_balance_usd").cast("double")),
        "revolving_utilisation": capped(F.col("revolving_utilisation"), utilisation_cap),
    }


def credit_history_months() -> Column:
    """Return the whole months from the first credit line to the application (INT)."""
    history = F.months_between("application_date", "earliest_credit_line")
    return F.floor(history).cast("int")


def capped(value: Column, cap: float) -> Column:
    """Return a value, or the cap where it is above; null for null."""
    # least() skips nulls, so it would turn an unknown value into the cap.
    return F.when(value > cap, F.lit(cap)).otherwise(value)
