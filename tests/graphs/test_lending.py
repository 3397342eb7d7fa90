"""The lending graph on a small embedded book: the first run's tables, and jobs in this session."""

import datetime as dt
import json
import shutil

import pytest
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.lending.cases import gather_cases
from penstock.lending.policy.in_one import decider
from tests.processes import SMALL

LEARNT_LATER = {
    "grade", "sub_grade", "interest_rate", "installment_usd", "loan_status", "last_fico",
    "funded_usd",
    "principal_outstanding_usd", "total_paid_usd", "principal_paid_usd", "interest_paid_usd",
    "recoveries_usd", "collection_fee_usd", "last_payment_date",
}  # fmt: skip
HARDER = ("--set", "params.logistic_pd.regularisation=0.5")


class Lending:
    """A state folder on which the whole graph has run once."""

    def __init__(self, spark, home, first_outcome):
        self.spark, self.home, self.first_outcome = spark, home, first_outcome

    def do(self, job, *options):
        from tests.released import do_here

        return do_here(self.spark, self.home, job, *SMALL, *options)

    @property
    def release(self):
        from tests.released import release_of

        return release_of(self.spark, self.home)

    def table(self, name):
        from tests.released import table_of

        return table_of(self.spark, self.home, name)

    @property
    def mlflow(self):
        from tests.released import mlflow_of

        return mlflow_of(self.home)

    @property
    def first_record(self):
        run = self.home / "runs" / self.first_outcome["run_id"] / "run.json"
        return json.loads(run.read_text())


@pytest.fixture(scope="module")
def lending(spark, home, first_run):
    return Lending(spark, home, first_run[1])


def test_a_run_goes_from_raw_loans_to_released_scores(lending):
    assert lending.release.release_id == 1
    scores = lending.table("scores").collect()
    applications = lending.table("applications").count()
    assert len({row.application_id for row in scores}) == len(scores) == applications
    assert all(0 < row.pd < 1 for row in scores)
    assert {(row.model_version, row.as_of_date) for row in scores} == {
        ("lending_pd/1", dt.date(2025, 7, 1))
    }


def test_the_plan_knew_the_columns_of_each_table_and_no_node_is_another_one_each_time(lending):
    from tests.released import left_open

    assert left_open(lending.spark, lending.home, "lending") == []


def test_every_application_is_decided_by_the_policy_in_force(lending):
    decisions = lending.table("decisions").collect()
    assert {row.decision for row in decisions} == {"approve", "refer", "decline"}
    assert {row.policy_version for row in decisions} == {"consumer 2025"}
    scored = {row.application_id: row.pd for row in lending.table("scores").collect()}
    assert {row.application_id: row.pd for row in decisions if row.pd is not None} == scored
    asked = {row.id for row in lending.table("raw_applications").collect() if row.id}
    assert {row.application_id for row in decisions} == asked and len(decisions) == len(asked)
    unscored = [row for row in decisions if row.pd is None]
    assert unscored and {row.decision for row in unscored} == {"refer"}
    assert all(row.reasons[0].startswith("cannot be scored: ") for row in unscored)
    recorded = lending.table("decision_records").collect()
    assert {row.application_id for row in recorded if row.input_hash} == asked
    declined = {row.application_id for row in decisions if row.decision == "decline"}
    assert {row.application_id for row in recorded if row.score_reasons} == declined & set(scored)
    reports = lending.first_record["evidence"]
    assert reports["policy_report"]["metrics"]["applications"] == len(scored)
    approved = sum(row.decision == "approve" for row in decisions) / len(scored)
    assert reports["policy_comparison"]["metrics"]["approval_rate"] == approved


def test_two_policies_are_held_against_what_judged_loans_have_earned(lending):
    """By the plain Python that a policy is compiled to as well."""
    known = {"loan_id": "application_id"}
    loans = lending.table("loans").withColumnsRenamed(known)
    scored = lending.table("test_scores").select("loan_id", "pd").withColumnsRenamed(known)
    earned = lending.table("valued_loans").select("loan_id", "is_bad", "realised_profit_usd")
    params = prepare_job("evaluate", [*SMALL]).params
    scale = params["gather_cases"]
    cases = gather_cases(loans, scored.withColumn("model_version", F.lit("")), **scale)
    rows = cases.join(earned.withColumnsRenamed(known), "application_id").collect()
    metrics = lending.first_record["evidence"]["policy_backtest"]["metrics"]
    assert metrics["loans"] == len(rows) == lending.table("test").count()
    profits = []
    for prefix, day in (("", dt.date(2025, 7, 1)), ("other_", dt.date(2024, 12, 31))):
        decide = decider(params["decide"]["policy"].in_force(day))
        approved = [row for row in rows if decide(row.asDict()).decision == "approve"]
        profits.append(sum(row.realised_profit_usd for row in approved) / len(rows))
        assert metrics[f"{prefix}approval_rate"] == len(approved) / len(rows)
        assert metrics[f"{prefix}bad_rate"] == sum(r.is_bad for r in approved) / len(approved)
        assert metrics[f"{prefix}profit"] == pytest.approx(float(profits[-1]))
    assert metrics["gain"] == pytest.approx(float(profits[1] - profits[0])) != 0


def test_every_raw_row_is_good_or_in_quarantine_with_a_reason(lending):
    for raw, good, bad in (
        ("raw_loans", "loans", "loans_quarantine"),
        ("raw_applications", "applications", "applications_quarantine"),
    ):
        put_aside = lending.table(bad).collect()
        assert all(row.broken_rules for row in put_aside)
        assert lending.table(good).count() + len(put_aside) == lending.table(raw).count()
        # What is put aside holds the texts as they came; some ids came more than once.
        came = {}
        for row in lending.table(raw).collect():
            came.setdefault(row.id, []).append(row.asDict())
        texts = [json.loads(row.row)["raw"] for row in put_aside]
        named = [text for text in texts if text["id"] is not None]
        assert len(named) > 1
        for text in named:
            rows = came[text["id"]]
            assert any(all(row[k] == v for k, v in text.items() if k in row) for row in rows)


def test_the_cost_of_each_node_is_in_the_record(lending):
    nodes = {node["name"]: node for node in lending.first_record["nodes"]}
    assert all(nodes[name]["cpu_ms"] > 0 for name in ("clean_loans", "logistic_pd", "optimise"))
    assert nodes["evaluate_pd"]["shuffle_bytes"] > 0 and nodes["pd_gate"]["cpu_ms"] == 0


def test_the_model_learns_from_nothing_decided_or_learnt_later(lending):
    assert LEARNT_LATER.isdisjoint(lending.table("train").columns)
    params = lending.first_record["config"]["params"]["logistic_pd"]
    assert LEARNT_LATER.isdisjoint(params["numeric"] + params["categorical"])


def test_the_model_ranks_much_as_the_truth_does(lending):
    truth = lending.table("true_risk").withColumnRenamed("id", "loan_id")
    rows = lending.table("test_scores").join(truth, "loan_id", how="inner").toPandas()
    # 1,100 loans to learn from leave it well below 1 (features out of line give about 0); the gap
    # in AUC is measured on a large book, by `make bench NAME=foundation`.
    assert rows.pd.corr(rows.true_pd, method="spearman") > 0.7


def test_what_is_lost_of_a_default_is_learnt_out_of_time_and_much_as_it_truly_is(lending):
    truth = lending.table("true_risk").withColumnRenamed("id", "loan_id")
    rows = lending.table("lgd_test_scores").join(truth, "loan_id", how="inner").toPandas()
    metrics = lending.first_record["evidence"]["lgd_report"]["metrics"]
    assert metrics["defaults"] == len(rows) > 50
    # Recoveries are nearly all chance: of 200 defaults, the truth behind them shows but dimly.
    assert rows.lgd.corr(rows.true_lgd, method="spearman") > 0.4
    assert rows.lgd.mean() == pytest.approx(rows.true_lgd.mean(), abs=0.03)
    champion = lending.mlflow.get_model_version_by_alias("lending_lgd", "champion")
    assert float(champion.tags["lgd_report.rmse"]) == pytest.approx(metrics["rmse"], abs=1e-5)


def test_loans_of_any_age_default_as_often_as_they_are_expected_to(lending):
    """Of loans that were not behind on a day, by what truly became of them."""
    truth = lending.table("true_risk").selectExpr("id loan_id", "will_charge_off")
    book = (
        lending.table("provisions").where("days_past_due = 0").join(truth, "loan_id", how="inner")
    )
    rows = book.toPandas()
    young = rows.instalments_paid * 3 < rows.term_months
    for part in (rows[young], rows[~young]):
        expected, found = part.lifetime_pd.mean(), part.will_charge_off.mean()
        spread = (part.lifetime_pd * (1 - part.lifetime_pd)).sum() ** 0.5 / len(part)
        # Each loan is there on two dates at most; the rest is the error of so small a PD model.
        assert abs(found - expected) < 4 * 2**0.5 * spread + 0.2 * expected
    assert rows[young].lifetime_pd.mean() > 2 * rows[~young].lifetime_pd.mean()


def test_each_open_loan_has_a_stage_an_allowance_and_capital_and_the_walk_is_whole(lending):
    provisions = lending.table("provisions").toPandas()
    assert len(provisions) == lending.table("exposures").count() > 500
    in_default = provisions.days_past_due >= 90
    assert (provisions.stage == 3).equals(in_default) and in_default.any()
    assert (provisions.risk_weight[~in_default] > 0).all()
    metrics = lending.first_record["evidence"]["provision_report"]["metrics"]
    last = provisions[provisions.reporting_date == provisions.reporting_date.max()]
    assert metrics["allowance_usd"] == float(last.allowance_usd.sum())
    walk = lending.table("allowance_walk").toPandas()
    assert walk.closing_usd.sum() == last.allowance_usd.sum()


def test_the_portfolio_is_of_offers_that_may_be_made_within_limits_and_the_page_shows_it(lending):
    keys = ["application_id", "offer"]
    plan = lending.table("portfolio_plan")
    made = plan.where("offer IS NOT NULL").select(*keys)
    offers = made.join(lending.table("loan_offers"), keys).drop("decision")
    decided = lending.table("decisions").selectExpr(
        "application_id", "decision", "limit_usd", "interest_rate AS greatest_rate"
    )
    rows = offers.join(decided, "application_id").toPandas()
    assert len(rows) == made.count() == lending.table("portfolio").count() > 0
    assert set(rows.decision) == {"approve"} and (rows.expected_profit_usd.notna()).all()
    assert not (rows.amount_usd > rows.limit_usd.fillna(rows.amount_usd)).any()
    assert not (rows.interest_rate > rows.greatest_rate.fillna(1.0)).any()
    reports = lending.first_record["evidence"]
    certificate, audit = reports["portfolio_certificate"], reports["portfolio_audit"]["metrics"]
    assert certificate["metrics"]["approved"] == audit["offers"] == len(rows)
    assert 0 <= certificate["metrics"]["gap"] <= 0.001
    assert (audit["broken_limits"], audit["unmakeable_offers"]) == (0, 0)
    assert {row.limit for row in lending.table("limit_prices").collect()} == {
        row[0] for row in certificate["tables"]["limits"]["rows"]
    }
    assert lending.table("frontier").count() == 8 and lending.table("bid_prices").count() > 0
    page = lending.home / "runs" / lending.first_outcome["run_id"] / "index.html"
    shown = page.read_text()
    for figure in (
        "Frontier of capital",
        "Use and price of limits",
        "Composition of the plan",
        "Distribution of the loss",
    ):
        assert figure in shown


def test_the_page_shows_what_the_model_has_learnt(lending):
    report = lending.first_record["evidence"]["pd_coefficients"]["tables"]["coefficients"]
    learnt = {(feature, level): value for feature, level, value in report["rows"]}
    assert learnt["fico", "value"] < 0 < learnt["term_months", "value"]


def test_mlflow_knows_the_model_its_evidence_and_its_way_to_champion(lending):
    client = lending.mlflow
    champion = client.get_model_version_by_alias("lending_pd", "champion")
    assert champion.version == client.get_model_version_by_alias("lending_pd", "candidate").version
    assert float(champion.tags["pd_report.auc"]) == pytest.approx(
        lending.first_outcome["metrics"]["auc"], abs=1e-5
    )
    experiment = client.get_experiment_by_name("penstock")
    runs = client.search_runs([experiment.experiment_id])
    [parent] = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
    children = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(GRAPH.nodes)
    assert {r.info.status for r in runs} == {"FINISHED"}
    assert len(parent.data.tags["mlflow.source.git.commit"]) == 40
    artefacts = {a.path for a in client.list_artifacts(parent.info.run_id)}
    assert artefacts == {
        "plan.json", "plan.html", "run.json", "index.html", "openlineage.jsonl",
    }  # fmt: skip
    [fit] = [r for r in children if r.data.tags["mlflow.runName"] == "logistic_pd"]
    [trained_on] = fit.inputs.dataset_inputs
    assert (trained_on.dataset.name, trained_on.dataset.digest) == ("train", "0")
    metrics = lending.first_record["evidence"]["pd_report"]["metrics"]
    assert parent.data.metrics["auc"] == metrics["auc"]


def test_mlflow_has_the_rows_and_the_cost_of_each_node(lending):
    client = lending.mlflow
    of_nodes = client.search_runs(
        [client.get_experiment_by_name("penstock").experiment_id], "tags.`penstock.kind` != ''"
    )
    kept = {run.data.tags["mlflow.runName"]: run.data.metrics for run in of_nodes}
    assert len(kept) == len(lending.first_record["nodes"])
    counted = ("rows_in", "quarantined", "dropped", "warned")
    costs = ("ms", "cpu_ms", "shuffle_bytes", "spill_bytes")
    for node in lending.first_record["nodes"]:
        told = {f"rows_out.{name}": rows for name, rows in node["rows_out"].items()}
        told |= node["metrics"] | {key: node[key] for key in (*counted, *costs)}
        known = {key: value for key, value in told.items() if value is not None}
        assert kept[node["name"]] == known, node["name"]
    assert kept["clean_loans"]["quarantined"] > 0 and kept["evaluate_pd"]["auc"] > 0.5


def test_the_model_version_carries_its_signature_and_scores_from_the_registry(lending):
    import mlflow
    from pyspark.ml import PipelineModel

    uri = f"sqlite:///{lending.home}/mlflow/mlflow.db"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    local = mlflow.artifacts.download_artifacts(artifact_uri="models:/lending_pd/1")
    signature = mlflow.models.Model.load(local).signature
    assert "fico" in signature.inputs.input_names() and "pd" in signature.outputs.input_names()
    test = lending.table("test").limit(50)
    again = PipelineModel.load(f"{local}/sparkml").transform(test).select("loan_id", "pd").collect()
    stored = {row.loan_id: row.pd for row in lending.table("test_scores").collect()}
    assert all(row.pd == stored[row.loan_id] for row in again)


def test_the_slices_lead_a_second_model_to_champion_and_score_by_it(lending):
    before = lending.release
    assert lending.do("train", *HARDER)[0] == 0
    trained = lending.release
    assert trained.pins["pd_model"] == "2" and trained.pins["champion"] == "1"
    assert "pd_report" not in trained.pins  # it spoke of version 1

    with pytest.raises(DataError, match=r"'pd_report' \(report\) has never been released. Run"):
        lending.do("register", *HARDER)
    assert lending.release == trained

    for job in ("evaluate", "register", "deploy"):
        code, record = lending.do(job, *HARDER)
        assert code == 0
    assert {n["name"]: n["status"] for n in record["nodes"]} == {
        "pd_gate": "done",
        "deploy_champion": "done",
        "lending_reasons": "done",
        "deploy_reasons_champion": "done",
        "lgd_gate": "skipped",
        "deploy_lgd_champion": "skipped",
    }
    assert lending.do("score", "--as-of", "2025-08-01")[0] == 0
    after = lending.release
    assert (after.pins["champion"], after.release_id) == ("2", before.release_id + 5)
    scores = lending.table("scores").select("model_version", "as_of_date").distinct().collect()
    assert scores == [("lending_pd/2", dt.date(2025, 8, 1))]


def test_behind_a_closed_gate_the_champion_stays_champion(lending):
    before = lending.release
    strict = "params.pd_gate={min_auc: 0.99, max_ece: 0.2, min_loans: 50, min_bads: 5}"
    code, record = lending.do("deploy", "--set", strict)
    assert code == 4
    nodes = {node["name"]: node for node in record["nodes"]}
    assert "is below 0.990 (min_auc)" in nodes["pd_gate"]["reason"]
    assert nodes["deploy_champion"]["status"] == "not run"
    assert lending.release == before
    champion = lending.mlflow.get_model_version_by_alias("lending_pd", "champion")
    assert str(champion.version) == before.pins["champion"]


OWN_TABLES = {
    # Table of somebody's own: how it comes from stored ones, the row that is spoilt, and by what.
    "scores": ("decide", "scores", "application_id", "pd = 1.5"),
    "loan_risk": ("assess", "provisions", "loan_id", "pd = -0.25"),
    "exposures": ("assess", "exposures", "loan_id", "balance_usd = -100.00"),
}
COLUMNS = {"loan_risk": ("loan_id", "pd", "lgd")}


@pytest.mark.parametrize("name", OWN_TABLES)
def test_an_impossible_value_of_a_table_of_ones_own_is_refused_by_its_row(lending, tmp_path, name):
    """Before anybody is decided on; and no loan is left out of the allowance without a word."""
    job, of, key, spoilt = OWN_TABLES[name]
    column, value = spoilt.split(" = ")
    table = lending.table(of)
    table = table.select(*COLUMNS.get(name, table.columns)).distinct()
    [[row]] = table.selectExpr(f"max({key})").collect()
    kind = table.schema[column].dataType.simpleString()
    put = f"CAST(if({key} = '{row}', {value}, {column}) AS {kind}) AS {column}"
    kept = [put if c == column else c for c in table.columns]
    table.selectExpr(*kept).write.parquet(str(tmp_path / name))

    before = lending.release
    own = f"catalog.{name}={{kind: parquet, path: {tmp_path / name}}}"
    code, record = lending.do(job, "--set", own)
    assert (code, lending.release) == (DataError.exit_code, before)
    nodes = {node["name"]: node for node in record["nodes"]}
    failed, behind = (
        ("gather_cases", "decide") if job == "decide" else ("add_capital", "walk_allowance")
    )
    assert (nodes[failed]["status"], nodes[behind]["status"]) == ("failed", "not run")
    told = nodes[failed]["reason"]
    assert f'"{key}": "{row}"' in told and f'"{column}": {float(value)}}}. ' in told
    assert ": mend " in told and f"{name}" in told


HEADER, WHY = "application_id,decision,by,why,at", "Known to us."


@pytest.fixture(scope="module")
def overridden(lending, tmp_path_factory):
    """Decide with a file of overrides, and explain all of it.

    Returns who is declined, the run, its records, and a file in which a reason is missing.
    """
    # Whatever the PD is: the champion may be another one by now.
    is_ineligible = "arrays_overlap(rules_hit, array('bankrupt', 'no_history', 'often_late'))"
    [declined] = lending.table("decisions").where(is_ineligible).limit(1).collect()
    file = tmp_path_factory.mktemp("overrides") / "overrides.csv"
    line = f"{declined.application_id},approve,A. Smith,{{}},2025-07-01 10:30:00"
    nobody = "misspelt,approve,A. Smith,x,2025-07-01"
    file.write_text("\n".join([HEADER, line.format(WHY), nobody]))
    in_file = ("--set", f"catalog.raw_overrides={{kind: csv, path: {file}}}")
    code, record = lending.do("decide", *in_file, "--set", "params.select_declined.explain=all")
    assert code == 0
    records = sorted(lending.table("decision_records").collect())
    # The file stays as it is: a replay reads it again.
    missing = file.with_name("missing.csv")
    missing.write_text("\n".join([HEADER, line.format("")]))
    return declined, record, records, missing


def test_people_decide_otherwise_with_who_and_why(lending, overridden):
    declined, record, _, _ = overridden
    [read] = [n for n in record["nodes"] if n["name"] == "read_overrides"]
    assert (read["warned"], read["broken_rules"]) == (1, {"application_is_known": 1})
    [decision] = lending.table("decisions").where("overridden_by IS NOT NULL").collect()
    assert decision.application_id == declined.application_id
    assert (decision.decision, decision.policy_decision) == ("approve", "decline")
    assert decision.overridden_why == WHY


def test_if_asked_for_whoever_is_scored_is_told_what_weighs_most(overridden):
    records = overridden[2]
    assert {row.decision for row in records if row.score_reasons} > {"approve", "decline"}
    assert all((row.pd is None) == (row.score_reasons is None) for row in records)


def test_without_a_reason_nobody_decides_otherwise(lending, overridden):
    before, file = lending.release, overridden[-1]
    code, record = lending.do(
        "decide", "--set", f"catalog.raw_overrides={{kind: csv, path: {file}}}"
    )
    [failed] = [n for n in record["nodes"] if n["status"] == "failed"]
    assert (code, failed["name"]) == (DataError.exit_code, "read_overrides")
    assert "why_is_present" in failed["reason"] and lending.release == before


def test_a_run_that_skips_gives_what_a_first_run_gave_on_other_cores_and_partitions(
    spark, first_run, tmp_path, empty_mlflow
):
    """The first run: one core of an executor, the partitions of a job, and nothing to skip."""
    from tests.released import contents

    first = Lending(spark, *first_run[:2])
    other = Lending(spark, tmp_path / "home", None)
    shutil.copytree(empty_mlflow, other.home / "mlflow")
    assert other.do("run", *HARDER)[0] == 0
    code, record = other.do("run")
    statuses = {node["name"]: node["status"] for node in record["nodes"]}
    assert code == 0 and statuses["fractional_lgd"] == statuses["clean_loans"] == "skipped"
    assert statuses["logistic_pd"] == statuses["optimise"] == "done"
    found = contents(spark, other.home)
    assert len(found) > 30 and found == contents(spark, first.home)
    assert record["evidence"] == first.first_record["evidence"]


def test_a_portfolio_is_chosen_anew_within_other_limits(lending):
    before = lending.release
    tighter = "params.optimise.limits=[{name: lent, measure: lent_usd, at_most: 200000}]"
    frontiers = "params.optimise.frontiers=[]"
    code, record = lending.do("optimise", *HARDER, "--set", tighter, "--set", frontiers)
    assert code == 0
    assert {n["name"]: n["status"] for n in record["nodes"]}["optimise"] == "done"
    assert lending.release.release_id == before.release_id + 1
    certificate = record["evidence"]["portfolio_certificate"]
    [[limit, _, bound, unit, used, *_]] = certificate["tables"]["limits"]["rows"]
    assert (limit, bound, unit) == ("lent", 200_000, "USD") and 0.99 * bound < used <= bound


def test_a_replay_of_a_decide_makes_its_records_again_row_for_row(lending, overridden):
    from tests.released import do_here

    _, record, records, _ = overridden
    # After the test above, the records are those of another model's scores, without overrides.
    code, replayed = do_here(lending.spark, lending.home, "replay", record["run_id"])
    assert code == 0 and {node["status"] for node in replayed["nodes"]} == {"done"}
    again = sorted(lending.table("decision_records").collect())
    assert [row.record_hash for row in again] == [row.record_hash for row in records]
    assert again == records


def test_rejected_applications_in_a_file_have_a_part_in_the_model(lending, tmp_path):
    asked = lending.table("raw_applications").dropDuplicates(["id"]).where("id IS NOT NULL")
    said = {"application_d": "2018-06-01", "desc": "", "title": ""}
    earlier = asked.drop("emp_title").toPandas().assign(**said)
    earlier.to_csv(tmp_path / "rejects.csv", index=False)
    words = (
        f"catalog.raw_rejects={{kind: csv, path: {tmp_path}/rejects.csv}}",
        "params.logistic_pd.reject_inference=fuzzy",
        "params.logistic_pd.reject_risk=3.0",
    )
    chosen = [word for value in words for word in ("--set", value)]
    code, record = lending.do("run", *chosen, "--select", "+reject_report")
    assert code == 0
    rejects = lending.table("rejects").count()
    assert rejects + lending.table("rejects_quarantine").count() == len(earlier)
    taught = lending.table("train").where("sample = 'rejected development'")
    found = record["evidence"]["reject_report"]
    assert found["metrics"]["rejected"] == taught.count() == rejects > 200
    [_, of_rejects] = found["tables"]["populations"]["rows"]
    # Told that they are three times as risky at the same PD, the model takes them for riskier.
    assert of_rejects[-1] > 1.05 * of_rejects[-2]


def test_files_in_the_catalog_take_the_place_of_the_generated_book():
    job = prepare_job("plan", ["--env", "lendingclub"])
    assert {"generate_book", "generate_applications"}.isdisjoint(n.name for n in job.graph.nodes)
    assert set(job.graph.sources) == {"raw_loans", "raw_applications"}
