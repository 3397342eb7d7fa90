"""What the datasets of the lending graph promise.

The texts are in `lending/checks.py`, and `decision_checks.py` and `provision_checks.py` beside it.
"""

from collections.abc import Mapping

from penstock.engine.contract import Check, Contract
from penstock.learn.protected import PROTECTED_COLUMNS
from penstock.lending import checks, decision_checks, provision_checks
from penstock.lending.audited import AUDITED_COLUMNS
from penstock.lending.candidates import CANDIDATE_COLUMNS, PORTFOLIO_COLUMNS
from penstock.lending.counterfactuals import COUNTERFACTUAL_COLUMNS
from penstock.lending.judged_value import VALUED_COLUMNS
from penstock.lending.offers import OFFER_CHECKS, OFFER_COLUMNS
from penstock.lending.unreadable import UNREADABLE_COLUMNS
from penstock.portfolio.bid_prices import BID_PRICE_COLUMNS
from penstock.portfolio.certificate_table import CERTIFICATE_COLUMNS
from penstock.portfolio.frontier import FRONTIER_COLUMNS
from penstock.portfolio.optimise import PLAN_COLUMNS, PRICE_COLUMNS, START_COLUMNS


def _limits(rules: Mapping[str, tuple[str, str]]) -> dict[str, Check]:
    """Return the checks that no row may break, each with what to do about one that does."""
    return {rule: Check(sql, "fail", cure) for rule, (sql, cure) in rules.items()}


CONTRACTS = {
    "raw_loans": Contract(checks.RAW_LOAN_COLUMNS, is_open=True, known_at=checks.RAW_LOAN_CLOCKS),
    "raw_applications": Contract(checks.RAW_APPLICATION_COLUMNS, is_open=True),
    "raw_rejects": Contract(checks.RAW_APPLICATION_COLUMNS, is_open=True),
    "loans": Contract(
        checks.LOAN_COLUMNS,
        key=("loan_id",),
        checks=checks.LOAN_CHECKS,
        quarantine="loans_quarantine",
        min_rows=1,
    ),
    "applications": Contract(
        checks.APPLICATION_COLUMNS,
        key=("application_id",),
        checks=checks.APPLICATION_CHECKS,
        quarantine="applications_quarantine",
        may_put_all_aside=True,  # one may be all there are, and each is referred to a person
    ),
    "unreadable_applications": Contract(UNREADABLE_COLUMNS, key=("application_id",)),
    "rejects": Contract(
        checks.APPLICATION_COLUMNS,
        key=("application_id",),
        checks=checks.APPLICATION_CHECKS,
        quarantine="rejects_quarantine",
    ),
    "train": Contract(
        checks.TRAIN_COLUMNS, key=("loan_id",), checks=checks.TRAIN_CHECKS, min_rows=1
    ),
    "test": Contract(
        checks.LOAN_FEATURE_COLUMNS, key=("loan_id",), checks=checks.LABELLED_CHECKS, min_rows=1
    ),
    "defaults": Contract(
        checks.DEFAULT_COLUMNS,
        key=("loan_id",),
        checks=checks.DEFAULT_CHECKS,
        quarantine="defaults_quarantine",
        min_rows=1,
    ),
    "lgd_train": Contract(checks.DEFAULT_FEATURE_COLUMNS, key=("loan_id",), min_rows=1),
    "lgd_test": Contract(checks.DEFAULT_FEATURE_COLUMNS, key=("loan_id",), min_rows=1),
    "valued_loans": Contract(VALUED_COLUMNS, key=("loan_id",)),
    "loan_offers": Contract(OFFER_COLUMNS, key=("application_id", "offer"), checks=OFFER_CHECKS),
    "counterfactuals": Contract(COUNTERFACTUAL_COLUMNS, key=("application_id",)),
    "candidates": Contract(CANDIDATE_COLUMNS, key=("application_id", "offer")),
    "portfolio_plan": Contract(PLAN_COLUMNS, key=("application_id",)),
    "limit_prices": Contract(PRICE_COLUMNS, key=("limit", "sense")),
    "frontier": Contract(FRONTIER_COLUMNS, key=("limit", "bound")),
    "bid_prices": Contract(BID_PRICE_COLUMNS),
    "optimality_certificate": Contract(CERTIFICATE_COLUMNS, key=("status",), min_rows=1),
    "start_prices": Contract(START_COLUMNS, is_open=True),
    "portfolio": Contract(PORTFOLIO_COLUMNS, key=("application_id",)),
    "decision_records": Contract(
        decision_checks.RECORD_COLUMNS,
        key=("application_id", "as_of_date"),
        checks=decision_checks.RECORD_CHECKS,
    ),
    "audited_decisions": Contract(AUDITED_COLUMNS),
    "protected_applicants": Contract(PROTECTED_COLUMNS),
    "exposures": Contract(
        provision_checks.EXPOSURE_COLUMNS,
        key=("loan_id", "reporting_date"),
        checks={
            **provision_checks.EXPOSURE_CHECKS,
            **_limits(provision_checks.EXPOSURE_LIMITS),
        },
        quarantine="exposures_quarantine",
    ),
    "default_timing": Contract(
        provision_checks.DEFAULT_TIMING_COLUMNS, key=("term_months", "month")
    ),
    "provisions": Contract(
        provision_checks.PROVISION_COLUMNS,
        key=("loan_id", "reporting_date"),
        checks={
            **provision_checks.PROVISION_CHECKS,
            **_limits(provision_checks.PROVISION_LIMITS),
        },
        quarantine="provisions_quarantine",
    ),
    "allowance_walk": Contract(
        provision_checks.WALK_COLUMNS,
        key=("reporting_date", "stage_before", "stage_after"),
        checks=provision_checks.WALK_CHECKS,
    ),
    "scores": Contract(
        checks.SCORE_COLUMNS, key=("application_id", "as_of_date"), checks=checks.SCORE_CHECKS
    ),
    "raw_overrides": Contract(decision_checks.RAW_OVERRIDE_COLUMNS, is_open=True),
    "overrides": Contract(
        decision_checks.OVERRIDE_COLUMNS,
        key=("application_id",),
        checks={
            **decision_checks.OVERRIDE_CHECKS,
            # It may be of another day; but a misspelt key would override nothing, unnoticed.
            "application_is_known": Check("is_applied", "warn"),
        },
    ),
    "cases": Contract(
        decision_checks.CASE_COLUMNS,
        key=("application_id",),
        checks=_limits(decision_checks.CASE_LIMITS),
    ),
    "decisions": Contract(
        decision_checks.DECISION_COLUMNS,
        key=("application_id", "as_of_date"),
        checks=decision_checks.DECISION_CHECKS,
    ),
}
