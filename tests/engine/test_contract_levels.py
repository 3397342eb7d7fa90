import json
import random
from collections import Counter
from dataclasses import replace

import pytest

from penstock.engine.contract import LEVELS, Check, Contract
from penstock.errors import DataError, GraphError, NodeFailed

AMOUNTS = Contract(
    "id STRING, amount INT",
    checks={
        "id_is_known": Check("id IS NOT NULL", "fail"),
        "amount_is_known": "amount IS NOT NULL",
        "amount_is_positive": Check("amount > 0", "drop"),
        "amount_is_usual": Check("amount <= 100", "warn"),
    },
    quarantine="loans_quarantine",
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r": Check("a > 0", "quarentine")}, "Rule 'r'.*'quarentine'. Did you mean 'quarantine'?"),
        ({"r": Check("a > 0", "quarantine")}, "Rule 'r'.*Name a dataset in quarantine="),
        ({"r": Check(" ", "warn")}, "Rule 'r'.*no SQL condition. Write what must hold"),
        ({"r": ""}, "Rule 'r'.*no SQL condition"),
        ({"key_is_known": "a > 0"}, "'key_is_known'.*rule that key= brings.*another name"),
    ],
)
def test_a_check_that_cannot_be_carried_out_is_refused_with_its_rule_and_the_cure(changes, message):
    with pytest.raises(GraphError, match=message):
        Contract("a INT", key=("a",), checks=changes)


def test_bare_conditions_and_the_key_have_the_default_level():
    contract = Contract("a INT", key=("a",), checks={"r": "a > 0", "w": Check("a < 9", "warn")})
    assert contract.levels == {
        "r": "fail", "w": "warn", "key_is_known": "fail", "key_is_unique": "fail",
    }  # fmt: skip
    assert replace(contract, quarantine="q").levels == {
        "r": "quarantine", "w": "warn", "key_is_known": "quarantine", "key_is_unique": "quarantine",
    }  # fmt: skip
    assert contract.conditions == {"r": "a > 0", "w": "a < 9"}


@pytest.fixture
def store_loans(tmp_path):
    """Return a function that stores a table as the output 'loans' under a contract."""
    from tests.engine.stored import store_under

    return lambda contract, table: store_under(contract, table, tmp_path)


def test_a_row_goes_where_the_strictest_rule_it_breaks_sends_it(spark, store_loans):
    rows = [("good", 5), ("warned", 500), ("dropped", -1), ("unknown", None), ("warned too", 101)]
    stored, bench = store_loans(AMOUNTS, spark.createDataFrame(rows, "id STRING, amount INT"))
    assert (stored.rows_in, stored.rows_out) == (5, {"loans": 3})
    assert (stored.quarantined, stored.dropped, stored.warned) == (1, 1, 2)
    assert stored.broken_rules == {
        "amount_is_known": 1, "amount_is_positive": 2, "amount_is_usual": 3,
    }  # fmt: skip
    kept = bench.value("loans").collect()
    assert {row.id for row in kept} == {"good", "warned", "warned too"}
    [aside] = bench.value("loans_quarantine").collect()
    assert json.loads(aside.row) == {"id": "unknown", "amount": None}
    assert aside.broken_rules == ["amount_is_known", "amount_is_positive", "amount_is_usual"]
    assert (aside.source, aside.run_id) == ("loans", "run-1")


def test_a_row_that_no_row_may_be_like_fails_the_node_and_makes_nothing(spark, store_loans):
    rows = [("good", 5), (None, None), (None, 7)]
    table = spark.createDataFrame(rows, "id STRING, amount INT")
    with pytest.raises(DataError) as error:
        store_loans(AMOUNTS, table)
    told = str(error.value)
    assert told.startswith("2 row(s) of 'loans' break its contract: id_is_known (2), e.g. {")
    assert told.endswith("{\"id\": null}. Mend them at the source of 'clean'.")


def test_a_row_that_fails_is_shown_by_its_key_and_what_its_rules_read_and_with_their_cures(
    spark, store_loans
):
    contract = Contract(
        "id STRING, amount INT, rate DOUBLE",
        key=("id",),
        checks={
            "amount_is_positive": Check("amount > 0", "fail", "Mend the amount."),
            "rate_is_known": Check("rate IS NOT NULL", "fail"),
            "rate_is_usual": Check("rate < 0.5", "fail", "Mend the rate."),
        },
    )
    rows = [("a", 1, 0.1), ("b", -1, 0.1), ("c", 1, 0.2)]
    table = spark.createDataFrame(rows, contract.columns)
    with pytest.raises(DataError) as error:
        store_loans(contract, table)
    told = '(1), e.g. {"id": "b", "amount": -1}. Mend the amount.'
    assert str(error.value) == f"1 row(s) of 'loans' break its contract: amount_is_positive {told}"
    with pytest.raises(DataError, match=r"usual \(1\), .* \{.*\}. Mend the amount. Mend the rate."):
        store_loans(contract, table.withColumn("rate", table.rate * 3))


def test_a_table_from_which_all_rows_are_put_aside_fails_the_node_and_one_without_rows_does_not(
    spark, store_loans
):
    rows = [("a", None), ("b", None), ("dropped", -1)]
    table = spark.createDataFrame(rows, "id STRING, amount INT")
    with pytest.raises(DataError) as error:
        store_loans(AMOUNTS, table)
    assert str(error.value) == (
        "2 row(s) of 'loans' break its contract, and no other row is left: amount_is_known (2), "
        "e.g. {\"amount\": null}. Mend them at the source of 'clean'."
    )
    stored, bench = store_loans(replace(AMOUNTS, may_put_all_aside=True), table)
    assert (stored.rows_in, stored.rows_out, stored.quarantined) == (3, {"loans": 0}, 2)
    assert bench.value("loans_quarantine").count() == 2
    # What is dropped was to be left out.
    for wanted, rows_in in (("id = 'dropped'", 1), ("false", 0)):
        stored, _ = store_loans(AMOUNTS, table.where(wanted))
        assert (stored.rows_in, stored.rows_out) == (rows_in, {"loans": 0})


def test_too_few_good_rows_are_told_with_the_rule_that_cost_most(spark, store_loans):
    rows = [("a", 500), ("b", 500), ("c", 500), ("d", -1)]
    table = spark.createDataFrame(rows, "id STRING, amount INT")
    told = "4 rows came in, 1 broke a rule, most often 'amount_is_positive' \\(1\\)"
    with pytest.raises(DataError, match=told):
        store_loans(replace(AMOUNTS, min_rows=4), table)


def test_nothing_is_written_to_quarantine_when_nothing_goes_there(spark, store_loans):
    rows = [("good", 5), ("dropped", -1)]
    stored, bench = store_loans(AMOUNTS, spark.createDataFrame(rows, "id STRING, amount INT"))
    assert (stored.dropped, list(stored.versions)) == (1, ["loans"])
    assert not bench.catalog.delta("loans_quarantine").exists(spark)


@pytest.mark.parametrize(("amount", "passes"), [(7, 1), (None, 2)], ids=["good", "quarantined"])
def test_rules_are_checked_in_the_pass_that_writes_and_rows_put_aside_take_one_more(
    spark, store_loans, tmp_path, amount, passes
):
    read = tmp_path / "read"

    def noted(batches):
        with read.open("a") as file:
            file.write("x")
        yield from batches

    rows = [("good", 5), ("warned", 500), ("dropped", -1), ("other", amount)]
    table = spark.createDataFrame(rows, "id STRING, amount INT").coalesce(1)
    table = table.mapInPandas(noted, "id STRING, amount INT")
    stored, _ = store_loans(replace(AMOUNTS, key=("id",), min_rows=1), table)
    assert (stored.dropped, stored.warned, stored.quarantined) == (1, 1, passes - 1)
    assert read.stat().st_size == passes


@pytest.mark.parametrize("unknown", [lambda n: ["more"] * n, lambda n: [f"pass {n}"]],
                         ids=["one row more", "as many others"])  # fmt: skip
def test_a_source_that_changes_between_the_passes_is_noticed(spark, store_loans, tmp_path, unknown):
    passes = tmp_path / "passes"

    def others_each_time(batches):
        import pandas

        with passes.open("a") as file:
            file.write("x")
        yield from batches
        names = unknown(passes.stat().st_size)
        yield pandas.DataFrame({"id": names, "amount": [None] * len(names)})

    table = spark.range(1).selectExpr("string(id) AS id", "1 AS amount").coalesce(1)
    table = table.mapInPandas(others_each_time, "id STRING, amount INT")
    with pytest.raises(
        NodeFailed, match="1 rows of 'loans'.*, and others were.*changed in between"
    ):
        store_loans(AMOUNTS, table)


def test_a_dropped_row_is_no_copy_of_the_row_that_stays(spark, store_loans):
    contract = Contract(
        "id STRING, amount INT", key=("id",), checks={"is_newest": Check("newest", "drop")}
    )
    rows = [("a", 1, True), ("a", 2, False), ("a", 3, False), ("b", 4, True)]
    table = spark.createDataFrame(rows, "id STRING, amount INT, newest BOOLEAN")
    stored, bench = store_loans(contract, table)
    assert (stored.rows_in, stored.rows_out, stored.dropped) == (4, {"loans": 2}, 2)
    assert stored.broken_rules == {"is_newest": 2}
    assert {tuple(row) for row in bench.value("loans").collect()} == {("a", 1), ("b", 4)}


# Rule to its SQL and, as the independent judge of a row, the same in Python.
RULES = {
    "a_is_positive": ("a > 0", lambda r: r["a"] is not None and r["a"] > 0),
    "b_is_small": ("b < 3", lambda r: r["b"] is not None and r["b"] < 3),
    "rows": ("a IS NULL OR a != 2", lambda r: r["a"] is None or r["a"] != 2),
    "a `b`.c": ("id != 'k7'", lambda r: r["id"] is not None and r["id"] != "k7"),
    "never": ("false", lambda r: False),
}


def fates(rows, levels, key):
    """Return, by plain Python, each row's strictest level (or None) and the rules it breaks."""
    broken = [[r for r in levels if r in RULES and not RULES[r][1](row)] for row in rows]
    if key:
        held = [
            (row["id"], "drop" in {levels[r] for r in b})
            for row, b in zip(rows, broken, strict=True)
        ]
        contents = {
            h: {tuple(r.values()) for r, g in zip(rows, held, strict=True) if g == h} for h in held
        }
        seen = set()
        for row, rules, place in zip(rows, broken, held, strict=True):
            is_first, _ = place not in seen, seen.add(place)
            if row["id"] is None:
                rules.append("key_is_known")
            elif not place[1] and (len(contents[place]) > 1 or not is_first):
                rules.append("key_is_unique")
    strictest = [max((levels[r] for r in b), key=LEVELS.index, default=None) for b in broken]
    return list(zip(strictest, broken, strict=True))


def random_contract(dice, key):
    rules = dice.sample(sorted(RULES), k=dice.randint(0, len(RULES)))
    checks = {r: Check(RULES[r][0], dice.choice(("", *LEVELS))) for r in rules}
    return Contract("id STRING, a INT", key=("id",) * key, checks=checks, quarantine="q")


@pytest.mark.parametrize("seed", [20260331])
def test_rows_in_are_rows_out_and_quarantined_and_dropped_whatever_the_rules(spark, seed):
    from penstock.engine.checking import check_rows

    dice = random.Random(seed)
    rows = [
        {
            "id": dice.choice([None, *[f"k{i}" for i in range(150)]]),
            "a": dice.choice([None, -1, 0, 1, 2, 3]),
            "b": dice.choice([None, 1, 2, 3]),
        }
        for _ in range(300)
    ]
    table = spark.createDataFrame(rows, "id STRING, a INT, b INT").coalesce(2)
    nobody = Contract("id STRING, a INT", checks={"never": Check("false", "drop")})
    some = replace(nobody, key=("id",), checks={"a_is_positive": Check("a > 0", "drop")})
    contracts = [random_contract(dice, key) for key in (True, False) * 4]
    for contract in [nobody, some, Contract("id STRING, a INT"), *contracts]:
        levels = contract.levels
        expected = fates(rows, levels, bool(contract.key))
        at = Counter(strictest for strictest, _ in expected)
        checked = check_rows(table, contract)
        good = Counter(tuple(row) for row in checked.good.collect())
        counts = checked.counts()
        assert counts.rows == len(rows)
        assert counts.at == {level: at[level] for level in LEVELS}, contract
        assert counts.rows == counts.good + sum(counts.at[x] for x in LEVELS[1:])
        assert counts.broken_rules == Counter(rule for _, broken in expected for rule in broken)
        assert good == Counter(
            (row["id"], row["a"])
            for row, (strictest, _) in zip(rows, expected, strict=True)
            if strictest in (None, "warn")
        )
        aside = [
            (json.loads(r.row), r.broken_rules) for r in checked.rows_at("quarantine").collect()
        ]
        assert sum(levels[rule] == "fail" for _, broken in aside for rule in broken) == 0
        assert Counter((row.get("id"), row.get("a"), *broken) for row, broken in aside) == Counter(
            (row["id"], row["a"], *broken)
            for row, (strictest, broken) in zip(rows, expected, strict=True)
            if strictest == "quarantine"
        )
