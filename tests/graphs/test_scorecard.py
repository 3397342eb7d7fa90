"""The scorecard graph on a table of its own: run here, and by spark-submit with nothing new."""

import csv
import datetime as dt
import json
import re
from html import escape

import numpy as np
import pytest

from penstock.errors import ConfigError, DataError
from tests.graphs.planned import plan_of
from tests.processes import do
from tests.released import State, both_ways, do_here, record_of, table_of, told_here

pytestmark = pytest.mark.slow

LOANS = 900
# Of no use to a model, in a table that has no fault: day, outcome, day of loss.
LEFT_OUT = [
    *[("2020-03-01", "running", "")] * 3,
    *[("2020-03-02", "", "")] * 2,
    ("", "repaid", ""), ("", "lost", ""),
    *[("2021-04-01", "repaid", "")] * 3,
    ("2021-04-01", "lost", "2021-05-01"),
]  # fmt: skip
DESCRIPTION = (
    "--graph", "scorecard",
    "--set", "params.read_observations={key: [id], target: outcome, good_values: [repaid], "
             "bad_values: [lost], date: opened, bad_date: lost_on, numeric: [income, age], "
             "categorical: [purpose], protected: [sex]}",
    "--set", "params.split_observations={by: date, calibration_from: 2020-07-01, "
             "test_from: 2020-10-01, test_until: 2021-03-31, folds: 2}",
    "--set", "params.scorecard_pd={stepwise: none, calibration: held_out}",
    "--set", "params.validate_scorecard={purpose: Small loans, owner: Risk}",
    "--set", "params.challenger_pd={settings: {n_estimators: 20, max_depth: 3}, "
             "monotone: {income: decreasing}, search: {max_depth: {low: 1, high: 3}}, trials: 2}",
    "--set", "params.scorecard_gate={min_auc: 0.6, max_ece: 0.2, min_loans: 100, min_bads: 20}",
)  # fmt: skip


def write_table(path):
    """Write loans whose risk falls with income and depends on the purpose, over five quarters."""
    random = np.random.default_rng(11)
    income, age = random.uniform(10, 90, LOANS), random.integers(18, 70, LOANS)
    purpose = random.choice(["car", "holiday"], LOANS)
    margin = 1.5 - 0.06 * income + 1.2 * (purpose == "holiday")
    is_bad = random.random(LOANS) < 1 / (1 + np.exp(-margin))
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=n % 450) for n in range(LOANS)]
    ends = [f"lost,{day + dt.timedelta(days=60 + n % 200)}" if bad else "repaid,"
            for n, (day, bad) in enumerate(zip(days, is_bad, strict=True))]  # fmt: skip
    rows = [
        f"{n},{days[n]},{income[n]:.2f},{age[n]},{purpose[n]},{'fm'[n % 2]},{end}"
        for n, end in enumerate(ends)
    ]
    rows.append(f"{LOANS},2020-02-01,a lot,40,car,f,repaid,")
    for n, (day, outcome, lost_on) in enumerate(LEFT_OUT, LOANS + 1):
        rows.append(f"{n},{day},50,40,car,f,{outcome},{lost_on}")
    path.write_text("\n".join(["id,opened,income,age,purpose,sex,outcome,lost_on", *rows]) + "\n")


def write_applications(path):
    """Write three applications that can be scored, and one that cannot be read."""
    rows = ["a,2021-04-01,85.5,30,car", "b,2021-04-02,12.5,30,holiday", "c,2021-04-02,?,30,car",
            "d,2021-04-02,much,30,car"]  # fmt: skip
    path.write_text("\n".join(["id,opened,income,age,purpose", *rows]) + "\n")


class Scorecard(State):
    """A state folder on which the graph has run once."""

    def __init__(self, spark, home, raw_table):
        super().__init__(spark, home, *DESCRIPTION, "--set", f"catalog.raw_table.path={raw_table}")
        self.raw_table = raw_table
        new = home.parent / "new.csv"
        write_applications(new)
        self.applications = ("--set", f"catalog.unscored_table.path={new}")
        code, out, self.told = told_here(spark, home, "run", *self.options, "--json")
        assert code == 0, self.told
        outcome = json.loads(out.splitlines()[-1])
        self.folder = home / "runs" / outcome["run_id"]
        self.record = record_of(home, outcome)

    def stopped(self, *options):
        """Do a run that one node ends: return its exit code, that node, and those not run."""
        code, record = self.do("run", *options)
        [failed] = [node for node in record["nodes"] if node["status"] == "failed"]
        not_run = {node["name"] for node in record["nodes"] if node["status"] == "not run"}
        return code, failed, not_run


@pytest.fixture(scope="module")
def scorecard(spark, tmp_path_factory):
    from tests.released import partitions

    folder = tmp_path_factory.mktemp("scorecard")
    write_table(folder / "loans.csv")
    with partitions(spark, 5):
        return Scorecard(spark, folder / "state", folder / "loans.csv")


def test_the_plan_knew_the_columns_of_each_table_and_no_node_is_another_one_each_time(
    scorecard, spark
):
    from tests.released import left_open

    assert left_open(spark, scorecard.home, "scorecard") == []


def test_a_row_that_cannot_be_read_is_put_aside_with_the_reason(scorecard):
    [put_aside] = scorecard.table("observations_quarantine").collect()
    assert put_aside.broken_rules == ["every_value_can_be_read"]
    assert "income 'a lot' is no number" in put_aside.row
    assert scorecard.table("observations").count() == LOANS + len(LEFT_OUT)


CAUSES = {
    "after the last day to judge by": (4, 1), "without a day": (2, 1), "no outcome": (2, None),
    "outcome 'running' is neither good nor bad": (3, None),
}  # fmt: skip


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
    assert f"validated {page}" in scorecard.told
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


def test_the_challenger_is_set_beside_the_scorecard_and_waits_as_candidate(scorecard):
    scored, challenged = (
        scorecard.table(name).toPandas().set_index("row_id")
        for name in ("judged_scores", "challenger_judged_scores")
    )
    assert set(challenged.model_version) == {"challenger/1"} and "points" not in challenged
    assert set(challenged.index) == set(scored.index)
    evidence = scorecard.record["evidence"]
    comparison, choice = evidence["comparison"], evidence["champion_choice"]
    for model, report in (("champion", "scorecard_report"), ("challenger", "challenger_report")):
        assert comparison["metrics"][f"{model}_auc"] == pytest.approx(
            evidence[report]["metrics"]["auc"], abs=1e-9
        )
    swaps = comparison["tables"]["swap_set"]
    assert [row[0] for row in swaps["rows"]] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert choice["metrics"] == {"challenger_wins": 0, "challenger_decides": 0}
    assert choice["tables"]["reasons"]["rows"]
    # There was no champion to compare the first one with.
    assert evidence["incumbent_comparison"]["metrics"] == {"incumbents": 0}
    assert (scorecard.folder / "validation-challenger-1.html").exists()
    client = scorecard.mlflow
    aliases = client.get_registered_model("challenger").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"candidate": "1"}
    tags = client.get_model_version("challenger", "1").tags
    assert tags["champion_choice.challenger_wins"] == "0" and "challenger_report.auc" in tags


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


def test_prepare_and_the_audits_alone_ask_for_the_protected_table(
    scorecard, spark, tmp_path, monkeypatch
):
    """It lies in a folder of its own, which is not there for the other jobs."""
    lines = [line.split(",") for line in scorecard.raw_table.read_text().splitlines()]
    sex = lines[0].index("sex")
    blind, folder, home = tmp_path / "blind.csv", tmp_path / "protected", tmp_path / "state"
    blind.write_text("".join(",".join([*row[:sex], *row[sex + 1 :]]) + "\n" for row in lines))
    elsewhere = f"catalog.protected_table={{kind: delta, external: true, path: {folder}}}"
    raw = f"catalog.raw_table.path={blind}"
    words = (*DESCRIPTION, "--set", raw, "--set", elsewhere)
    people = [(row[0], {"sex": row[sex]}) for row in lines[1:]]
    protected = spark.createDataFrame(people, "row_id STRING, protected MAP<STRING, STRING>")
    protected.coalesce(1).write.format("delta").save(str(folder))
    assert do_here(spark, home, "prepare", *words)[0] == 0

    away = folder.rename(tmp_path / "away")
    assert do_here(spark, home, "train", *words, "--select", "scorecard_pd")[0] == 0
    for job in ("register", "deploy", "score"):
        others = (*scorecard.options, *scorecard.applications, "--set", elsewhere)
        plan_of(spark, scorecard.home, monkeypatch, "plan", job, *others)
    audit = ("evaluate", *words, "--select", "+audit_scorecard")
    with pytest.raises(DataError, match=f"no table at {folder} for 'protected_table'"):
        do_here(spark, home, *audit)

    away.rename(folder)
    code, record = do_here(spark, home, *audit)
    found, told = (of["evidence"]["fairness_report"] for of in (record, scorecard.record))
    assert (code, found) == (0, told) and len(found["tables"]["fairness_sex"]["rows"]) == 2


def test_a_second_run_has_nothing_to_do_and_validates_nothing_again(scorecard):
    code, out, told = do(scorecard.home, "run", *scorecard.options, "--json")
    assert code == 0, told
    outcome = json.loads(out.splitlines()[-1])
    assert {node["status"] for node in outcome["nodes"]} == {"skipped"}
    assert (outcome["spark_jobs"], outcome["release"]) == (0, 1)
    folder = scorecard.home / "runs" / outcome["run_id"]
    assert list(folder.glob("validation-*")) == [] and "validated" not in told


def test_the_champion_scores_and_the_challenger_watches(scorecard):
    code, record = scorecard.do("score", *scorecard.applications)
    assert code == 0
    scores, shadow = (
        scorecard.table(name).toPandas().set_index("row_id").sort_index()
        for name in ("application_scores", "shadow_scores")
    )
    assert list(scores.index) == list(shadow.index) == ["a", "b", "c"]
    assert scores.pd["a"] < scores.pd["b"] and scores.points["a"] > scores.points["b"]
    assert set(scores.model_version) == {"credit_pd/1"}
    assert set(shadow.model_version) == {"credit_pd_shadow/1"} and shadow.points.isna().all()
    # Who is declined, at five bads' loss to a good's profit, is told why.
    declines = scorecard.table("declines").toPandas().set_index("row_id")
    assert {*declines.index} == {*scores.index[scores.pd > 1 / 6]} and "b" in declines.index
    assert dict(declines.points) == dict(scores.points[declines.index])
    assert set(declines.model_version) == {"credit_pd/1"}
    assert set(declines.explained_by) == {"credit_pd_reasons/1"}
    assert all(1 <= len(reasons) <= 4 for reasons in declines.reasons)
    report = record["evidence"]["shadow_report"]["metrics"]
    assert report["loans"] == 3
    assert report["shadow_mean_pd"] == pytest.approx(shadow.pd.mean(), abs=1e-6)
    [put_aside] = scorecard.table("unscored_quarantine").collect()
    assert "income 'much' is no number" in put_aside.row


EASY = (
    "promote: true, min_auc_gain: -1.0, min_profit_gain: -9.0, max_psi: 9.0, "
    "max_miscalibration: 9.0"
)


def test_a_promoted_challenger_decides_and_the_scorecard_watches(scorecard):
    easy = ("--set", f"params.choose_champion={{{EASY}}}")
    code, record = scorecard.do("run", *easy)
    assert code == 0
    # It was compared with the champion that it takes the place of: the scorecard.
    compared, between = (
        record["evidence"][name]["metrics"] for name in ("incumbent_comparison", "comparison")
    )
    assert compared == {"incumbents": 1} | between and between["auc_difference"] != 0
    aliases = scorecard.mlflow.get_registered_model("credit_pd").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2"}

    code, _ = scorecard.do("score", *easy, *scorecard.applications)
    assert code == 0
    scores, shadow = (
        scorecard.table(name).toPandas().set_index("row_id").sort_index()
        for name in ("application_scores", "shadow_scores")
    )
    assert set(scores.model_version) == {"credit_pd/2"} and scores.points.isna().all()
    assert set(shadow.model_version) == {"credit_pd_shadow/2"} and shadow.points.notna().all()
    # Trees decide, and tell why.
    declines = scorecard.table("declines").toPandas().set_index("row_id")
    assert {*declines.index} == {*scores.index[scores.pd > 1 / 6]} and "b" in declines.index
    assert set(declines.explained_by) == {"credit_pd_reasons/2"}
    assert all(1 <= len(reasons) <= 4 for reasons in declines.reasons)

    # Its own champion has moved, and that is no reason to ask once more.
    code, again = scorecard.do("run", *easy)
    assert {node["status"] for node in again["nodes"]} == {"skipped"}


@pytest.mark.parametrize("trainer", ["gbt", "auto"])
def test_a_challenger_whose_declines_nobody_could_explain_is_not_promoted_says_the_plan(
    spark, tmp_path, monkeypatch, trainer
):
    write_table(tmp_path / "loans.csv")
    described = [word for word in DESCRIPTION if word.startswith("params.")]
    settings = (
        *(word for word in described if not word.startswith("params.challenger_pd")),
        f"catalog.raw_table.path={tmp_path / 'loans.csv'}",
        f"params.challenger_pd.trainer={trainer}",
    )
    words = ("--graph", "scorecard", *(word for each in settings for word in ("--set", each)))

    def plan(*others):
        return plan_of(spark, tmp_path / "home", monkeypatch, "plan", *words, *others)

    promoted = ("--set", "params.choose_champion.promote=true")
    with pytest.raises(ConfigError, match="'decline_reasons'.* its trainer may be gbt"):
        plan(*promoted)
    # Without reasons, and as a shadow, it is a model as any other.
    plan(*promoted, "--exclude", "decline_reasons+")
    plan()


def test_a_model_that_is_worse_than_the_champion_does_not_take_its_place(scorecard):
    before = scorecard.mlflow.get_registered_model("credit_pd").aliases
    # Age alone tells nothing of the outcome.
    blind = "params.scorecard_pd={forbidden: [income, purpose], forced: [age], stepwise: none}"
    gate = "params.scorecard_gate={min_auc: 0.1, max_ece: 1.0, min_loans: 1, min_bads: 1}"
    code, failed, not_run = scorecard.stopped("--set", blind, "--set", gate)
    assert (code, failed["name"]) == (4, "champion_gate")
    assert "AUC is worse than that of the model that decides now" in failed["reason"]
    assert "deploy_pd_champion" in not_run
    assert scorecard.mlflow.get_registered_model("credit_pd").aliases == before


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


def test_skipping_on_and_off_give_the_same_scores_of_applications(scorecard, spark):
    assert scorecard.do("score", *scorecard.applications)[0] == 0
    changes = (
        "--set", "params.compare_shadow.approval_rates=[0.4]",
        "--set", "params.select_declines.explain=all",
    )  # fmt: skip
    words = (*scorecard.options, *scorecard.applications, *changes)
    with_skipping, without = both_ways(spark, scorecard.home, "score", *words)
    assert with_skipping.statuses["present_shadow_scores"] == "skipped"
    told = scorecard.table("declines")
    assert told.count() == scorecard.table("application_scores").count() == 3
    assert with_skipping.tables == without.tables and "shadow_scores" in without.tables
    assert with_skipping.evidence == without.evidence


def test_reweighed_models_are_fitted_from_the_given_table_and_both_audits_show_the_weights(
    scorecard,
):
    by_sex = ("--set", "params.split_observations.reweigh_by=[sex]")
    assert scorecard.do("prepare", *by_sex)[0] == 0
    fitted_on = scorecard.table("development_table").toPandas()
    assert (fitted_on.sample_weight[fitted_on["sample"] == "calibration"] == 1).all()
    assert scorecard.do("train", *by_sex)[0] == 0
    audits = ("--select", "+audit_scorecard +audit_challenger +count_left_out")
    code, record = scorecard.do("evaluate", *by_sex, *audits)
    assert code == 0
    # Whom a row stands for changes nothing of which rows are used.
    assert record["evidence"]["sample_report"] == scorecard.record["evidence"]["sample_report"]
    developed = fitted_on[fitted_on["sample"] == "development"]
    weights = developed.sample_weight.astype(float).unique()
    for report in ("fairness_report", "challenger_fairness"):
        table = record["evidence"][report]["tables"]["reweighing"]
        assert [row[0] for row in table["rows"]] == ["f", "m"]
        shown = [weight for row in table["rows"] for weight in row[3:5]]
        assert sorted(shown) == pytest.approx(sorted(weights), abs=1e-6)
        assert {round(row[5], 9) for row in table["rows"]} == {round(developed.is_bad.mean(), 9)}
