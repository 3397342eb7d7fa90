"""Scorecard: from any table with a good or bad outcome to a champion scorecard, on a page.

What the table looks like stands in `conf/<env>`: where it lies in `catalog.yaml`, its key, target,
date and features in `params.yaml` under `read_observations`. No code is needed.
"""

from penstock.engine.contract import Contract
from penstock.engine.graph import Graph, Slice
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Transform
from penstock.learn.observations import SCORED_COLUMNS, read_observations, split_observations
from penstock.learn.scorecard.explain import explain_scorecard
from penstock.learn.scorecard.pd import scorecard_pd
from penstock.measure.gate import pd_gate
from penstock.measure.validation import validate_pd

OBSERVATIONS = Contract(
    "row_id STRING COMMENT 'key of the table, or hash of the row', "
    "is_bad INT COMMENT '1 = bad, 0 = good, null = indeterminate'",
    key=("row_id",),
    checks={
        "every_value_can_be_read": "fault IS NULL",
        "group_is_known": "group IS NOT NULL",
    },
    quarantine="observations_quarantine",
    is_open=True,
    min_rows=1,
)

TRAINING = (
    Transform(read_observations, "raw_table", "observations"),
    Transform(split_observations, "observations", ("development_table", "judged_table")),
    Fit(scorecard_pd, "development_table", "scorecard"),
    Measure(explain_scorecard, "scorecard", "scorecard_page"),
    Apply("scorecard", "development_table", "development_scores"),
    Apply("scorecard", "judged_table", "judged_scores"),
    Measure(
        validate_pd,
        ("judged_scores", "development_scores"),
        "scorecard_report",
        name="validate_scorecard",
        reads={"judged_scores": SCORED_COLUMNS, "development_scores": SCORED_COLUMNS},
    ),
    Deploy("scorecard", "scorecard_candidate", after="scorecard_report"),
    Gate(pd_gate, "scorecard_report", "scorecard_verdict", name="scorecard_gate"),
    Deploy("scorecard_candidate", "scorecard_champion", after="scorecard_verdict"),
)

GRAPH = Graph(
    "scorecard",
    TRAINING,
    contracts={"observations": OBSERVATIONS},
    jobs={
        "prepare": Slice(("development_table", "judged_table")),
        "train": Slice(("scorecard",), given=("development_table",)),
        "evaluate": Slice(
            ("scorecard_report", "scorecard_page"),
            given=("scorecard", "development_table", "judged_table"),
        ),
        "register": Slice(("scorecard_candidate",), given=("scorecard", "scorecard_report")),
        "deploy": Slice(("scorecard_champion",), given=("scorecard_candidate", "scorecard_report")),
    },
)
