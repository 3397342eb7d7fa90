"""Which rows of its table the scorecard graph uses, leaves out, puts aside, or stops at."""

import json
import re
from html import escape

import pytest

from tests.graphs.small_scorecard import LEFT_OUT, LOANS

pytestmark = pytest.mark.slow

CAUSES = {
    "after the last day to judge by": (4, 1), "without a day": (2, 1), "no outcome": (2, None),
    "outcome 'running' is neither good nor bad": (3, None),
}  # fmt: skip


def test_a_row_that_cannot_be_read_is_put_aside_with_the_reason(scorecard):
    [put_aside] = scorecard.table("observations_quarantine").collect()
    assert put_aside.broken_rules == ["every_value_can_be_read"]
    assert "income 'a lot' is no number" in put_aside.row
    assert scorecard.table("observations").count() == LOANS + len(LEFT_OUT)


def test_each_row_is_used_or_left_out_by_a_cause_that_page_json_and_summary_tell(scorecard):
    report = scorecard.record["evidence"]["sample_report"]
    lines = report["tables"]["rows_by_use"]["rows"]
    left = {cause: (rows, bads) for use, cause, rows, _, bads in lines if use == "left out"}
    assert left == CAUSES and report["metrics"] == {"left_out": len(LEFT_OUT)}
    used = {use: (rows, bads) for use, cause, rows, _, bads in lines if use != "left out"}
    for table, samples in (("development_table", ["development", "calibration"]),
                           ("judged_table", ["judged"])):  # fmt: skip
        rows = scorecard.table(table).toPandas()
        assert sum(used[sample][0] for sample in samples) == len(rows)
        assert sum(used[sample][1] for sample in samples) == rows.is_bad.sum()
    quarantined = scorecard.table("observations_quarantine").count()
    in_file = len(scorecard.raw_table.read_text().splitlines()) - 1
    assert in_file == sum(line[2] for line in lines) + quarantined
    outcomes = scorecard.record["evidence"]["outcome_report"]["tables"]["rows_by_outcome"]["rows"]
    assert sum(line[1] for line in outcomes) == in_file - quarantined
    for model in ("scorecard", "challenger"):
        page = scorecard.folder / f"validation-{model}-1.html"
        text = page.read_text()
        data = text[text.index("2 Data") : text.index("3 Method")]
        assert "Rows by outcome" in data and "Rows by use" in data
        assert all(escape(cause) in data for cause in CAUSES)
        card = json.loads(page.with_suffix(".json").read_text())
        assert card["evidence"]["sample_report"] == report and "outcome_report" in card["data"]
    told = "left out  11 rows, 4 of them: after the last day to judge by"
    assert told in scorecard.told


def test_without_an_outcome_that_is_known_the_values_of_the_target_are_named(scorecard):
    other = "params.read_observations={good_values: [Repaid], bad_values: [Lost]}"
    code, record = scorecard.do("prepare", "--set", other)
    reasons = {node["name"]: node["reason"] for node in record["nodes"] if node["reason"]}
    assert code == 3 and "would have 0 rows" in reasons["split_observations"]
    told = (
        "No row has an outcome that is known: outcome 'repaid' is neither good nor bad (N rows); "
        "outcome 'lost' is neither good nor bad (N rows); outcome 'running' is neither good nor "
        "bad (N rows); no outcome (N rows). Name the target"
    )
    assert told in re.sub(r"\d+ rows", "N rows", reasons["count_outcomes"])


FITS = {"scorecard_pd", "challenger_pd", "champion_pd", "shadow_pd", "decline_reasons"}


def test_without_rows_to_judge_by_nothing_is_fitted(scorecard):
    late = "params.split_observations={test_from: 2030-01-01, test_until: 2030-12-31}"
    code, failed, not_run = scorecard.stopped("--set", late)
    assert (code, failed["name"]) == (3, "split_observations")
    said = "'judged_table' would have 0 rows, and its contract asks for at least 1.*outcome_report"
    assert re.search(said, failed["reason"])
    assert not_run >= FITS


def test_a_loan_of_the_future_stops_the_run_before_anything_is_fitted(scorecard):
    code, failed, not_run = scorecard.stopped("--as-of", "2020-12-31")
    assert (code, failed["name"]) == (3, "read_observations")
    # Of 450 days that two loans each are of, the last 84 are in the next year; four are later.
    assert "break its contract: is_observed_by_as_of (172)" in failed["reason"]
    assert not_run >= FITS


def test_a_number_that_is_text_in_every_row_stops_the_run_before_anything_is_fitted(scorecard):
    as_number = "params.read_observations={numeric: [income, age, purpose], categorical: []}"
    code, failed, not_run = scorecard.stopped("--set", as_number)
    assert (code, failed["name"]) == (3, "read_observations")
    rows = LOANS + 1 + len(LEFT_OUT)
    assert (
        f"{rows} row(s) of 'observations' break its contract, and no other row is left: "
        f"every_value_can_be_read ({rows}), e.g. "
    ) in failed["reason"]
    assert "' is no number" in failed["reason"] and "are numbers (numeric)" in failed["reason"]
    assert not_run >= FITS
