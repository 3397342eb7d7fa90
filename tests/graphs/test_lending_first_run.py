"""The lending graph on a small embedded book: what the first run has made."""

import datetime as dt
import json

import pytest
from pyspark.sql import functions as F

from penstock.graphs.lending import GRAPH
from penstock.job import prepare_job
from penstock.lending.cases import gather_cases
from penstock.lending.policy.in_one import decider
from tests.processes import SMALL
from tests.released import left_open

LEARNT_LATER = {
    "grade", "sub_grade", "interest_rate", "installment_usd", "loan_status", "last_fico",
    "funded_usd",
    "principal_outstanding_usd", "total_paid_usd", "principal_paid_usd", "interest_paid_usd",
    "recoveries_usd", "collection_fee_usd", "last_payment_date",
}  # fmt: skip


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
    told = {row.application_id: row.score_reasons for row in recorded if row.score_reasons}
    assert told.keys() == declined & scored.keys()
    assert all(len(reasons) <= 4 for reasons in told.values())
    assert {row.cut_off for row in recorded} == {0.25}
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
    [row] = lending.table("optimality_certificate").collect()
    assert (row.approved, row.profit) == (len(rows), certificate["metrics"]["profit"])
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


def test_files_in_the_catalog_take_the_place_of_the_generated_book():
    job = prepare_job("plan", ["--env", "lendingclub"])
    assert {"generate_book", "generate_applications"}.isdisjoint(n.name for n in job.graph.nodes)
    assert set(job.graph.sources) == {"raw_loans", "raw_applications"}
