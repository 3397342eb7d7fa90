"""Decisions on tables: none is dropped, overrides lie over, reports count what happened."""

import datetime as dt
from decimal import Decimal

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.errors import ConfigError
from penstock.lending.decision_checks import (
    DECISION_CHECKS,
    DECISION_COLUMNS,
    OVERRIDE_CHECKS,
    OVERRIDE_COLUMNS,
)
from penstock.lending.overrides import no_overrides, read_overrides
from penstock.lending.policy.decide import decide
from penstock.lending.policy.hits import count_hits
from penstock.lending.policy.what_if import COMPARED_COLUMNS, compare_decisions, decide_by_both
from penstock.lending.unreadable import UNREADABLE_COLUMNS
from tests.lending.policy.written import POLICY, history_of

DAY = dt.date(2025, 7, 1)
DDL = (
    "application_id STRING, application_date DATE, pd DOUBLE, points INT, income DECIMAL(12,2), "
    "months INT, purpose STRING, is_staff BOOLEAN, since DATE, model_version STRING, "
    "amount_usd DECIMAL(12,2)"
)
BEGUN = dt.date(2020, 1, 1)


def case(name, **changes):
    row = {
        "application_date": DAY,
        "pd": 0.1, "points": 550, "income": Decimal("30000.00"), "months": 60, "purpose": "house",
        "is_staff": False, "since": BEGUN, "model": "m 1", "amount": Decimal("1000.00"), **changes,
    }  # fmt: skip
    return (name, *row.values())


CASES = [
    case("good"),
    case("young", months=3),
    case("young and risky", months=3, pd=0.5),
    case("unscored", pd=None, model=None),
    case("unscored and young", pd=None, model=None, months=3),
    case("untold", months=None),
    case("staff", is_staff=True, purpose="car"),
    case("safe", pd=0.01, amount=Decimal("2500.50")),
]


TORN = "cannot be scored: fico_in_range"


@pytest.fixture
def cases(spark):
    return spark.createDataFrame(CASES, DDL)


@pytest.fixture
def unreadable(spark):
    rows = [("torn", [TORN], "1f"), ("torn too", [TORN], "2f")]
    return spark.createDataFrame(rows, UNREADABLE_COLUMNS)


def broken(checks):
    """Return the rules of a contract that a row breaks."""
    told = [F.when(~F.coalesce(F.expr(sql), F.lit(False)), rule) for rule, sql in checks.items()]
    return F.array_compact(F.array(*told)).alias("broken")


def overrides_of(spark, *rows):
    ddl = ", ".join(f"{name} STRING" for name in ("application_id", "decision", "by", "why", "at"))
    return spark.createDataFrame([*rows], ddl)


def test_each_application_is_decided_and_an_override_lies_over_the_policy(
    spark, cases, unreadable, tmp_path
):
    by_people = overrides_of(
        spark,
        ("young", "Approve", " A. Smith ", "Long known to us.", "2025-07-01"),
        ("torn too", "decline", "A. Smith", "Nobody answers.", "2025-07-01"),
    )
    overrides = read_overrides(by_people, cases, unreadable)
    assert overrides.where("is_applied").count() == 2
    policy = history_of(tmp_path, POLICY)
    decisions = decide(cases, unreadable, overrides, policy=policy, as_of=DAY)
    stored = decisions.drop("application_date")
    assert [(f.name, f.dataType.simpleString()) for f in stored.schema] == [
        (f.name, f.dataType.simpleString()) for f in StructType.fromDDL(DECISION_COLUMNS)
    ]
    judged = decisions.select(broken(DECISION_CHECKS)).collect()
    assert [row.broken for row in judged] == [[]] * (len(CASES) + 2)
    found = {row.application_id: row for row in decisions.collect()}
    assert {name: row.decision for name, row in found.items()} == {
        "good": "approve", "young": "approve", "young and risky": "decline", "unscored": "refer",
        "unscored and young": "decline", "untold": "refer", "staff": "refer", "safe": "approve",
        "torn": "refer", "torn too": "decline",
    }  # fmt: skip
    torn = found["torn"]
    assert (torn.policy_decision, torn.reasons, torn.rules_hit) == ("refer", [TORN], [])
    assert (found["torn too"].policy_decision, torn.policy_version) == ("refer", "small 1")
    young = found["young"]
    assert (young.policy_decision, young.overridden_by) == ("decline", "A. Smith")
    assert (young.overridden_why, young.overridden_at) == (
        "Long known to us.",
        dt.datetime(2025, 7, 1),
    )
    assert young.reasons == ["The history is short."]
    assert found["young and risky"].rules_hit == ["young", "risky", "half", "most", "rate"]
    assert found["unscored"].reasons[0] == "cannot be scored: pd is missing"
    good = found["good"]
    assert (good.limit_usd, good.interest_rate) == (Decimal("15000.00"), 0.05 + 0.1)
    assert (good.reasons, good.overridden_by, good.policy_version) == ([], None, "small 1")
    assert (good.cut_off, torn.cut_off) == (0.2, 0.2)


def test_an_override_without_who_why_and_when_breaks_its_contract(spark):
    whole = ("a", "refer", "me", "because", "2025-07-01 10:30:00")
    rows = [
        whole,
        *((*whole[:i], " ", *whole[i + 1 :]) for i in range(1, 5)),
        ("b", "x", *whole[2:]),
    ]
    key = spark.createDataFrame([("a",)], "application_id STRING")
    told = overrides_of(spark, *rows, ("cut", *whole[1:])).withColumn(
        "_corrupt_record", F.expr("if(application_id = 'cut', 'cut,x,y', null)")
    )
    read = read_overrides(told, key, key.where("false"))
    [cut] = read.where("application_id = 'cut'").select(broken(OVERRIDE_CHECKS)).collect()
    assert cut.broken == ["line_fits_the_header"]
    overrides = read.where("application_id != 'cut'")
    stored = overrides.drop("is_applied", "broken_line")
    assert [(f.name, f.dataType) for f in stored.schema] == [
        (f.name, f.dataType) for f in StructType.fromDDL(OVERRIDE_COLUMNS)
    ]
    judged = overrides.select("is_applied", broken(OVERRIDE_CHECKS)).collect()
    assert sorted((row.broken, row.is_applied) for row in judged if row.is_applied) == [
        ([], True), (["at_is_present"], True), (["by_is_present"], True),
        (["decision_is_known"], True), (["why_is_present"], True),
    ]  # fmt: skip
    assert [row.broken for row in judged if not row.is_applied] == [["decision_is_known"]]


def test_nobody_overrides_where_no_file_says_so(spark, cases, unreadable, tmp_path):
    nobody = read_overrides(no_overrides(cases), cases, unreadable)
    assert nobody.columns[:-2] == StructType.fromDDL(OVERRIDE_COLUMNS).names
    policy = history_of(tmp_path, POLICY)
    decided = decide(cases, unreadable, nobody, policy=policy, as_of=DAY)
    assert decided.where("decision = policy_decision").count() == len(CASES) + 2


def test_a_day_before_the_application_breaks_the_contract(spark, cases, unreadable, tmp_path):
    nobody = spark.createDataFrame([], OVERRIDE_COLUMNS)
    early = {"policy": history_of(tmp_path, POLICY), "as_of": DAY - dt.timedelta(1)}
    decided = decide(cases, unreadable, nobody, **early).select(broken(DECISION_CHECKS))
    rule = "as_of_date_not_before_the_application"
    assert decided.where(F.array_contains("broken", rule)).count() == len(CASES)


def test_a_decision_costs_one_join_and_no_python(spark, cases, unreadable, tmp_path):
    nobody = spark.createDataFrame([], OVERRIDE_COLUMNS)
    decided = decide(cases, unreadable, nobody, policy=history_of(tmp_path, POLICY), as_of=DAY)
    plan = decided._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan and plan.count("Exchange hashpartitioning") <= 2


def test_hits_are_counted_and_rules_that_do_nothing_are_named(cases, tmp_path):
    text = POLICY.replace("since > 2024-06-30", "since > 2030-01-01")
    text = text.replace(
        "      - name: risky\n",
        "      - name: never\n        when: pd > 0.9\n        outcome: decline"
        "\n        reason: x\n      - name: shadowed\n        when: pd < 0.05 + pd * 0.1\n"
        "        outcome: refer\n        reason: x\n      - name: risky\n",
    ).replace("pd <= 0.05", "pd < 0.06")
    report = count_hits(cases, policy=history_of(tmp_path, text), as_of=DAY)
    assert report.metrics == {
        "applications": 8.0, "rules": 8.0 + 1, "rules_never_hit": 1.0, "rules_always_shadowed": 1.0,
        "applications_contradicted": 0.0,
    }  # fmt: skip
    assert set(report.tables) == {"rules"}
    rows = {row[1]: row[3:] for row in report.tables["rules"].rows}
    # holds, hits, untold, note
    assert rows["young"] == (3, 3, 1, "")
    assert rows["safe"] == (1, 1, 2, "")
    assert rows["never"] == (0, 0, 0, "never hit")
    assert rows["shadowed"] == (1, 0, 0, "always shadowed")
    assert rows["risky"] == (1, 1, 0, "")
    assert rows["half"] == (8, 8, 0, "")


def test_applications_on_which_rules_contradict_each_other_are_counted(
    spark, cases, unreadable, tmp_path
):
    # What hits up to .25 and what hits above .2 exclude each other, which depends on arithmetic.
    text = POLICY.replace("hit: first", "hit: unique", 1).replace("pd <= 0.05", "pd * 2 <= 0.5")
    more = [case(name, pd=pd) for name, pd in (("in", 0.24), ("at", 0.25), ("above", 0.26))]
    asked = cases.unionByName(spark.createDataFrame([*more, case("below", pd=0.2)], DDL))
    history = history_of(tmp_path, text)
    report = count_hits(asked, policy=history, as_of=DAY)
    assert report.metrics["applications_contradicted"] == 2.0
    assert report.tables["contradictions"].rows == (("cut_off", 2),)
    nobody = spark.createDataFrame([], OVERRIDE_COLUMNS)
    decided = decide(asked, unreadable, nobody, policy=history, as_of=DAY)
    told = "exists(reasons, r -> r = 'cut_off: rules that exclude each other hit together')"
    assert {row.application_id for row in decided.where(told).collect()} == {"in", "at"}


def test_two_policies_are_compared_on_the_same_applications(cases, tmp_path):
    stricter = POLICY.replace('"1"', '"2"').replace("cut_off: 0.2", "cut_off: 0.08")
    stricter = stricter.replace("2025-01-01", "2026-01-01").replace("months < 24", "months < 2")
    history = history_of(tmp_path, POLICY, stricter)
    by_both = decide_by_both(
        cases, policy=history, as_of=DAY, other=history, other_as_of=dt.date(2026, 7, 1)
    )
    assert by_both.drop("application_id").schema.names == StructType.fromDDL(COMPARED_COLUMNS).names
    report = compare_decisions(by_both)
    rows = {(row[1], row[3]): row[4:] for row in report.tables["decisions"].rows}
    assert rows == {
        ("approve", "approve"): (1, 2500.5, 0.01),
        ("approve", "decline"): (1, 1000.0, 0.1),
        ("decline", "decline"): (2, 2000.0, 0.3),
        ("decline", "refer"): (1, 1000.0, None),
        ("refer", "decline"): (2, 2000.0, 0.1),
        ("refer", "refer"): (1, 1000.0, None),
    }
    versions = {(row[0], row[2]) for row in report.tables["decisions"].rows}
    assert versions == {("small 1", "small 2")}
    assert report.metrics == {
        "approval_rate": 0.25, "other_approval_rate": 0.125, "swapped_in": 0.0, "swapped_out": 1.0,
        "swapped_in_usd": 0.0, "swapped_out_usd": 1000.0,
    }  # fmt: skip
    nothing = compare_decisions(by_both.where("false"))
    assert nothing.metrics["approval_rate"] is None and nothing.metrics["swapped_in"] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.withColumnRenamed("months", "month"),
         "0.yaml, line 9: the applications have no column 'months'. Did you mean 'month'"),
        (lambda t: t.withColumn("income", F.col("income").cast("double")),
         r"0.yaml, line 8: 'income' is said to be decimal\(12,2\), but .* have it as double"),
        (lambda t: t.withColumn("months", F.col("months").cast("string")), "have it as string"),
        (lambda t: t.withColumn("decision", F.lit("x")), "have a column 'decision', .* Rename it"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_the_policy_are_refused_with_its_line(
    cases, unreadable, tmp_path, change, message
):
    nobody = read_overrides(no_overrides(cases), cases, unreadable)
    with pytest.raises(ConfigError, match=message):
        decide(change(cases), unreadable, nobody, policy=history_of(tmp_path, POLICY), as_of=DAY)


def test_a_rule_on_the_key_is_refused_for_a_changed_application_has_another(
    cases, unreadable, tmp_path
):
    by_key = POLICY.replace("purpose: text", "purpose: text\n  application_id: text").replace(
        "months < 24 or", 'application_id = "good" or months < 24 or'
    )
    nobody = read_overrides(no_overrides(cases), cases, unreadable)
    with pytest.raises(ConfigError, match=r"line 11: rules may not look at 'application_id'"):
        decide(cases, unreadable, nobody, policy=history_of(tmp_path, by_key), as_of=DAY)


def test_a_policy_of_the_wrong_day_is_refused(spark, cases, tmp_path):
    with pytest.raises(ConfigError, match="no version of the policy is in force on 2024-12-31"):
        decide(
            cases, cases, cases, policy=history_of(tmp_path, POLICY), as_of=dt.date(2024, 12, 31)
        )
