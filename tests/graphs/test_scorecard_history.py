"""The scorecard graph with a history beside its table, by configuration alone."""

import shutil

import pytest

from penstock.catalyst.internals import count_jobs
from penstock.errors import ConfigError, DataError
from tests.graphs.planned import plan_of
from tests.released import State, left_open, partitions

LOANS = 60


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Write loans, and debts that were reported three days after the month they are of."""
    folder = tmp_path_factory.mktemp("history")
    loans = [
        f"{n},{n % 20},2020-{1 + n % 12:02},{10 + n},{'lost' if n % 3 else 'repaid'},f"
        for n in range(LOANS)
    ]
    debts = [
        f"{customer},2020-{month:02}-28,2020-{month + 1:02}-01,{100 * month + customer},1"
        for customer in range(19)
        for month in range(1, 12)
    ]
    odd = ["3,soon,2020-01-01,5,1", ",2020-01-01,2020-01-01,5,1", "4,2020-05-28,2020-06-01,a lot,1"]
    (folder / "loans.csv").write_text(
        "\n".join(["id,customer,opened,income,outcome,sex", *loans]) + "\n"
    )
    (folder / "debts.csv").write_text(
        "\n".join(["customer,month,reported,debt,paid_back", *debts, *odd]) + "\n"
    )
    sets = (
        f"catalog.raw_table.path={folder}/loans.csv",
        f"catalog.raw_history={{kind: csv, path: {folder}/debts.csv}}",
        "catalog.raw_history.known_at={post: [paid_*]}",
        "params.read_observations={key: [id], target: outcome, good_values: [repaid], "
        "bad_values: [lost], date: opened, date_format: yyyy-MM, numeric: [income, debt], "
        "protected: [sex]}",
        "params.read_history={key: [customer], event_date: month, available_date: reported, "
        "date_format: yyyy-MM-dd, numeric: [debt]}",
    )
    return ("--graph", "scorecard", *(word for change in sets for word in ("--set", change)))


@pytest.fixture
def plan(spark, words, tmp_path, monkeypatch):
    """Return what plans as the command line would, with further words."""
    return lambda *more: plan_of(spark, tmp_path, monkeypatch, "plan", *words, *more)[1]


def test_the_whole_run_is_planned_and_typed_without_a_spark_job(spark, plan):
    jobs = count_jobs(spark)
    planned = plan()
    assert (planned.spark_jobs, count_jobs(spark)) == (0, jobs)
    found = {each.node.name: each.found for each in planned.nodes}
    observations = found["read_observations"].columns["observations"]
    assert observations["debt"].dataType.typeName() == "double"
    edges = found["add_history"].edges
    asked = {("history", "debt"), ("history", "available_on"), ("raw_table", "opened")}
    assert asked <= edges["table_with_history", "debt"]
    assert edges["table_with_history", "income"] == {("raw_table", "income")}


def test_what_the_history_tells_later_than_the_model_decides_is_refused(plan):
    looked_up = "params.read_history.numeric=[debt, paid_back]"
    features = "params.read_observations.numeric=[income, paid_back]"
    way = "raw_history.paid_back by read_history -> add_history -> read_observations"
    with pytest.raises(ConfigError, match=f"'paid_back' leaks.*{way}.*catalog.raw_history.known_"):
        plan("--set", looked_up, "--set", features)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("read_history.numeric=[dept]", DataError, "history has no column 'dept'. Did you mean"),
        ("read_observations.date=''", ConfigError, "Node 'add_history'.*There is a history"),
    ],
)
def test_the_plan_names_what_is_wrong_with_a_history(plan, change, error, message):
    with pytest.raises(error, match=message):
        plan("prepare", "--set", f"params.{change}")


@pytest.fixture(scope="module")
def state(spark, words, empty_mlflow, tmp_path_factory):
    home = tmp_path_factory.mktemp("state")
    shutil.copytree(empty_mlflow, home / "mlflow")
    state = State(spark, home, *words)
    code, record = state.do("prepare")
    assert code == 0, record
    return state


def debts_of(table):
    return {int(row.row_id): row.debt for row in table.select("row_id", "debt").collect()}


@pytest.mark.slow
def test_each_loan_has_the_debt_that_was_known_when_it_was_opened(state):
    # On the first of a month the debt of the month before has just been reported.
    known = {
        n: 100.0 * (n % 12) + n % 20 if n % 12 and n % 20 != 19 else None for n in range(LOANS)
    }
    assert debts_of(state.table("observations")) == known
    aside = state.table("history_quarantine").collect()
    assert sorted(rule for row in aside for rule in row.broken_rules) == [
        "event_is_known", "every_value_can_be_read", "every_value_can_be_read",
        "history_key_is_known",
    ]  # fmt: skip


@pytest.mark.slow
def test_all_of_the_history_is_known_before_it_is_made_and_the_same_twice(state, spark):
    assert left_open(spark, state.home, "scorecard") == []


@pytest.mark.slow
def test_rows_to_score_get_what_the_rows_to_fit_on_get(state, spark):
    with partitions(spark, 3):
        code, record = state.do("score", "--select", "+applications_to_score")
    assert code == 0, record
    statuses = {node["name"]: node["status"] for node in record["nodes"]}
    assert statuses["read_history"] == "skipped"
    assert debts_of(state.table("applications_to_score")) == debts_of(state.table("observations"))


@pytest.mark.slow
def test_a_history_of_which_no_row_can_be_read_is_refused_and_one_without_rows_is_none(
    state, tmp_path
):
    read = ("run", "--select", "read_history", "--set")
    code, record = state.do(*read, "params.read_history.date_format=dd.MM.yyyy")
    [node] = record["nodes"]
    assert (code, node["status"]) == (3, "failed")
    assert (
        "212 row(s) of 'history' break its contract, and no other row is left: "
        "every_value_can_be_read (212), history_key_is_known (1), event_is_known (212), "
        'availability_is_known (212), e.g. {"history_key": '
    ) in node["reason"]
    assert "is no day" in node["reason"] and "days are written (date_format)" in node["reason"]
    (tmp_path / "none.csv").write_text("customer,month,reported,debt,paid_back\n")
    code, record = state.do(*read, f"catalog.raw_history.path={tmp_path}/none.csv")
    assert (code, record["nodes"][0]["rows_out"]) == (0, {"history": 0})
