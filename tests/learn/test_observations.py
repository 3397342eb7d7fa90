import datetime as dt
import json

import pytest

from penstock.errors import ConfigError, DataError
from tests.learn.described import COLUMNS, ROWS, described


@pytest.fixture(scope="module")
def table(spark):
    return spark.createDataFrame(ROWS, COLUMNS)


def test_a_table_is_read_as_it_is_described(table):
    found = {row.row_id: row for row in described(table).collect()}
    assert [found[i].is_bad for i in "123456"] == [0, 1, None, 1, None, 0]
    assert [found[i].amount for i in "12345"] == [10.5, None, None, 1000.0, None]
    assert [found[i].purpose for i in "1234"] == ["car", None, None, "house"]
    assert found["1"].observed_on == dt.date(2023, 12, 31) and found["5"].observed_on is None
    assert [found[i].fault for i in "12345"] == [None] * 4 + ["amount 'a lot' is no number"]
    assert found["6"].fault == "amount 'infinity' is no number"
    assert '"amount":"a lot"' in found["5"].raw
    assert {i: why for i in "123456" if (why := found[i].indeterminate)} == {
        "3": "outcome 'running' is neither good nor bad", "5": "no outcome"
    }  # fmt: skip


def test_a_long_value_of_the_target_is_cut_and_without_a_target_nothing_is_told(spark):
    value = "Does not meet the credit policy: charged off"
    table = spark.createDataFrame([("1", value, "2023-12-31", "1", "car")], COLUMNS)
    [row] = described(table).collect()
    assert row.indeterminate == (
        "outcome 'Does not meet the credit policy: charged' is neither good nor bad"
    )
    [row] = described(table, target="", performance_months=6).collect()
    assert (row.is_bad, row.indeterminate) == (None, None)


def test_what_java_alone_takes_for_a_number_is_none(spark):
    texts = ("1d", "5F", "2.5D", "inf", "1e3", "-.5", "+7.")
    table = spark.createDataFrame([(t, "paid", "2023-12-31", t, "car") for t in texts], COLUMNS)
    found = {row.row_id: (row.amount, row.fault) for row in described(table).collect()}
    assert [found[text] for text in texts[4:]] == [(1000.0, None), (-0.5, None), (7.0, None)]
    assert [found[t] for t in texts[:4]] == [
        (None, f"amount '{t}' is no number") for t in texts[:4]
    ]


def test_a_protected_column_is_in_no_part_of_an_observation(table):
    [row, *_] = described(table, categorical=[], protected=["purpose"]).sort("row_id").collect()
    assert "purpose" not in row.raw and '"amount":" 10.5 "' in row.raw
    assert "car" not in str(row.asDict())


def test_a_line_of_more_or_fewer_fields_is_a_fault_and_tells_nothing_protected(spark):
    rows = [
        ("1", "paid", "2024-01-01", "5", "f", None),
        ("2", "paid", "2024-01-01", "6", None, "2,paid,2024-01-01,6"),
    ]
    columns = f"{COLUMNS.replace('purpose', 'sex')}, _corrupt_record STRING"
    table = spark.createDataFrame(rows, columns)
    found = described(table, categorical=[], protected=["sex"]).sort("row_id").collect()
    assert [row.fault for row in found] == [
        None, "the line has more or fewer fields than the file has columns"
    ]  # fmt: skip
    assert [(row.amount, row.raw) for row in found[1:]] == [(None, None)]
    assert found[0].amount == 5.0 and '"amount":"5"' in found[0].raw
    *_, open_to_all = described(table, categorical=["sex"]).sort("row_id").collect()
    assert '"_corrupt_record":"2,paid,2024-01-01,6"' in open_to_all.raw


def test_a_day_that_cannot_be_read_is_a_fault(table):
    [row] = described(table.where("id = '6'"), numeric=[]).collect()
    assert row.fault == "day '31.12.2023' is no day"


@pytest.mark.parametrize(
    ("pattern", "day"),
    [("yyyy-MM-dd HH:mm:ss", "2023-12-31 10:05:00"), ("LL/dd/yyyy", "12/31/2023"),
     ("yyyy-DDD", "2023-365")],
)  # fmt: skip
def test_minutes_beside_a_month_are_no_fault_of_a_pattern(spark, pattern, day):
    table = spark.createDataFrame([("1", "paid", day, "1", "car")], COLUMNS)
    [row] = described(table, date_format=pattern).collect()
    assert (row.observed_on, row.fault) == (dt.date(2023, 12, 31), None)


def test_the_day_a_bad_row_turned_bad_is_read_and_no_good_row_has_one(spark):
    rows = [
        ("1", "lost", "2023-12-31", "2024-02-01"),
        ("2", "paid", "2023-12-31", "2024-02-01"),
        ("3", "lost", "2023-12-31", "NA"),
        ("4", "lost", "2023-12-31", "soon"),
    ]
    table = spark.createDataFrame(rows, "id STRING, status STRING, day STRING, lost STRING")
    features = {"numeric": [], "categorical": ["id"], "key": [], "bad_date": "lost"}
    found = described(table, **features)
    by_id = {row.id: row for row in found.collect()}
    assert [by_id[i].bad_on for i in "1234"] == [dt.date(2024, 2, 1), None, None, None]
    assert by_id["4"].fault == "lost 'soon' is no day"
    with pytest.raises(ConfigError, match="'bad_date' is 'lost', but no 'date' says"):
        described(table, **features | {"date": ""})


def test_a_row_whose_performance_window_is_not_over_is_censored_good_or_bad(spark):
    rows = [
        ("1", "paid", "2023-12-30", None, 0),  # over on the day of the run
        ("2", "lost", "2023-12-30", "2024-06-30", 1),
        ("3", "lost", "2023-11-29", "2024-05-30", 0),  # a day too late
        ("4", "lost", "2023-11-29", None, 1),
        ("5", "paid", "2023-12-31", None, 0),
        ("6", "paid", "2024-01-01", None, None),
        ("7", "lost", "2024-01-01", "2024-02-01", None),
        ("8", "running", "2020-01-01", None, None),
        ("9", "paid", None, None, None),
        ("10", "running", "2024-01-01", None, None),
        ("11", None, "2024-01-01", None, None),
    ]
    columns = "id STRING, status STRING, day STRING, lost STRING, expected INT"
    table = spark.createDataFrame(rows, columns)
    features = {"numeric": [], "categorical": ["id"], "bad_date": "lost"}
    features |= {"key": [], "performance_months": 6}
    found = {row.id: row for row in described(table, **features).collect()}
    assert {i: row.is_bad for i, row in found.items()} == {row[0]: row[-1] for row in rows}
    assert found["3"].bad_on is None and found["2"].bad_on == dt.date(2024, 6, 30)
    young = "performance months not over by 2024-06-30"
    # A young row may still become anything, whatever it is by now.
    assert {i: why for i in found if (why := found[i].indeterminate)} == {
        "6": young, "7": young, "8": "outcome 'running' is neither good nor bad",
        "9": "no day to count performance months from", "10": young, "11": young,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="'performance_months' is '6', but no 'date' says"):
        described(table, **features | {"date": "", "bad_date": ""})


def test_without_a_key_the_row_is_its_own_and_copies_are_numbered(table):
    twice = table.union(table.where("id = '1'"))
    found = [row.row_id for row in described(twice, key=[]).collect()]
    assert len(set(found)) == 7
    again = [row.row_id for row in described(twice.repartition(5), key=[]).collect()]
    assert sorted(again) == sorted(found)
    assert sum(name.endswith("-2") for name in found) == 1


def test_dots_and_backticks_in_the_names_of_other_columns_are_letters(spark):
    rows = [("1", "paid", "2024-01-01", "1", "car", "x")] * 2
    names = ["loan.id", "st`atus", "day", "amount", "purpose", "a.b`c"]
    table = spark.createDataFrame(rows, names)
    named = {"target": "st`atus", "group": ["a.b`c"]}
    for key, ids in ((["loan.id"], ["1", "1"]), ([], None)):
        found = described(table, key=key, **named).collect()
        assert [(row.is_bad, row.group, row.amount) for row in found] == [(0, "x", 1.0)] * 2
        assert [row.row_id for row in found] == ids or len({row.row_id for row in found}) == 2
        assert '"a.b`c":"x"' in found[0].raw


def test_parts_of_a_key_or_a_group_do_not_run_into_each_other(spark):
    table = spark.createDataFrame([("a", "b,c", 1), ("a,b", "c", 1)], "x STRING, y STRING, n INT")
    plain = {"target": "", "date": "", "numeric": ["n"], "categorical": []}
    found = described(table, key=["x", "y"], group=["y", "x"], **plain).collect()
    assert len({row.row_id for row in found}) == len({row["group"] for row in found}) == 2
    assert [row.is_bad for row in found] == [None, None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numeric": [], "categorical": []}, "There are no features: name some under 'numeric'"),
        ({"categorical": ["amount"]}, "Features are named twice: amount"),
        ({"categorical": ["status"]}, "Target, its day and key cannot be features as well: status"),
        ({"numeric": ["pd"]}, "names that the stored table needs: pd"),
        ({"numeric": ["debt.ratio"]}, "cannot have .* a dot, .* in their names: debt.ratio. Give"),
        ({"numeric": ["debt (USD)"]}, "cannot have a space, .* in their names: debt .USD.. Give"),
        ({"numeric": ["Points"], "categorical": ["Group"]}, "table needs: Group, Points. Give"),
        ({"numeric": ["Indeterminate"]}, "names that the stored table needs: Indeterminate. Give"),
        ({"numeric": ["age", "Age"]}, "Features are named twice: Age, age"),
        ({"bad_values": []}, "'target' is 'status', but 'bad_values' is empty: name the values of"),
        ({"good_values": ["late"]}, r"cannot be good and bad for the same value: \['late'\]"),
        ({"good_values": ["paid", "na"]}, r"'good_values' has \['na'\], which no row can have: "),
        ({"bad_values": ["lost", ""]}, r"'bad_values' has \[''\], .* are empty or in 'missing'"),
        ({"bad_values": ["lost "]}, r"'bad_values' has \['lost '\], .* without blanks at their"),
        ({"date_format": "yyyy-mm-dd"}, "'yyyy-mm-dd', where m stands for minutes: a month is M"),
        ({"date_format": "dd.mm.yyyy 'Month'"}, "m stands for minutes"),
        ({"date_format": "jjjj-bb"}, "'jjjj-bb'; Spark's patterns cannot read b, j. Year, month"),
        ({"date_format": "YYYY-MM-dd"}, "cannot read Y"),
        ({"date_format": "yyyy-MM-DD"}, "D stands for the day of the year: a day of the month is"),
        ({"numeric": ["amuont"]}, r"no column 'amuont'. Did you mean 'amount'\?"),
        ({"date": "dya"}, r"no column 'dya'. Did you mean 'day'\?"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(table, changes, message):
    with pytest.raises((ConfigError, DataError), match=message):
        described(table, **changes)


def test_a_row_observed_after_the_day_of_the_run_fails_before_anything_is_fitted(table):
    from penstock.engine.checking import check_rows
    from penstock.graphs.scorecard_contracts import OBSERVATIONS

    # Observed on 2024-02-29 and 2024-03-01; the day itself is no future.
    checked = check_rows(described(table, as_of=dt.date(2024, 2, 29)), OBSERVATIONS)
    checked.good.write.format("noop").mode("overwrite").save()
    assert checked.counts().at["fail"] == 1
    [row] = checked.rows_at("fail").collect()
    assert row.broken_rules == ["is_observed_by_as_of"]
    seen = json.loads(row.row)
    assert (seen["observed_on"], seen["as_of"]) == ("2024-03-01", "2024-02-29")
