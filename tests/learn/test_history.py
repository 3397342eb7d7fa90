"""Looking up a history point in time: by hand, against brute force, and with rows of the future."""

import datetime as dt
import random

import pytest

from penstock.errors import ConfigError, DataError
from penstock.learn.history import HISTORY_COLUMNS, add_history, read_history
from tests.released import partitions

DESCRIBED = {
    "key": ["branch", "customer"],
    "event_date": "month",
    "available_date": "reported",
    "date_format": "yyyy-MM-dd",
    "numeric": ["debt"],
    "categorical": ["kind"],
    "missing": ["NA"],
}
LOOKED_UP = {
    "key": ["branch", "customer"],
    "row_key": ["id"],
    "date": "day",
    "date_format": "yyyy-MM-dd",
    "missing": ["NA"],
    "ttl_days": None,
}
RAW = "branch STRING, customer STRING, month STRING, reported STRING, debt STRING, kind STRING"
TABLE = "id STRING, branch STRING, customer STRING, day STRING"
NOBODY = "north", "0", "2024-01-01", "2024-01-01", "1", "car"


def read(spark, rows, **changes):
    return read_history(spark.createDataFrame(rows, RAW), **{**DESCRIBED, **changes})


def found_in(table, history, **changes):
    """Return id to the values looked up."""
    added = add_history(table, history, **{**LOOKED_UP, **changes})
    assert added.columns == [*table.columns, "debt", "kind"]
    rows = added.collect()
    assert len(rows) == len({row.id for row in rows})
    return {row.id: (row.debt, row.kind) for row in rows}


# Case: history as (month, reported, debt, kind), then what is known on the tenth of June.
CASES = {
    "none at all": ([], (None, None)),
    "known on the day itself": ([("06-10", "06-10", "1", "a")], (1.0, "a")),
    "known a day too late": ([("06-09", "06-11", "1", "a")], (None, None)),
    "of a day later, told before": ([("06-11", "06-01", "1", "a")], (None, None)),
    "the last one is not reported yet": (
        [("05-20", "05-21", "1", "a"), ("06-01", "06-20", "2", "b")],
        (1.0, "a"),
    ),
    "an elder one is reported last": (
        [("05-20", "05-21", "1", "a"), ("05-10", "06-05", "2", "b")],
        (1.0, "a"),
    ),
    "corrected later, by less": (
        [("05-20", "05-21", "9", "z"), ("05-20", "06-05", "2", "b")],
        (2.0, "b"),
    ),
    "told twice on one day": (
        [("05-20", "05-21", "9", "b"), ("05-20", "05-21", "10", "a")],
        (10.0, "b"),
    ),
    "the last one is not told": (
        [("05-20", "05-21", "1", "a"), ("06-01", "06-01", "NA", "b"), ("06-02", "06-02", "", None)],
        (1.0, "b"),
    ),
    "the last one is not a number": (
        [("05-20", "05-21", "1", "a"), ("06-01", "06-01", "NaN", "b")],
        (1.0, "b"),
    ),
    "just young enough": ([("05-02", "05-02", "1", "a")], (1.0, "a")),
    "just too old": ([("05-01", "06-01", "1", "a")], (None, None)),
    "too old by itself": (
        [("05-01", "05-01", "1", "a"), ("05-02", "05-02", None, "b")],
        (None, "b"),
    ),
}


@pytest.fixture(scope="module")
def cases(spark):
    rows = [
        ("north", case, f"2024-{month}", f"2024-{reported}", debt, kind)
        for case, (told, _) in CASES.items()
        for month, reported, debt, kind in told
    ]
    return read(spark, [*rows, ("north", None, "2024-05-20", "2024-05-20", "7", "nobody's")])


def test_of_what_was_known_on_the_day_the_latest_value_counts(spark, cases):
    asked = [(case, "north", case, "2024-06-10") for case in CASES]
    odd = [
        ("another branch", "south", "known on the day itself", "2024-06-10"),
        ("nobody", "north", None, "2024-06-10"),
        ("nobody else", "north", "NA", "2024-06-10"),
        ("no day", "north", "just young enough", None),
        ("no such day", "north", "just young enough", "2024-13-01"),
        ("padded", " north", "just young enough ", "2024-06-10"),
    ]
    table = spark.createDataFrame([*asked, *odd], TABLE)
    expected = {case: known for case, (_, known) in CASES.items()}
    expected |= {name: (None, None) for name, *_ in odd} | {"padded": (1.0, "a")}
    assert found_in(table, cases, ttl_days=40) == expected


def test_one_key_is_looked_up_on_several_days_each_by_itself(spark, cases):
    days = {
        "06-04": (1.0, "a"), "06-19": (1.0, "a"), "06-20": (2.0, "b"), "05-20": (None, None),
    }  # fmt: skip
    late = "the last one is not reported yet"
    table = spark.createDataFrame([(d, "north", late, f"2024-{d}") for d in days], TABLE)
    assert found_in(table, cases) == days


START = dt.date(2024, 2, 20)


def day(number):
    return START + dt.timedelta(days=number)


class Random:
    """Rows on a few days, so that keys, days and values meet; from a seed."""

    def __init__(self, seed):
        draw = random.Random(seed)
        keys = [(branch, str(n)) for branch in ("north", "south") for n in range(40)]
        self.history, self.asked = [], []
        for branch, customer in keys:
            for _ in range(draw.randrange(9)):
                event = draw.randrange(12)
                known = event + draw.choice([0, 0, 1, 4, -2])
                debt = draw.choice([None, 1.0, 2.0, 10.0])
                kind = draw.choice([None, "a", "b"])
                self.history.append((branch, customer, day(event), day(known), debt, kind))
            for _ in range(draw.randrange(4)):
                name = str(len(self.asked))
                self.asked.append((name, branch, customer, day(draw.randrange(16))))
        draw.shuffle(self.history)

    def raw(self, rows):
        return [tuple(v if v is None else str(v) for v in row) for row in rows]

    def known(self, ttl_days):
        """Look through all rows for each value, one by one."""
        found = {}
        for name, branch, customer, today in self.asked:
            rows = [row for row in self.history if row[:2] == (branch, customer)]
            rows = [row for row in rows if row[2] <= today and row[3] <= today]
            if ttl_days is not None:
                rows = [row for row in rows if row[2] > today - dt.timedelta(days=ttl_days)]
            told = ([(*row[2:4], row[at]) for row in rows if row[at] is not None] for at in (4, 5))
            found[name] = tuple(max(each)[2] if each else None for each in told)
        return found

    def planted(self):
        """Return rows that nobody can know on any day asked for, with values of their own."""
        last = {}
        for _, branch, customer, today in self.asked:
            last[branch, customer] = max(today, last.get((branch, customer), today))
        one = dt.timedelta(days=1)
        return [
            row
            for key, today in last.items()
            for row in (
                (*key, today, today + one, 666.0, "planted"),
                (*key, today + one, today, 666.0, "planted"),
                (*key, today + one, today + one, 666.0, "planted"),
            )
        ]


@pytest.mark.parametrize("ttl_days", [None, 1, 5])
def test_what_is_looked_up_is_what_brute_force_finds_whatever_lies_in_the_future(spark, ttl_days):
    drawn = Random(seed=7)
    expected = drawn.known(ttl_days)
    kinds = {(debt is None, kind is None) for debt, kind in expected.values()}
    assert len(kinds) == 4 and len(expected) > 100  # or it would prove little
    table = spark.createDataFrame(drawn.raw(drawn.asked), TABLE)
    rows = [*drawn.planted(), *drawn.history]
    history = read(spark, drawn.raw(rows)).repartition(3)
    with partitions(spark, 5):
        assert found_in(table, history, ttl_days=ttl_days) == expected
    if ttl_days is None:
        plain = read(spark, drawn.raw(reversed(drawn.history)))
        assert found_in(table.repartition(4), plain) == expected


def test_it_costs_one_shuffle_and_no_join_and_rows_without_a_key_are_not_on_one_heap(spark, cases):
    table = spark.range(64).selectExpr(
        "string(id) AS id", "'north' AS branch", "string(null) AS customer", "'2024-06-10' AS day"
    )
    with partitions(spark, 4):
        added = add_history(table, cases, **LOOKED_UP)
        plan = added._jdf.queryExecution().executedPlan().toString()
        heaps = added.selectExpr("spark_partition_id() AS heap").groupBy("heap").count().collect()
    assert plan.count("Exchange ") == 1 and "Join" not in plan and "Python" not in plan
    assert len(heaps) > 1 and sum(row["count"] for row in heaps) == 64


def test_a_table_of_any_names_keeps_them_and_its_rows(spark, cases):
    names = ["id", "a.branch", "cus`tomer", "day", "history_key", "event_on", "fault"]
    row = ("1", "north", "just young enough", "2024-06-10", "x", "y", "z")
    table = spark.createDataFrame([row, row], names)
    added = add_history(table, cases, **LOOKED_UP | {"key": ["a.branch", "cus`tomer"]})
    assert [tuple(each) for each in added.collect()] == [(*row, 1.0, "a")] * 2


def test_without_a_description_there_is_no_history_and_nothing_is_added(spark):
    empty = dict.fromkeys(("event_date", "available_date"), "")
    empty |= dict.fromkeys(("key", "numeric", "categorical"), [])
    none = read_history(spark.range(3), **DESCRIBED | empty)
    assert none.collect() == [] and none.columns == ["history_key", "event_on", "available_on",
                                                     "fault"]  # fmt: skip
    table = spark.createDataFrame([("1", "north", "0", "2024-01-01")], TABLE)
    assert add_history(table, none, **LOOKED_UP | {"date": "", "row_key": []}) is table


def test_a_row_of_nobody_or_of_no_day_or_half_read_is_put_aside(spark):
    from penstock.engine.checking import check_columns, check_rows
    from penstock.graphs.scorecard_contracts import HISTORY

    rows = {
        None: NOBODY,
        "history_key_is_known": ("north", " na ", *NOBODY[2:]),
        "event_is_known": (*NOBODY[:2], None, *NOBODY[3:]),
        "availability_is_known": (*NOBODY[:3], "NA", *NOBODY[4:]),
        "every_value_can_be_read": (*NOBODY[:4], "a lot", "car"),
    }
    both = (*NOBODY[:2], "31.12.2023", *NOBODY[3:])
    history = read(spark, [*rows.values(), both])
    check_columns(history.schema, HISTORY, "history", "")
    assert [row.fault for row in history.where("fault IS NOT NULL").orderBy("fault").collect()] == [
        "debt 'a lot' is no number", "month '31.12.2023' is no day"
    ]  # fmt: skip
    checked = check_rows(history, HISTORY)
    assert [row.history_key for row in checked.good.collect()] == ['["north","0"]']
    broken = [row.broken_rules for row in checked.rows_at("quarantine").collect()]
    assert sorted(broken) == sorted(
        [*([rule] for rule in rows if rule), ["every_value_can_be_read", "event_is_known"]]
    )


def test_of_a_line_that_is_cut_off_nothing_is_known(spark):
    rows = [(*NOBODY, None), (*NOBODY[:4], None, None, "north,0,2024-01-01,2024-01-01")]
    table = spark.createDataFrame(rows, f"{RAW}, _corrupt_record STRING")
    sound, cut_off = read_history(table, **DESCRIBED).sort("debt", ascending=False).collect()
    assert sound.fault is None and cut_off.fault.startswith("the line has more or fewer fields")


def test_without_a_day_of_its_own_a_row_is_known_on_the_day_it_tells_of(spark):
    rows = [(*NOBODY[:2], "2024-05-01", "not read", "3", "bus")]
    history = read(spark, rows, available_date="")
    assert HISTORY_COLUMNS.count("DATE") == 2
    [row] = history.collect()
    assert row.event_on == row.available_on == dt.date(2024, 5, 1) and row.fault is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": []}, "not by 'key': name the columns that say whom"),
        ({"event_date": ""}, "not by 'event_date': name the column of the day"),
        ({"numeric": [], "categorical": []}, "not by 'numeric': name the columns to look up"),
        ({"numeric": ["dbet"]}, r"history has no column 'dbet'. Did you mean 'debt'\?"),
        ({"available_date": "reprted"}, r"history has no column 'reprted'. Did you mean 'reported"),
        ({"key": ["custmer"]}, r"history has no column 'custmer'. Did you mean 'customer'\?"),
        ({"date_format": "dd/mm/yyyy"}, "'dd/mm/yyyy', where m stands for minutes"),
        ({"categorical": ["kind", "Debt"]}, "named twice: Debt, debt"),
        ({"numeric": ["open debt"]}, "Values of the history cannot have a space, .*: open debt"),
        ({"numeric": ["Fault"]}, "names that the stored history needs: Fault. Give"),
    ],
)
def test_a_history_that_is_described_in_part_or_wrongly_is_refused(spark, changes, message):
    with pytest.raises((ConfigError, DataError), match=message):
        read(spark, [NOBODY], **changes)


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (TABLE, {"date": ""}, "no column has that: name it as 'date' of read_observations"),
        (TABLE, {"row_key": []}, "no key of the rows.* Name 'key' of read_observations"),
        (TABLE, {"date": "dya"}, r"table has no column 'dya'. Did you mean 'day'\?"),
        (TABLE, {"key": ["custmer"]}, r"table has no column 'custmer'. Did you mean 'customer'\?"),
        (TABLE, {"row_key": ["idd"]}, r"table has no column 'idd'. Did you mean 'id'\?"),
        (f"{TABLE}, Kind STRING", {}, "Table and history both have kind: which is the feature"),
    ],
)
def test_a_table_that_cannot_be_looked_up_for_is_refused(spark, cases, table, changes, message):
    with pytest.raises((ConfigError, DataError), match=message):
        add_history(spark.createDataFrame([], table), cases, **{**LOOKED_UP, **changes})
