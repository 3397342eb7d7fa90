"""Jobs of the lending graph on the first run's state folder: slices, gates, overrides, replays."""

import datetime as dt
import shutil

import pytest

from penstock.errors import DataError
from tests.processes import SMALL
from tests.released import State, contents, do_here, record_of

pytestmark = pytest.mark.slow

HARDER = ("--set", "params.logistic_pd.regularisation=0.5")


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
    first, outcome, _ = first_run
    other = State(spark, tmp_path / "home", *SMALL)
    shutil.copytree(empty_mlflow, other.home / "mlflow")
    assert other.do("run", *HARDER)[0] == 0
    code, record = other.do("run")
    statuses = {node["name"]: node["status"] for node in record["nodes"]}
    assert code == 0 and statuses["fractional_lgd"] == statuses["clean_loans"] == "skipped"
    assert statuses["logistic_pd"] == statuses["optimise"] == "done"
    found = contents(spark, other.home)
    assert len(found) > 30 and found == contents(spark, first)
    assert record["evidence"] == record_of(first, outcome)["evidence"]


def test_a_portfolio_is_chosen_anew_within_other_limits_from_prices_of_the_last(lending, tmp_path):
    before, prices = lending.release, tmp_path / "prices"
    shutil.copytree(lending.home / "tables" / "limit_prices", prices)
    copied = sorted(prices.rglob("*"))
    begin = f"catalog.start_prices={{kind: delta, external: true, path: {prices}}}"
    tighter = "params.optimise.limits=[{name: lent, measure: lent_usd, at_most: 200000}]"
    frontiers = "params.optimise.frontiers=[]"
    changed = (word for each in (begin, tighter, frontiers) for word in ("--set", each))
    code, record = lending.do("optimise", *HARDER, *changed)
    assert code == 0
    statuses = {n["name"]: n["status"] for n in record["nodes"]}
    assert statuses["optimise"] == "done" and "no_start_prices" not in statuses
    assert sorted(prices.rglob("*")) == copied  # they are read, and stay
    assert lending.release.release_id == before.release_id + 1
    certificate = record["evidence"]["portfolio_certificate"]
    [[limit, _, bound, unit, used, *_]] = certificate["tables"]["limits"]["rows"]
    assert (limit, bound, unit) == ("lent", 200_000, "USD") and 0.99 * bound < used <= bound


def test_who_is_approved_and_who_pays_more_is_audited_on_what_was_decided(lending, tmp_path):
    """Attributes lie in a table of their own, which no other job opens."""
    folder = tmp_path / "protected"
    own = f"catalog.protected_applicants={{kind: delta, external: true, path: {folder}}}"
    chosen = ("--set", own, "--set", "params.audit_offers.attributes=[sex]")
    assert lending.do("decide", *chosen)[0] == 0
    with pytest.raises(DataError, match=f"no table at {folder} for 'protected_applicants'"):
        lending.do("audit", *chosen)
    made = lending.table("decision_records").where("decision = 'approve' AND offer IS NOT NULL")
    rates = {row.application_id: row.offer.interest_rate for row in made.collect()}
    # Every second of those who pay more than most.
    dear = sorted(rates, key=rates.get)[len(rates) // 2 :: 2]
    rows = [(key, {"sex": "f" if key in dear else "m"}) for key in rates]
    protected = lending.spark.createDataFrame(rows, "row_id STRING, protected MAP<STRING, STRING>")
    protected.coalesce(1).write.format("delta").save(str(folder))
    code, record = lending.do("audit", *chosen)
    statuses = {node["name"]: node["status"] for node in record["nodes"]}
    assert code == 0 and statuses == {"list_audited": "done", "audit_offers": "done"}
    report = record["evidence"]["offer_audit"]
    [women, men] = report["tables"]["prices_sex"]["rows"]
    assert report["metrics"]["offers"] == women[2] + men[2] == len(rates)
    for row, is_dear in ((women, True), (men, False)):
        of_group = [rate for key, rate in rates.items() if (key in dear) == is_dear]
        assert row[3] == pytest.approx(sum(of_group) / len(of_group), abs=1e-9)
    applications = [row[2] for row in report["tables"]["approvals_sex"]["rows"]]
    assert report["metrics"]["applications"] == lending.table("decision_records").count()
    assert sum(applications) == report["metrics"]["applications"]
    assert women[4] > 0 and women[6] > 0  # the difference of the means, and the SMD's lower bound


def test_a_replay_of_a_decide_makes_its_records_again_row_for_row(lending, overridden):
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
