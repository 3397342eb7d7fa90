"""The scorecard graph on a table of its own: run here, and by spark-submit with nothing new."""

import csv
import json
import re

import pytest

from tests.graphs.small_scorecard import DESCRIPTION, LOANS
from tests.processes import do
from tests.released import both_ways, do_here, left_open, table_of

pytestmark = pytest.mark.slow


def test_the_plan_knew_the_columns_of_each_table_and_no_node_is_another_one_each_time(
    scorecard, spark
):
    assert left_open(spark, scorecard.home, "scorecard") == []


def test_loans_are_scored_in_points_that_fall_as_the_pd_rises(scorecard):
    judged = scorecard.table("judged_scores").toPandas()
    developed = scorecard.table("development_scores").toPandas()
    assert len(judged) + len(developed) == LOANS
    assert judged.observed_on.min() > developed.observed_on.max()
    assert judged.pd.between(0, 1).all() and set(judged.model_version) == {"scorecard/1"}
    assert judged.points.corr(judged.pd, method="spearman") < -0.95


def test_the_report_judges_out_of_time_what_was_made_on_development(scorecard):
    report = scorecard.record["evidence"]["scorecard_report"]
    assert report["metrics"]["auc"] > 0.7
    assert [row[0] for row in report["tables"]["stability"]["rows"]] == [
        "judged", "2020Q4", "2021Q1"
    ]  # fmt: skip
    assert "later than all development loans" in report["tables"]["limits"]["rows"][0][0]


def test_page_and_json_of_the_version_lie_with_the_run_and_with_the_model(scorecard):
    page = scorecard.folder / "validation-scorecard-1.html"
    card = json.loads(page.with_suffix(".json").read_text())
    text = page.read_text()
    assert f"/{page.name}" in re.search("validated .*", scorecard.told)[0]
    assert (
        "Fairness by sex" in text
        and "Small loans" in text
        and "gate passed" in text
        and "src=" not in text
    )
    assert (card["model"], card["version"], card["passed"]) == ("scorecard", "1", True)
    assert card["evidence"]["scorecard_report"] == scorecard.record["evidence"]["scorecard_report"]
    table = card["evidence"]["scorecard_page"]["tables"]["scorecard"]
    with (page.with_suffix("") / "scorecard_page.scorecard.csv").open() as file:
        assert list(csv.reader(file)) == [
            ["" if value is None else str(value) for value in row]
            for row in (table["columns"], *table["rows"])
        ]
    client = scorecard.mlflow
    version = client.get_model_version_by_alias("scorecard", "candidate")
    assert str(version.version) == "1"
    artefacts = {artefact.path for artefact in client.list_artifacts(version.run_id)}
    assert {page.name, page.with_suffix(".json").name, page.stem} <= artefacts


# What a committee looks at, whatever the model.
FIGURES = {
    "ROC curve", "Cumulative accuracy profile", "Kolmogorov-Smirnov distance", "Lift by decile",
    "Calibration", "Distribution of PD", "Population stability over time", "Vintage curves",
    "Approved by sex", "Bad rate of the swap set",
}  # fmt: skip
BINS = {"Bins of income", "Bins of age", "Bins of purpose"}


@pytest.mark.parametrize(("model", "figures"), [("scorecard", FIGURES | BINS),
                                                ("challenger", FIGURES)])  # fmt: skip
def test_each_figure_of_a_committee_is_drawn_on_the_page_of_each_model(scorecard, model, figures):
    page = (scorecard.folder / f"validation-{model}-1.html").read_text()
    drawn = re.findall(r"<svg[^>]*>\s*<title>([^<]*)</title>", page)
    assert figures <= {*drawn}, sorted(figures - {*drawn})
    card = json.loads((scorecard.folder / f"validation-{model}-1.json").read_text())
    [curves] = [
        figure
        for report in card["evidence"].values()
        for name, figure in report["figures"].items()
        if name == "vintage_curves"
    ]
    assert [series["name"] for series in curves["series"]] == ["2020", "2021"]


def test_the_bins_of_all_columns_are_a_table(scorecard):
    bins = scorecard.table("scorecard_bins").toPandas()
    assert set(bins.column) == {"income", "age", "purpose"}
    developed = scorecard.table("development_table")
    assert set(bins.groupby("column").n_rows.sum()) == {
        developed.where("sample = 'development'").count()
    }


def test_trials_of_the_challengers_settings_are_rows_a_report_and_runs_below_the_fit(scorecard):
    trials = scorecard.table("challenger_trials").orderBy("trial").collect()
    assert [row.trial for row in trials] == [0, 1] and [row.is_best for row in trials].count(
        True
    ) == 1
    found = scorecard.record["evidence"]["challenger_search"]
    assert found["metrics"]["trials"] == 2 and set(found["figures"]) == {"progress", "by_max_depth"}
    # Two folds by date: the first is too early to be judged.
    assert found["tables"]["trials"]["columns"][:3] == ["trial", "max_depth", "fold 1"]
    client = scorecard.mlflow
    fit = client.get_model_version("challenger", "1").run_id
    [experiment] = {client.get_run(fit).info.experiment_id}
    below = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{fit}'")
    assert {run.info.run_name for run in below} == {"trial 0", "trial 1"}
    assert not (scorecard.home / "cache" / "checkpoints" / "scorecard.challenger_pd").exists()


def test_a_delta_table_that_others_write_is_read_as_the_file_is(scorecard, spark, tmp_path):
    typed = spark.read.csv(str(scorecard.raw_table), header=True).selectExpr(
        "int(id) AS id", "date(opened) AS opened", "try_cast(income AS DOUBLE) AS income",
        "int(age) AS age", "purpose", "sex", "outcome", "date(lost_on) AS lost_on",
    )  # fmt: skip
    folder, home = tmp_path / "loans", tmp_path / "state"
    typed.where("income IS NOT NULL").write.format("delta").save(str(folder))
    raw = f"catalog.raw_table={{kind: delta, external: true, path: {folder}}}"
    code, _ = do_here(spark, home, "prepare", *DESCRIPTION, "--set", raw)
    assert code == 0
    for name in ("development_table", "judged_table", "protected_table"):
        ours, theirs = (
            table_of(spark, at, name).toPandas().sort_values("row_id", ignore_index=True)
            for at in (home, scorecard.home)
        )
        # Whose income cannot be read has no place in a column of numbers.
        theirs = theirs[theirs.row_id.isin(ours.row_id)].reset_index(drop=True)
        assert len(ours) and ours.equals(theirs), name


def test_a_second_run_has_nothing_to_do_and_validates_nothing_again(scorecard):
    code, out, told = do(scorecard.home, "run", *scorecard.options, "--json")
    assert code == 0, told
    outcome = json.loads(out.splitlines()[-1])
    assert {node["status"] for node in outcome["nodes"]} == {"skipped"}
    assert (outcome["spark_jobs"], outcome["release"]) == (0, 1)
    folder = scorecard.home / "runs" / outcome["run_id"]
    assert list(folder.glob("validation-*")) == [] and "validated" not in told


def test_skipping_on_and_off_give_the_same_tables_and_reports(scorecard, spark):
    words = (*scorecard.options, "--set", "params.validate_scorecard.bins=8")
    with_skipping, without = both_ways(spark, scorecard.home, "run", *words)
    statuses = with_skipping.statuses
    # What was skipped was made with other partitions.
    assert {statuses[n] for n in ("read_observations", "scorecard_pd", "challenger_pd")} == {
        "skipped"
    }
    assert {statuses[n] for n in ("validate_scorecard", "validate_challenger")} == {"done"}
    assert with_skipping.tables == without.tables and len(without.tables) >= 10
    # The second finds the first one's champion in place: the same model.
    del with_skipping.evidence["incumbent_comparison"]
    assert without.evidence.pop("incumbent_comparison")["metrics"]["auc_difference"] == 0
    assert with_skipping.evidence == without.evidence
