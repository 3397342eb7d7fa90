"""Online lending: from raw loans to scored applications, on a page.

Each line says which function makes which dataset from which. What a dataset promises stands in
`lending_contracts.py`, where it lies in `conf/<env>/catalog.yaml`, the numbers in `params.yaml`.
"""

from penstock.engine.graph import Graph, Slice
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Solve, Transform
from penstock.graphs.lending_contracts import CONTRACTS
from penstock.learn.fractional.explain import explain_fractional
from penstock.learn.fractional.models import fractional_lgd
from penstock.learn.logistic import explain_pd, logistic_pd
from penstock.learn.protected import PROTECTED_COLUMNS, read_protected
from penstock.learn.reasons.declines import decline_reasons
from penstock.learn.reject_effect import show_reject_inference
from penstock.lending.allowance_walk import walk_allowance
from penstock.lending.audited import list_audited
from penstock.lending.candidates import CANDIDATE_COLUMNS, list_candidates, list_portfolio
from penstock.lending.capital import add_capital
from penstock.lending.cases import gather_cases, gather_judged_cases
from penstock.lending.checks import LOAN_FEATURE_COLUMNS, TRAIN_COLUMNS
from penstock.lending.cleaning import clean_applications, clean_loans
from penstock.lending.counterfactuals import (
    find_counterfactuals,
    select_approved,
    vary_declines,
)
from penstock.lending.credit_loss import add_credit_loss
from penstock.lending.decision_checks import CASE_COLUMNS
from penstock.lending.decision_records import (
    choose_offers,
    hash_inputs,
    record_decisions,
    select_declined,
)
from penstock.lending.default_timing import estimate_default_timing
from penstock.lending.exposures import list_exposures
from penstock.lending.features import add_features
from penstock.lending.judged_value import value_loans
from penstock.lending.labels import label_defaults
from penstock.lending.offers import make_offers
from penstock.lending.overrides import no_overrides, read_overrides
from penstock.lending.policy.decide import decide, decide_by_policy
from penstock.lending.policy.hits import count_hits
from penstock.lending.policy.what_if import (
    COMPARED_COLUMNS,
    compare_decisions,
    decide_by_both,
)
from penstock.lending.realised_lgd import list_defaults
from penstock.lending.rejects import add_rejects, no_rejects
from penstock.lending.samples import select_calibration, split_by_issue_date, split_defaults
from penstock.lending.scores import present_scores
from penstock.lending.staging import add_stage
from penstock.lending.unreadable import list_unreadable
from penstock.measure.backtest import DECIDED, EARNED, backtest_policies
from penstock.measure.evaluation import SCORED_COLUMNS, evaluate_pd
from penstock.measure.gate import lgd_gate, pd_gate
from penstock.measure.offer_audit import DECIDED_COLUMNS, audit_offers
from penstock.measure.provisions import PROVISION_COLUMNS, WALK_COLUMNS, report_provisions
from penstock.measure.ratio_evaluation import (
    REALISED_LGD_COLUMNS,
    SCORED_LGD_COLUMNS,
    evaluate_lgd,
)
from penstock.measure.strategy import EARLIER, VALUED, compare_strategies
from penstock.portfolio.loss_cells import PLAN_COLUMNS as LENT_COLUMNS
from penstock.portfolio.losses import measure_losses
from penstock.portfolio.optimise import (
    PLAN_COLUMNS,
    START_COLUMNS,
    no_start_prices,
    optimise,
)
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from penstock.synthetic.book import generate_applications, generate_book

# The embedded loan book. Where the catalog names a file for its outputs, these nodes are cut.
BOOK = (
    Transform(generate_book, "loan_numbers", ("raw_loans", "raw_payments", "true_risk")),
    Transform(
        generate_applications,
        "application_numbers",
        ("raw_applications", "true_application_risk"),
    ),
)

TRAINING = (
    Transform(clean_loans, "raw_loans", "loans"),
    Transform(label_defaults, "loans", "labelled"),
    Transform(add_features, "labelled", "loan_features"),
    Transform(split_by_issue_date, "loan_features", ("accepted_train", "test")),
    # Earlier rejected applications, for reject inference. None, unless the catalog names a file.
    Transform(no_rejects, "raw_applications", "raw_rejects"),
    Transform(clean_applications, "raw_rejects", "rejects", name="clean_rejects"),
    Transform(add_features, "rejects", "reject_features", name="add_features_to_rejects"),
    Transform(add_rejects, ("accepted_train", "reject_features"), "train"),
    Fit(logistic_pd, "train", "pd_model"),
    Apply("pd_model", "test", "test_scores"),
    Measure(evaluate_pd, "test_scores", "pd_report", reads={"test_scores": SCORED_COLUMNS}),
    Measure(explain_pd, "pd_model", "pd_coefficients"),
    Measure(
        show_reject_inference,
        ("train", "test", "pd_model"),
        "reject_report",
        reads={"train": TRAIN_COLUMNS, "test": LOAN_FEATURE_COLUMNS},
    ),
    Deploy("pd_model", "candidate", after="pd_report"),
    Gate(pd_gate, "pd_report", "pd_verdict"),
    Deploy("candidate", "champion", after="pd_verdict"),
    Fit(decline_reasons, ("train", "candidate"), "reasons", name="lending_reasons"),
    Deploy("reasons", "reasons_champion", after="pd_verdict"),
)

# What a default costs: a model of its own, on the loans that were charged off.
LOSS = (
    Transform(list_defaults, "loans", "defaults"),
    Transform(add_features, "defaults", "default_features", name="add_features_to_defaults"),
    Transform(split_defaults, "default_features", ("lgd_train", "lgd_test")),
    Fit(fractional_lgd, "lgd_train", "lgd_model"),
    Apply("lgd_model", "lgd_test", "lgd_test_scores"),
    Measure(
        evaluate_lgd,
        ("lgd_test_scores", "lgd_train"),
        "lgd_report",
        reads={"lgd_test_scores": SCORED_LGD_COLUMNS, "lgd_train": REALISED_LGD_COLUMNS},
    ),
    Measure(explain_fractional, "lgd_model", "lgd_coefficients", name="explain_lgd"),
    Deploy("lgd_model", "lgd_candidate", after="lgd_report"),
    Gate(lgd_gate, "lgd_report", "lgd_verdict"),
    Deploy("lgd_candidate", "lgd_champion", after="lgd_verdict"),
)

# What cut-offs and rules would have earned on the loans that judge the models. The best cut-off is
# that of earlier loans.
STRATEGY = (
    Apply("lgd_model", "test_scores", "test_losses"),
    Transform(value_loans, ("test_losses", "loans", "lgd_train"), "valued_loans"),
    Transform(select_calibration, "train", "calibration_loans"),
    Apply("pd_model", "calibration_loans", "calibration_scores"),
    Apply("lgd_model", "calibration_scores", "calibration_losses"),
    Transform(
        value_loans,
        ("calibration_losses", "loans", "lgd_train"),
        "valued_calibration",
        name="value_calibration",
    ),
    Measure(
        compare_strategies,
        ("valued_loans", "valued_calibration"),
        "strategy_report",
        reads={"valued_loans": VALUED, "valued_calibration": EARLIER},
    ),
    # What if a policy had decided on them.
    Transform(gather_judged_cases, ("test_scores", "loans"), "judged_cases"),
    Transform(decide_by_both, "judged_cases", "judged_decisions", name="decide_on_judged"),
    Measure(
        backtest_policies,
        ("judged_decisions", "valued_loans"),
        "policy_backtest",
        reads={"judged_decisions": DECIDED, "valued_loans": EARNED},
    ),
)

# What the book is expected to lose, on each reporting date.
PROVISIONS = (
    Transform(estimate_default_timing, "labelled", "default_timing"),
    Transform(list_exposures, "loans", "exposures"),
    Transform(add_features, "loans", "book_features", name="add_features_to_book"),
    Apply("champion", "book_features", "book_with_pd"),
    Apply("lgd_champion", "book_with_pd", "loan_risk"),
    Transform(add_credit_loss, ("exposures", "loan_risk", "default_timing"), "exposure_losses"),
    Transform(add_stage, "exposure_losses", "staged_exposures"),
    Transform(add_capital, "staged_exposures", "provisions"),
    Transform(walk_allowance, "provisions", "allowance_walk"),
    Measure(
        report_provisions,
        ("provisions", "allowance_walk"),
        "provision_report",
        reads={"provisions": PROVISION_COLUMNS, "allowance_walk": WALK_COLUMNS},
    ),
)

SCORING = (
    Transform(clean_applications, "raw_applications", "applications"),
    Transform(list_unreadable, ("raw_applications", "applications"), "unreadable_applications"),
    Transform(add_features, "applications", "application_features", name="add_features_to_score"),
    Apply("champion", "application_features", "scored_applications"),
    Transform(present_scores, "scored_applications", "scores"),
    Apply("lgd_champion", "scored_applications", "assessed_applications"),
    Transform(make_offers, ("assessed_applications", "applications"), "loan_offers"),
)

DECIDING = (
    Transform(no_overrides, "applications", "raw_overrides"),
    Transform(
        read_overrides, ("raw_overrides", "applications", "unreadable_applications"), "overrides"
    ),
    Transform(gather_cases, ("applications", "scores"), "cases"),
    Transform(decide, ("cases", "unreadable_applications", "overrides"), "decisions"),
    Transform(select_declined, ("decisions", "application_features"), "declined_features"),
    Apply("reasons_champion", "declined_features", "explained_declines"),
    Transform(choose_offers, ("decisions", "loan_offers"), "chosen_offers"),
    Transform(hash_inputs, ("cases", "unreadable_applications"), "input_hashes"),
    Transform(
        record_decisions,
        (
            "decisions",
            "input_hashes",
            "explained_declines",
            "counterfactuals",
            "chosen_offers",
        ),
        "decision_records",
    ),
    Measure(count_hits, "cases", "policy_report", reads={"cases": CASE_COLUMNS}),
    Transform(decide_by_both, "cases", "decisions_by_both"),
    Measure(
        compare_decisions,
        "decisions_by_both",
        "policy_comparison",
        reads={"decisions_by_both": COMPARED_COLUMNS},
    ),
)

# Whether groups are approved as often, and pay the same for the same risk. Nothing but this audit
# reads their attributes.
AUDIT = (
    Transform(list_audited, "decision_records", "audited_decisions"),
    Transform(read_protected, "applications", "protected_applicants", name="read_attributes"),
    Measure(
        audit_offers,
        ("audited_decisions", "protected_applicants"),
        "offer_audit",
        reads={"audited_decisions": DECIDED_COLUMNS, "protected_applicants": PROTECTED_COLUMNS},
    ),
)

# What a declined applicant could have asked for instead, decided on as any application is.
COUNTERFACTUALS = (
    Transform(vary_declines, ("decisions", "applications"), "variants"),
    Transform(add_features, "variants", "variant_features", name="add_features_to_variants"),
    Apply("champion", "variant_features", "scored_variants"),
    Transform(
        gather_cases, ("variants", "scored_variants"), "variant_cases", name="gather_variant_cases"
    ),
    Transform(decide_by_policy, "variant_cases", "variant_decisions", name="decide_on_variants"),
    # Few are approved: scoring those again is quicker than storing the scores of all.
    Transform(
        select_approved, ("variant_features", "variants", "variant_decisions"), "approved_variants"
    ),
    Apply("champion", "approved_variants", "scored_approved_variants"),
    Apply("lgd_champion", "scored_approved_variants", "assessed_variants"),
    Transform(
        make_offers,
        ("assessed_variants", "approved_variants"),
        "variant_offers",
        name="make_variant_offers",
    ),
    Transform(
        choose_offers,
        ("variant_decisions", "variant_offers"),
        "chosen_variant_offers",
        name="choose_variant_offers",
    ),
    Transform(find_counterfactuals, ("variants", "chosen_variant_offers"), "counterfactuals"),
)

# Which of the offers to make, under limits on all of them together.
PORTFOLIO = (
    Transform(list_candidates, ("loan_offers", "decisions", "applications"), "candidates"),
    # Prices of limits to begin at. None, unless the catalog names those of an earlier plan.
    Transform(no_start_prices, "candidates", "start_prices"),
    Solve(
        optimise,
        ("candidates", "start_prices"),
        (
            "portfolio_plan",
            "limit_prices",
            "frontier",
            "bid_prices",
            "optimality_certificate",
            "portfolio_certificate",
        ),
        reads={"candidates": CANDIDATE_COLUMNS, "start_prices": START_COLUMNS},
    ),
    Measure(
        audit_portfolio,
        ("candidates", "portfolio_plan"),
        "portfolio_audit",
        reads={"candidates": CANDIDATE_COLUMNS, "portfolio_plan": PLAN_COLUMNS},
    ),
    Transform(list_portfolio, ("portfolio_plan", "loan_offers", "candidates"), "portfolio"),
    Measure(
        measure_losses,
        "portfolio",
        "portfolio_losses",
        reads={"portfolio": f"{LENT_COLUMNS}, purpose STRING"},
    ),
    Gate(portfolio_gate, ("portfolio_certificate", "portfolio_audit"), "portfolio_verdict"),
)

GRAPH = Graph(
    "lending",
    (
        *BOOK,
        *TRAINING,
        *LOSS,
        *PROVISIONS,
        *STRATEGY,
        *SCORING,
        *DECIDING,
        *AUDIT,
        *COUNTERFACTUALS,
        *PORTFOLIO,
    ),
    contracts=CONTRACTS,
    jobs={
        "prepare": Slice(
            ("train", "test", "lgd_train", "lgd_test", "applications", "unreadable_applications")
        ),
        "train": Slice(("pd_model", "lgd_model"), given=("train", "lgd_train")),
        "evaluate": Slice(
            (
                "pd_report",
                "pd_coefficients",
                "reject_report",
                "lgd_report",
                "lgd_coefficients",
                "strategy_report",
                "policy_backtest",
            ),
            given=("pd_model", "train", "test", "lgd_model", "lgd_train", "lgd_test", "loans"),
        ),
        "register": Slice(
            ("candidate", "lgd_candidate"),
            given=("pd_model", "pd_report", "lgd_model", "lgd_report"),
        ),
        "deploy": Slice(
            ("champion", "reasons_champion", "lgd_champion"),
            given=("train", "candidate", "pd_report", "lgd_candidate", "lgd_report"),
        ),
        "score": Slice(
            ("scores", "loan_offers", "unreadable_applications"),
            given=("champion", "lgd_champion"),
        ),
        "decide": Slice(
            ("decision_records", "policy_report", "policy_comparison"),
            given=(
                "applications",
                "unreadable_applications",
                "scores",
                "loan_offers",
                "champion",
                "lgd_champion",
                "reasons_champion",
            ),
        ),
        "audit": Slice(("offer_audit",), given=("decision_records", "applications")),
        "optimise": Slice(
            ("portfolio_verdict", "portfolio_losses"),
            given=("loan_offers", "decisions", "applications"),
        ),
        "assess": Slice(("provision_report",), given=("loans", "champion", "lgd_champion")),
    },
)
