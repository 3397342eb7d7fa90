"""Scorecard: from any table with a good or bad outcome to a champion, on a page.

A challenger by another trainer stands beside the scorecard. One of them becomes champion, which is
the model that decides, unless it is worse than the champion of the release before; the other one
watches.

What the table looks like stands in `conf/<env>`: where it lies in `catalog.yaml`, its key, target,
date and features in `params.yaml` under `read_observations`. No code is needed.
"""

from penstock.engine.graph import Graph, Slice
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Solve, Transform
from penstock.graphs.scorecard_contracts import CONTRACTS
from penstock.learn.binning.leaks import find_leaks
from penstock.learn.binning.tables import list_bins
from penstock.learn.challenger.explain import explain_challenger
from penstock.learn.challenger.pd import challenger_pd
from penstock.learn.champion import champion_pd, champion_reasons, shadow_pd
from penstock.learn.history import add_history, read_history
from penstock.learn.observation_split import split_observations
from penstock.learn.observations import SCORED_COLUMNS, read_observations
from penstock.learn.protected import PROTECTED_COLUMNS, read_protected
from penstock.learn.reasons.declines import present_reasons, select_declines
from penstock.learn.scorecard.explain import explain_scorecard
from penstock.learn.scorecard.judging import judge_variables
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.learn.scores import present_scores
from penstock.learn.tuning.explain import explain_search, list_trials
from penstock.measure.choice import choose_champion
from penstock.measure.comparison import COMPARED_COLUMNS, compare_pds
from penstock.measure.fairness_audit import AUDITED_COLUMNS, REWEIGHED_COLUMNS, audit_fairness
from penstock.measure.gate import champion_gate, pd_gate
from penstock.measure.incumbent import compare_incumbent
from penstock.measure.left_out import (
    OBSERVED_COLUMNS,
    OUTCOME_COLUMNS,
    SAMPLED_COLUMNS,
    count_left_out,
    count_outcomes,
)
from penstock.measure.shadow import SHADOWED_COLUMNS, compare_shadow
from penstock.measure.validation import validate_pd

TRAINING = (
    # Without a history, which is so by default, nothing is added.
    Transform(read_history, "raw_history", "history"),
    Transform(add_history, ("raw_table", "history"), "table_with_history"),
    Transform(read_observations, "table_with_history", "observations"),
    Measure(
        count_outcomes, "observations", "outcome_report", reads={"observations": OBSERVED_COLUMNS}
    ),
    Transform(read_protected, "raw_table", "protected_table"),
    Transform(
        split_observations,
        ("observations", "protected_table"),
        ("development_table", "judged_table"),
    ),
    Measure(
        count_left_out,
        ("outcome_report", "development_table", "judged_table"),
        "sample_report",
        reads={"development_table": SAMPLED_COLUMNS, "judged_table": OUTCOME_COLUMNS},
    ),
    Fit(scorecard_pd, "development_table", "scorecard"),
    Measure(explain_scorecard, "scorecard", "scorecard_page"),
    Solve(list_bins, "scorecard", "scorecard_bins"),
    Measure(judge_variables, ("judged_table", "scorecard"), "variables_report"),
    Apply("scorecard", "development_table", "development_scores"),
    Apply("scorecard", "judged_table", "judged_scores"),
    Measure(
        validate_pd,
        ("judged_scores", "development_scores"),
        "scorecard_report",
        name="validate_scorecard",
        reads={"judged_scores": SCORED_COLUMNS, "development_scores": SCORED_COLUMNS},
    ),
    Measure(
        audit_fairness,
        ("judged_scores", "protected_table", "development_table"),
        "fairness_report",
        name="audit_scorecard",
        reads={
            "judged_scores": AUDITED_COLUMNS,
            "protected_table": PROTECTED_COLUMNS,
            "development_table": REWEIGHED_COLUMNS,
        },
    ),
    Gate(pd_gate, "scorecard_report", "scorecard_verdict", name="scorecard_gate"),
    Deploy("scorecard", "scorecard_candidate", after=("scorecard_report", "scorecard_verdict")),
)

CHALLENGE = (
    Measure(find_leaks, "development_table", "leak_report"),
    # The base is a model that an earlier run has made, or none.
    Fit(challenger_pd, ("development_table", "leak_report", "challenger_base"), "challenger"),
    Measure(explain_challenger, "challenger", "challenger_page"),
    Apply("challenger", "development_table", "challenger_development_scores"),
    Apply("challenger", "judged_table", "challenger_judged_scores"),
    Measure(
        validate_pd,
        ("challenger_judged_scores", "challenger_development_scores"),
        "challenger_report",
        name="validate_challenger",
        reads={
            "challenger_judged_scores": SCORED_COLUMNS,
            "challenger_development_scores": SCORED_COLUMNS,
        },
    ),
    Measure(
        audit_fairness,
        ("challenger_judged_scores", "protected_table", "development_table"),
        "challenger_fairness",
        name="audit_challenger",
        reads={
            "challenger_judged_scores": AUDITED_COLUMNS,
            "protected_table": PROTECTED_COLUMNS,
            "development_table": REWEIGHED_COLUMNS,
        },
    ),
    Measure(explain_search, ("challenger", "challenger_report"), "challenger_search"),
    Solve(list_trials, "challenger", "challenger_trials"),
    Measure(
        compare_pds,
        ("judged_scores", "challenger_judged_scores"),
        "comparison",
        reads={"judged_scores": COMPARED_COLUMNS, "challenger_judged_scores": COMPARED_COLUMNS},
    ),
    Measure(
        choose_champion,
        ("comparison", "scorecard_report", "challenger_report", "challenger_fairness"),
        "champion_choice",
    ),
    Deploy("challenger", "challenger_candidate", after=("challenger_report", "champion_choice")),
)

CANDIDATES = ("scorecard_candidate", "challenger_candidate")
CHAMPION = (
    Fit(champion_pd, ("development_table", "champion_choice", *CANDIDATES), "champion_model"),
    Fit(shadow_pd, ("development_table", "champion_choice", *CANDIDATES), "shadow_model"),
    # The incumbent is the champion of the release before, if there is one.
    Measure(
        compare_incumbent,
        (
            "judged_table",
            "judged_scores",
            "challenger_judged_scores",
            "champion_choice",
            "pd_incumbent",
        ),
        "incumbent_comparison",
        reads={"judged_scores": COMPARED_COLUMNS, "challenger_judged_scores": COMPARED_COLUMNS},
    ),
    Gate(champion_gate, "incumbent_comparison", "champion_verdict"),
    Deploy("champion_model", "pd_champion", after=("champion_choice", "champion_verdict")),
    Deploy("shadow_model", "pd_shadow", after=("champion_choice", "champion_verdict")),
    Fit(
        champion_reasons,
        ("development_table", "champion_model"),
        "reason_model",
        name="decline_reasons",
    ),
    Deploy("reason_model", "pd_reasons", after="champion_verdict"),
)

# Rows whose outcome nobody knows yet: the champion decides, the shadow only watches.
SCORING = (
    Transform(
        add_history,
        ("unscored_table", "history"),
        "unscored_with_history",
        name="add_unscored_history",
    ),
    Transform(
        read_observations, "unscored_with_history", "applications_to_score", name="read_unscored"
    ),
    Apply("pd_champion", "applications_to_score", "scored_applications"),
    Transform(present_scores, "scored_applications", "application_scores"),
    Transform(select_declines, "scored_applications", "declined_applications"),
    Apply("pd_reasons", "declined_applications", "explained_applications"),
    Transform(present_reasons, "explained_applications", "declines"),
    Apply("pd_shadow", "applications_to_score", "shadowed_applications"),
    Transform(
        present_scores, "shadowed_applications", "shadow_scores", name="present_shadow_scores"
    ),
    Measure(
        compare_shadow,
        ("application_scores", "shadow_scores"),
        "shadow_report",
        reads={"application_scores": SHADOWED_COLUMNS, "shadow_scores": SHADOWED_COLUMNS},
    ),
)

GRAPH = Graph(
    "scorecard",
    (*TRAINING, *CHALLENGE, *CHAMPION, *SCORING),
    contracts=CONTRACTS,
    jobs={
        "run": Slice(tuple(n for node in (*TRAINING, *CHALLENGE, *CHAMPION) for n in node.outputs)),
        "prepare": Slice(
            (
                "development_table",
                "judged_table",
                "protected_table",
                "outcome_report",
                "sample_report",
            )
        ),
        "train": Slice(("scorecard", "challenger"), given=("development_table",)),
        "evaluate": Slice(
            (
                "sample_report",
                "scorecard_report",
                "scorecard_page",
                "scorecard_bins",
                "variables_report",
                "fairness_report",
                "challenger_report",
                "challenger_fairness",
                "challenger_page",
                "challenger_search",
                "challenger_trials",
                "champion_choice",
            ),
            given=(
                "scorecard",
                "challenger",
                "development_table",
                "judged_table",
                "protected_table",
                "outcome_report",
            ),
        ),
        "register": Slice(
            CANDIDATES,
            given=(
                "scorecard",
                "scorecard_report",
                "challenger",
                "challenger_report",
                "champion_choice",
            ),
        ),
        "deploy": Slice(
            ("pd_champion", "pd_shadow", "pd_reasons"),
            given=(
                *CANDIDATES,
                "champion_choice",
                "development_table",
                "judged_table",
                "judged_scores",
                "challenger_judged_scores",
            ),
        ),
        "score": Slice(
            ("application_scores", "declines", "shadow_report"),
            given=("pd_champion", "pd_shadow", "pd_reasons"),
        ),
    },
)
