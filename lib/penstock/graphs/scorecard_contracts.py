"""What the datasets of the scorecard graph promise."""

from dataclasses import replace

from penstock.engine.contract import Check, Contract
from penstock.learn.binning.tables import BINNING_COLUMNS
from penstock.learn.history import HISTORY_COLUMNS
from penstock.learn.protected import PROTECTED_COLUMNS
from penstock.learn.tuning.explain import TRIAL_COLUMNS

AS_WRITTEN = (
    "Say in the node's parameters how days are written (date_format), which values are numbers "
    "(numeric) and which texts stand for nothing (missing)."
)

OBSERVATIONS = Contract(
    "row_id STRING COMMENT 'key of the table, or hash of the row', "
    "is_bad INT COMMENT '1 = bad, 0 = good, null = indeterminate', "
    "bad_on DATE COMMENT 'day a bad row turned bad, if known', "
    "indeterminate STRING COMMENT 'why is_bad is null; null in a table without a target'",
    key=("row_id",),
    checks={
        "every_value_can_be_read": Check("fault IS NULL", cure=AS_WRITTEN),
        "group_is_known": "group IS NOT NULL",
        # Not for quarantine: the wrong day, or the wrong table, was given.
        "is_observed_by_as_of": Check("observed_on IS NULL OR observed_on <= as_of", "fail"),
        "is_bad_by_as_of": Check("bad_on IS NULL OR bad_on <= as_of", "fail"),
        "is_observed_before_it_is_bad": "bad_on IS NULL OR observed_on IS NULL "
        "OR bad_on >= observed_on",
    },
    quarantine="observations_quarantine",
    is_open=True,
    min_rows=1,
)

# A row that could be of anybody, or of any day, is of no use; nor is one half read.
HISTORY = Contract(
    HISTORY_COLUMNS,
    checks={
        "every_value_can_be_read": Check("fault IS NULL", cure=AS_WRITTEN),
        "history_key_is_known": "history_key IS NOT NULL",
        "event_is_known": "event_on IS NOT NULL",
        "availability_is_known": "available_on IS NOT NULL",
    },
    quarantine="history_quarantine",
    is_open=True,
)

# Without rows in one of them there is nothing to fit, or to judge by.
SAMPLED = Contract(
    "row_id STRING, is_bad INT",
    is_open=True,
    min_rows=1,
    few_rows_cure="The report outcome_report counts rows by outcome and tells their first and last "
    "days: compare these with target, good_values, bad_values and date of read_observations, and "
    "with the days of split_observations.",
)

# Who may read it is for the owner of the table to say: the audit needs it, and who reweighs.
PROTECTED = Contract(PROTECTED_COLUMNS, key=("row_id",), quarantine="protected_quarantine")

CONTRACTS = {
    "history": HISTORY,
    "observations": OBSERVATIONS,
    "applications_to_score": replace(OBSERVATIONS, quarantine="unscored_quarantine"),
    "development_table": SAMPLED,
    "judged_table": SAMPLED,
    "protected_table": PROTECTED,
    "scorecard_bins": Contract(BINNING_COLUMNS, key=("column", "bin")),
    "challenger_trials": Contract(TRIAL_COLUMNS, key=("trial",)),
}
