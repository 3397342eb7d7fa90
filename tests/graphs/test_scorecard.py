"""The scorecard graph on a table of its own: one run by spark-submit, and one with nothing new."""

import datetime as dt
import json

import numpy as np
import pytest

from tests.processes import do

LOANS = 900
DESCRIPTION = (
    "--graph", "scorecard",
    "--set", "params.read_observations={key: [id], target: outcome, good_values: [repaid], "
             "bad_values: [lost], date: opened, numeric: [income, age], categorical: [purpose]}",
    "--set", "params.split_observations={by: date, calibration_from: 2020-07-01, "
             "test_from: 2020-10-01, test_until: 2021-03-31}",
    "--set", "params.scorecard_pd={stepwise: none, folds: 2}",
    "--set", "params.validate_scorecard={purpose: Small loans, owner: Risk}",
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
    rows = [
        f"{n},{days[n]},{income[n]:.2f},{age[n]},{purpose[n]},{'lost' if is_bad[n] else 'repaid'}"
        for n in range(LOANS)
    ]
    rows.append(f"{LOANS},2020-02-01,a lot,40,car,repaid")
    path.write_text("\n".join(["id,opened,income,age,purpose,outcome", *rows]) + "\n")


class Scorecard:
    """A state folder on which the graph has run once."""

    def __init__(self, home, table):
        self.home = home
        self.words = ("run", *DESCRIPTION, "--set", f"catalog.raw_table.path={table}", "--json")
        self.outcome, self.told = self.do()
        self.folder = home / "runs" / self.outcome["run_id"]
        self.record = json.loads((self.folder / "run.json").read_text())

    def do(self):
        code, out, err = do(self.home, *self.words)
        assert code == 0, err
        return json.loads(out.splitlines()[-1]), err


@pytest.fixture(scope="module")
def scorecard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorecard")
    write_table(folder / "loans.csv")
    return Scorecard(folder / "state", folder / "loans.csv")


def test_a_row_that_cannot_be_read_is_put_aside_with_the_reason(scorecard, spark):
    from tests.released import table_of

    [put_aside] = table_of(spark, scorecard.home, "observations_quarantine").collect()
    assert put_aside.broken_rules == ["every_value_can_be_read"]
    assert "income 'a lot' is no number" in put_aside.row
    assert table_of(spark, scorecard.home, "observations").count() == LOANS


def test_loans_are_scored_in_points_that_fall_as_the_pd_rises(scorecard, spark):
    from tests.released import table_of

    judged = table_of(spark, scorecard.home, "judged_scores").toPandas()
    developed = table_of(spark, scorecard.home, "development_scores").toPandas()
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
    from tests.released import mlflow_of

    page = scorecard.folder / "validation-scorecard-1.html"
    card = json.loads(page.with_suffix(".json").read_text())
    text = page.read_text()
    assert f"validated {page}" in scorecard.told
    assert "Small loans" in text and "gate passed" in text and "src=" not in text
    assert (card["model"], card["version"], card["passed"]) == ("scorecard", "1", True)
    assert card["evidence"]["scorecard_report"] == scorecard.record["evidence"]["scorecard_report"]
    client = mlflow_of(scorecard.home)
    version = client.get_model_version_by_alias("scorecard", "champion")
    assert str(version.version) == "1"
    artefacts = {artefact.path for artefact in client.list_artifacts(version.run_id)}
    assert {page.name, page.with_suffix(".json").name} <= artefacts


def test_a_second_run_has_nothing_to_do_and_validates_nothing_again(scorecard):
    outcome, told = scorecard.do()
    assert {node["status"] for node in outcome["nodes"]} == {"skipped"}
    assert (outcome["spark_jobs"], outcome["release"]) == (0, 1)
    folder = scorecard.home / "runs" / outcome["run_id"]
    assert list(folder.glob("validation-*")) == [] and "validated" not in told
