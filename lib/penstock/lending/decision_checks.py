"""Checks of decisions and overrides: their columns, and the rules a row must keep.

Plain values for the contracts in the graph, as those in `checks.py`.
"""

from penstock.lending.checks import APPLICATION_COLUMNS

_FREE_TEXTS = ("title ", "description ")  # for people: no rule reads them
_JUDGED = [
    line
    for line in APPLICATION_COLUMNS.strip().splitlines()
    if not line.strip().startswith(_FREE_TEXTS)
]
CASE_COLUMNS = (
    "\n".join(_JUDGED)
    + """,
    credit_history_months INT COMMENT 'since the first credit line, whole months',
    instalment_usd DECIMAL(12,2) COMMENT 'monthly, at the tested rate, USD',
    pd DOUBLE COMMENT 'probability of default over the term, 0-1; null: could not be scored',
    points INT COMMENT 'the PD on the scale of params.common; higher = safer',
    model_version STRING COMMENT 'registered version of the model that gave it'"""
)

RAW_OVERRIDE_COLUMNS = (
    "application_id STRING, decision STRING, `by` STRING, why STRING, `at` STRING"
)

OVERRIDE_COLUMNS = """
    application_id STRING COMMENT 'key',
    decision STRING COMMENT 'approve, refer or decline: in the place of the policy''s',
    by STRING COMMENT 'who decided',
    why STRING COMMENT 'for what reason',
    at TIMESTAMP COMMENT 'when'"""

DECISION_COLUMNS = """
    application_id STRING COMMENT 'key, with as_of_date',
    as_of_date DATE COMMENT 'day of the decision',
    decision STRING COMMENT 'approve, refer (to a person) or decline; an override''s before all',
    policy_decision STRING COMMENT 'the same by the policy alone',
    rules_hit ARRAY<STRING> COMMENT 'names, in the order they decide',
    rules_untold ARRAY<STRING> COMMENT 'names of rules that lack a value to be told',
    reasons ARRAY<STRING> COMMENT 'of each rule that declines, else those to refer for',
    limit_usd DECIMAL(12,2) COMMENT 'by the policy, whatever the decision, USD; null: none',
    interest_rate DOUBLE COMMENT 'by the policy, yearly, fraction; null: none',
    pd DOUBLE COMMENT 'probability of default over the term, 0-1; null: could not be scored',
    points INT COMMENT 'the PD on the scale of params.common; higher = safer',
    model_version STRING COMMENT 'registered version of the model that gave it',
    policy_version STRING COMMENT 'name and version of the policy in force',
    cut_off DOUBLE COMMENT 'highest PD that it lends to, 0-1; null: it sets none',
    overridden_by STRING COMMENT 'who decided otherwise',
    overridden_why STRING COMMENT 'for what reason',
    overridden_at TIMESTAMP COMMENT 'when'"""

RECORD_COLUMNS = """
    application_id STRING COMMENT 'key, with as_of_date',
    as_of_date DATE COMMENT 'day of the decision',
    input_hash STRING COMMENT 'SHA-256 of what the policy has looked at',
    decision STRING COMMENT 'approve, refer (to a person) or decline',
    policy_decision STRING COMMENT 'the same by the policy alone',
    rules_hit ARRAY<STRING> COMMENT 'names, in the order they decide',
    rules_untold ARRAY<STRING> COMMENT 'names of rules that lack a value to be told',
    policy_reasons ARRAY<STRING> COMMENT 'of each rule that declines, else those to refer for',
    score_reasons ARRAY<STRUCT<family: STRING, feature: STRING, text: STRING, shortfall: DOUBLE>>
        COMMENT 'what weighs most against the application; null: not to be explained, or no score',
    counterfactual STRUCT<amount_usd: DECIMAL(12,2), term_months: INT, text: STRING>
        COMMENT 'smallest change that would turn the decline; null: none known, or no decline',
    limit_usd DECIMAL(12,2) COMMENT 'by the policy, USD; null: none',
    offer STRUCT<offer: INT, amount_usd: DECIMAL(12,2), term_months: INT, interest_rate: DOUBLE,
        installment_usd: DECIMAL(12,2), pd: DOUBLE, take_up: DOUBLE,
        expected_profit_usd: DECIMAL(14,4)> COMMENT 'of greatest expected profit; null: none',
    pd DOUBLE COMMENT 'probability of default over the term, 0-1; null: could not be scored',
    points INT COMMENT 'the PD on the scale of params.common; higher = safer',
    model_version STRING COMMENT 'registered version of the model that gave the PD',
    reasons_version STRING COMMENT 'registered version of the model that told the reasons',
    policy_version STRING COMMENT 'name and version of the policy in force',
    cut_off DOUBLE COMMENT 'highest PD that it lends to, 0-1; null: it sets none',
    overridden_by STRING COMMENT 'who decided otherwise',
    overridden_why STRING COMMENT 'for what reason',
    overridden_at TIMESTAMP COMMENT 'when',
    record_hash STRING COMMENT 'SHA-256 of all other columns'"""

NO_OFFER = "No offer earns its costs within the limit and the caps on rates."

_DECISIONS = "'approve', 'refer', 'decline'"

OVERRIDE_CHECKS = {
    "line_fits_the_header": "broken_line IS NULL",
    "decision_is_known": f"decision IN ({_DECISIONS})",
    # Without a name and a reason an override does not count.
    "by_is_present": "by IS NOT NULL",
    "why_is_present": "why IS NOT NULL",
    "at_is_present": "at IS NOT NULL",
}

# What must hold of an application for anything to be decided, with the cure.
CASE_LIMITS = {
    # Of scores that another system has made. NaN is above every number in Spark.
    "pd_in_range": (
        "pd IS NULL OR pd BETWEEN 0 AND 1",
        "A PD lies between 0 and 1, or is null where nothing could be scored: mend 'scores' where "
        "they are made. Nothing has been decided.",
    ),
}

DECISION_CHECKS = {
    "decision_is_known": f"decision IN ({_DECISIONS})",
    "what_is_not_approved_has_a_reason": "policy_decision = 'approve' OR size(reasons) > 0",
    # A day mistyped would decide by a policy that nobody applied under.
    "as_of_date_not_before_the_application": (
        "application_date IS NULL OR application_date <= as_of_date"
    ),
    "who_has_not_been_scored_is_not_approved": "pd IS NOT NULL OR policy_decision != 'approve'",
}

RECORD_CHECKS = {
    "decision_is_known": f"decision IN ({_DECISIONS})",
    "what_is_declined_has_a_reason": (
        "decision != 'decline' OR overridden_by IS NOT NULL OR size(policy_reasons) > 0"
    ),
    "hashes_are_present": "input_hash IS NOT NULL AND record_hash IS NOT NULL",
}
