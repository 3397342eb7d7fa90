"""Checks of exposures, provisions and what they are made of: columns, and rules of their rows.

Plain values for the contracts in the graph, as in `checks.py`.
"""

EXPOSURE_COLUMNS = """
    loan_id STRING COMMENT 'key, with reporting_date',
    reporting_date DATE COMMENT 'day on which the loan is open',
    issue_date DATE COMMENT 'first of the month of issue',
    term_months INT COMMENT '36 or 60',
    interest_rate DOUBLE COMMENT 'yearly, fraction',
    grade STRING COMMENT 'A-G, the lender''s own',
    instalments_paid INT COMMENT 'by the reporting date',
    remaining_months INT COMMENT 'instalments not paid yet',
    days_past_due INT COMMENT 'since the first instalment that was missed',
    is_default BOOLEAN COMMENT 'so many days past due that it counts as in default',
    balance_usd DECIMAL(12,2) COMMENT 'principal owed by the schedule, USD'"""

DEFAULT_TIMING_COLUMNS = """
    term_months INT COMMENT 'key, with month',
    month INT COMMENT 'of the term, from 1',
    defaults BIGINT COMMENT 'loans whose first instalment never paid is of this month',
    payoffs BIGINT COMMENT 'loans paid back in this month',
    monthly_share DOUBLE COMMENT 'of all defaults of the term, in this month, 0-1',
    default_share DOUBLE COMMENT 'of all defaults of the term, by the end of the month, 0-1',
    open_share DOUBLE COMMENT 'of loans that are paid back, those that are not yet, 0-1'"""

PROVISION_COLUMNS = f"""{EXPOSURE_COLUMNS},
    pd DOUBLE COMMENT 'over the whole term, by the model, 0-1',
    lgd DOUBLE COMMENT 'by the model, 0-1',
    expected_lifetime_pd DOUBLE COMMENT 'over the remaining term, as expected at issue, 0-1',
    lifetime_pd DOUBLE COMMENT 'over the remaining term, 0-1; 1 in default',
    pd_12m DOUBLE COMMENT 'within twelve months, 0-1; 1 in default',
    scenario_lifetime_pd DOUBLE COMMENT 'lifetime_pd with the outlook, mean over scenarios, 0-1',
    exposure_lifetime_usd DOUBLE COMMENT 'mean discounted balance at default, USD',
    exposure_12m_usd DOUBLE COMMENT 'the same of a default within twelve months, USD',
    macro_factor DOUBLE COMMENT 'loss with outlook and scenarios / loss without',
    ecl_lifetime_usd DECIMAL(14,2) COMMENT 'expected credit loss over the life, USD',
    ecl_12m_usd DECIMAL(14,2) COMMENT 'expected credit loss of defaults in twelve months, USD',
    stage INT COMMENT '1, 2 = much riskier than at issue, 3 = in default',
    overlay_usd DECIMAL(14,2) COMMENT 'added by judgement, USD',
    allowance_usd DECIMAL(14,2) COMMENT 'what is set aside, with the overlay, USD',
    expected_loss_usd DECIMAL(14,2) COMMENT 'PD in twelve months x LGD x balance, USD',
    risk_weight DOUBLE COMMENT 'of the balance, as a fraction',
    capital_usd DECIMAL(14,2) COMMENT '8 % of the risk-weighted balance, USD'"""

WALK_COLUMNS = """
    reporting_date DATE COMMENT 'key, with the stages: the later of two dates',
    stage_before INT COMMENT '1-3; 0 = not open on the earlier date',
    stage_after INT COMMENT '1-3; 0 = not open on the later date',
    loans BIGINT COMMENT 'with these stages',
    opening_usd DECIMAL(18,2) COMMENT 'allowance of the earlier date, USD',
    closed_usd DECIMAL(18,2) COMMENT 'of loans paid back or charged off since, USD',
    new_usd DECIMAL(18,2) COMMENT 'of loans issued since, USD',
    stage_usd DECIMAL(18,2) COMMENT 'by another stage, USD',
    pd_usd DECIMAL(18,2) COMMENT 'by another PD, USD',
    lgd_usd DECIMAL(18,2) COMMENT 'by another LGD, USD',
    ead_usd DECIMAL(18,2) COMMENT 'by another balance and nearer months, USD',
    macro_usd DECIMAL(18,2) COMMENT 'by another outlook, USD',
    overlay_usd DECIMAL(18,2) COMMENT 'by judgement, USD',
    closing_usd DECIMAL(18,2) COMMENT 'allowance of the later date, USD'"""

EXPOSURE_CHECKS = {
    # Unknown, or less than a cent.
    "balance_usd_is_positive": "balance_usd > 0",
    # The balances of a loan without interest are no annuity's.
    "interest_rate_is_above_a_thousandth": "interest_rate > 0.001",
    "day_of_payoff_is_known": "instalments_paid IS NOT NULL",
    "instalments_paid_in_range": "instalments_paid BETWEEN 0 AND term_months - 1",
}

PROVISION_CHECKS = {
    # Null for a loan of a length that no loan with its whole term behind it has.
    "term_has_default_timing": "lifetime_pd IS NOT NULL OR pd IS NULL",
    "pd_is_known": "pd IS NOT NULL",
    "lgd_is_known": "lgd IS NOT NULL",
    "pd_12m_in_range": "pd_12m > 0 AND pd_12m <= lifetime_pd * (1 + 1e-9)",
    "lifetime_pd_in_range": "lifetime_pd <= 1 AND scenario_lifetime_pd <= 1 + 1e-9",
    "allowance_usd_in_range": "allowance_usd BETWEEN 0 AND balance_usd * 2",
    "capital_usd_in_range": "capital_usd BETWEEN 0 AND balance_usd",
}

# What no loan may have, each with its cure: put aside, it would be missing in the allowance.
EXPOSURE_LIMITS = {
    "balance_usd_is_not_negative": (
        "balance_usd IS NULL OR balance_usd >= 0",
        "Nobody owes less than nothing: mend the loan, or the table that catalog.exposures names.",
    ),
}

PROVISION_LIMITS = {
    **EXPOSURE_LIMITS,
    # NaN is above every number in Spark, so the upper bounds refuse it too.
    "pd_in_range": (
        "pd IS NULL OR (pd > 0 AND pd < 1)",
        "A PD lies between 0 and 1: mend the model 'champion', or the table that "
        "catalog.loan_risk names.",
    ),
    "lgd_in_range": (
        "lgd IS NULL OR lgd BETWEEN 0 AND 1",
        "An LGD lies between 0 and 1: mend the model 'lgd_champion', or the table that "
        "catalog.loan_risk names.",
    ),
}

WALK_CHECKS = {
    "steps_add_up_to_the_cent": "opening_usd + closed_usd + new_usd + stage_usd + pd_usd + lgd_usd "
    "+ ead_usd + macro_usd + overlay_usd = closing_usd",
}
