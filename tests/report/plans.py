"""Plan documents: the lending graph in which some nodes would run, and variants of it."""

import hashlib
from typing import Any

LOANS = [["loan_id", "string"], ["issue_date", "date"], ["amount", "decimal(12,2)"],
         ["interest_rate", "double"], ["purpose", "string"]]  # fmt: skip
FEATURES = [*LOANS, ["fico", "int"], ["income", "double"], ["is_bad", "boolean"]]
SCORES = [["application_id", "string"], ["as_of_date", "date"], ["pd", "double"],
          ["model_version", "string"]]  # fmt: skip
# name, kind, inputs, outputs with columns, cause ("" is skipped), expected ms
LENDING = (
    ("generate_book", "transform", ("loan_numbers",),
     {"raw_loans": LOANS, "raw_payments": [["loan_id", "string"], ["paid", "double"]],
      "true_risk": [["loan_id", "string"], ["pd", "double"]]}, "", 6400),
    ("generate_applications", "transform", ("application_numbers",),
     {"raw_applications": LOANS[1:], "true_application_risk": [["pd", "double"]]}, "", 2100),
    ("clean_loans", "transform", ("raw_loans",), {"loans": LOANS},
     "code of parse_amount (lending/parsing.py) changed", 3200),
    ("label_defaults", "transform", ("loans",), {"labelled": FEATURES}, "needed by "
     "split_by_issue_date", None),
    ("add_features", "transform", ("labelled",), {"loan_features": FEATURES}, "needed by "
     "split_by_issue_date", None),
    ("split_by_issue_date", "transform", ("loan_features",),
     {"train": FEATURES, "test": FEATURES},
     "parameter test_from 2010-10-01 -> 2011-01-01; "
     "parameter train_until 2010-03-31 -> 2010-06-30; loans is made anew; and 2 more", 2900),
    ("logistic_pd", "fit", ("train",), {"pd_model": []}, "train is made anew", 5800),
    ("apply_pd_model_to_test", "apply", ("pd_model", "test"),
     {"test_scores": [*FEATURES, ["pd", "double"]]}, "pd_model is made anew", 1900),
    ("evaluate_pd", "measure", ("test_scores",), {"pd_report": []},
     "test_scores is made anew", 4100),
    ("explain_pd", "measure", ("pd_model",), {"pd_coefficients": []}, "pd_model is made anew", 350),
    ("clean_applications", "transform", ("raw_applications",), {"applications": LOANS}, "", 2000),
    ("add_features_to_score", "transform", ("applications",),
     {"application_features": FEATURES}, "", 1400),
    ("apply_champion_to_application_features", "apply", ("champion", "application_features"),
     {"scored_applications": [*FEATURES, *SCORES[2:]]}, "", 600),
    ("present_scores", "transform", ("scored_applications",), {"scores": SCORES}, "", 3300),
)  # fmt: skip
LEFT_OUT = (
    ("deploy_candidate", "deploy", ("pd_model", "pd_report"), ("candidate",)),
    ("pd_gate", "gate", ("pd_report",), ("pd_verdict",)),
    ("deploy_champion", "deploy", ("candidate", "pd_verdict"), ("champion",)),
)


def plan_document(**changes: Any) -> dict[str, Any]:
    """Return the plan of the lending graph after a helper and a parameter have changed."""
    notes = {
        "logistic_pd": ["folds are drawn by a hash of loan_id: equal on any number of cores"],
        "clean_loans": ["16 rows broke amount_positive in the last run"],
    }
    document: dict[str, Any] = {
        "graph": "lending", "env": "local", "as_of": "2025-07-01",
        "command": "./spark-submit.sh plan --exclude +champion", "release": 4, "planned_ms": 812,
        "spark_jobs": 0,
        "nodes": [
            {"name": name, "kind": kind, "inputs": list(inputs), "outputs": list(outputs),
             "tags": [], "action": "run" if cause else "skip",
             "cause": cause or "nothing has changed",
             "fingerprint": hashlib.sha256(name.encode()).hexdigest(),
             "columns": {n: columns for n, columns in outputs.items() if columns},
             "versions": {n: "12" if n.startswith("raw") else None for n in inputs},
             "expected": ms and {"ms": ms, "cpu_ms": 3 * ms, "shuffle_bytes": 1000 * ms,
                                 "spill_bytes": 0, "rows": 19_874},
             "notes": notes.get(name, [])}
            for name, kind, inputs, outputs, cause, ms in LENDING
        ],
        "left_out": [
            {"name": name, "kind": kind, "inputs": list(inputs), "outputs": list(outputs)}
            for name, kind, inputs, outputs in LEFT_OUT
        ],
        "sources": [
            {"name": "loan_numbers", "kind": "range", "location": "20000 rows", "version": None},
            {"name": "application_numbers", "kind": "range", "location": "5000 rows",
             "version": None},
            {"name": "champion", "kind": "alias", "location": "models:/lending_pd@champion",
             "version": "3"},
        ],
        "expected": {"ms": 12_300, "cpu_ms": 38_000, "shuffle_bytes": 20_400_000},
    }  # fmt: skip
    return document | changes


def with_actions(document: dict[str, Any], action: str, cause: str) -> dict[str, Any]:
    """Return the plan with one action and cause for all nodes."""
    nodes = [node | {"action": action, "cause": cause} for node in document["nodes"]]
    return document | {"nodes": nodes}
