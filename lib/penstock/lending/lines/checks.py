"""Checks of credit lines: the columns of their tables, and the rules a row must keep.

Plain values for the contracts in the graph, as those of `lending/checks.py`.
"""

RAW_LINE_FIELDS = (
    "line_id", "month", "opened_on", "limit_usd", "balance_usd", "days_past_due", "is_default",
    "pd_12m", "lgd",
)  # fmt: skip
RAW_LINE_COLUMNS = ", ".join(f"{name} STRING" for name in RAW_LINE_FIELDS)

_MONEY = """
    limit_usd DECIMAL(12,2) COMMENT 'that may be drawn in all, USD',
    balance_usd DECIMAL(12,2) COMMENT 'owed at the end of the month, USD; may exceed the limit',"""

_STANDING = f"""
    opened_on DATE COMMENT 'day the line was opened',{_MONEY}
    days_past_due INT COMMENT 'at the end of the month',
    is_default BOOLEAN COMMENT 'in default at the end of the month',
    pd_12m DOUBLE COMMENT 'within twelve months, by a model of yours, 0-1; null: none',
    lgd DOUBLE COMMENT 'by a model of yours, 0-1; null: none'"""

LINE_MONTH_COLUMNS = f"""
    line_id STRING COMMENT 'key, with month',
    month DATE COMMENT 'last day of the month',{_STANDING}"""

FEATURE_COLUMNS = """
    utilisation DOUBLE COMMENT 'balance / limit, fraction, capped; null: no limit',
    log_limit DOUBLE COMMENT 'ln(1 + limit in USD)',
    months_on_book INT COMMENT 'since the line was opened',
    utilisation_change_6m DOUBLE COMMENT 'against six months ago; null: unknown then',
    greatest_utilisation_12m DOUBLE COMMENT 'of the last twelve months',
    worst_days_past_due_6m INT COMMENT 'of the last six months',
    has_limit_cut_12m BOOLEAN COMMENT 'limit is below the greatest of the last twelve months'"""

CCF, EAD_FACTOR, BALANCE = "CCF", "EAD factor", "balance"
NO_REFERENCE, ALREADY_DEFAULT, NO_LIMIT = "no reference", "in default then", "no limit then"

LINE_FEATURE_COLUMNS = f"""{LINE_MONTH_COLUMNS},{FEATURE_COLUMNS}"""

LINE_DEFAULT_COLUMNS = f"""
    line_id STRING COMMENT 'key, with default_month',
    default_month DATE COMMENT 'last day of the month in which the default began',
    reference_month DATE COMMENT 'last day of the month before it from which the line is looked at',
    basis STRING COMMENT 'CCF or EAD factor; else why neither can be told',{_MONEY}
    undrawn_usd DECIMAL(12,2) COMMENT 'limit less balance at the reference, at least 0, USD',
    ead_usd DECIMAL(12,2) COMMENT 'owed at the end of default_month, USD',
    unclipped_ccf DOUBLE COMMENT 'what was drawn by default / undrawn; null: basis is not CCF',
    realised_ccf DOUBLE COMMENT 'the same within 0-1',{FEATURE_COLUMNS}"""

LINE_EXPOSURE_COLUMNS = f"""
    line_id STRING COMMENT 'key, with reporting_date',
    reporting_date DATE COMMENT 'last day of a month',{_STANDING},
    undrawn_usd DECIMAL(12,2) COMMENT 'limit less balance, at least 0, USD',
    ccf DOUBLE COMMENT 'by the model, share of the undrawn amount drawn by default, 0-1',
    basis STRING COMMENT 'what ead_usd is told by: CCF, EAD factor, or balance in default',
    ead_usd DECIMAL(14,2) COMMENT 'expected to be owed at a default within twelve months, USD',
    expected_loss_usd DECIMAL(14,2) COMMENT 'PD x LGD x EAD, USD; null: no PD or LGD',
    model_version STRING COMMENT 'registered version of the model that gave the CCF'"""

# A file's line that does not fit its header is no row: what cannot be read is null and breaks a
# rule. NaN is above every number in Spark.
LINE_MONTH_CHECKS = {
    "opened_by_the_month": "opened_on <= month",
    "limit_not_negative": "limit_usd >= 0",
    "balance_is_known": "balance_usd IS NOT NULL",
    "days_past_due_not_negative": "days_past_due >= 0",
    "default_is_known": "is_default IS NOT NULL",
    "pd_is_read": "pd_12m IS NOT NULL OR raw_pd_12m IS NULL",
    "pd_in_range": "pd_12m IS NULL OR pd_12m BETWEEN 0 AND 1",
    "lgd_is_read": "lgd IS NOT NULL OR raw_lgd IS NULL",
    "lgd_in_range": "lgd IS NULL OR lgd BETWEEN 0 AND 1",
}

LINE_EXPOSURE_CHECKS = {
    "ead_not_below_the_balance": "ead_usd >= balance_usd",
    "ead_is_known": "ead_usd IS NOT NULL",
}
