import datetime as dt

import pytest
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.measure.left_out import MOST_CAUSES, count_left_out, count_outcomes

COLUMNS = "is_bad INT, indeterminate STRING, observed_on DATE"
CURRENT, LATE = (
    "outcome 'Current' is neither good nor bad",
    "outcome 'Late' is neither good nor bad",
)
DAY, NEXT = dt.date(2024, 1, 31), dt.date(2024, 2, 1)
ROWS = [
    (0, None, DAY), (0, None, NEXT), (0, None, None), (0, None, NEXT), (1, None, NEXT),
    (1, None, None), (None, LATE, NEXT), (None, "no outcome", None), (None, CURRENT, DAY),
    (None, CURRENT, NEXT), (None, CURRENT, None), (None, LATE, NEXT), (None, "no outcome", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def observations(spark):
    return spark.createDataFrame(ROWS, COLUMNS)


@pytest.fixture(scope="module")
def outcomes(observations):
    return count_outcomes(observations)


def rows_of(report, name):
    return report.tables[name].rows


def test_rows_are_counted_by_outcome_and_by_why_it_is_not_known(outcomes):
    days = "2024-01-31", "2024-02-01"
    n = len(ROWS)
    assert rows_of(outcomes, "rows_by_outcome") == (
        ("good", 4, 4 / n, 1, *days),
        ("bad", 2, 2 / n, 1, "2024-02-01", "2024-02-01"),
        (CURRENT, 3, 3 / n, 1, *days),
        ("no outcome", 2, 2 / n, 2, None, None),  # as many as of the next, by name
        (LATE, 2, 2 / n, 0, "2024-02-01", "2024-02-01"),
    )
    assert outcomes.metrics == {"indeterminate": 7}


def test_reasons_beyond_those_listed_are_one_row_and_none_is_lost(spark):
    # Reason n has n rows, the first of them without a day; no row is bad.
    reasons = range(1, MOST_CAUSES + 6)
    each = F.explode(F.sequence(F.lit(1), "id")).alias("copy")
    table = spark.range(1, MOST_CAUSES + 6).select("id", each)
    unknown = table.selectExpr(
        "CAST(NULL AS INT) AS is_bad", "format_string('reason %02d', id) AS indeterminate",
        "if(copy > 1, DATE'2024-01-31', NULL) AS observed_on",
    )  # fmt: skip
    good = spark.createDataFrame([(0, None, DAY)] * 3, COLUMNS)
    found = count_outcomes(unknown.unionByName(good))
    listed = rows_of(found, "rows_by_outcome")
    rows = sum(reasons) + 3
    assert [line[:2] for line in listed] == [
        ("good", 3),
        ("bad", 0),
        *((f"reason {n:02}", n) for n in sorted(reasons)[:4:-1]),
        ("others", 1 + 2 + 3 + 4 + 5),
    ]
    assert listed[1] == ("bad", 0, 0.0, 0, None, None)
    assert listed[-1][2:] == (15 / rows, 5, None, None)
    assert len(listed) == 2 + MOST_CAUSES + 1 and sum(line[1] for line in listed) == rows
    assert found.metrics == {"indeterminate": rows - 3}


def test_without_an_outcome_that_is_known_the_error_names_those_that_the_target_has(spark):
    values = [f"outcome '{n}' is neither good nor bad" for n in "abcdef"]
    rows = [(None, value, DAY) for n, value in enumerate(values) for _ in range(6 - n)]
    table = spark.createDataFrame([*rows, (None, None, DAY)], COLUMNS)
    told = "; ".join(f"{value} ({6 - n} rows)" for n, value in enumerate(values[:5]))
    with pytest.raises(DataError) as error:
        count_outcomes(table)
    assert str(error.value).startswith(
        f"No row has an outcome that is known: {told}; others (2 rows). Name the target, and as "
        "text those of its values that are good and bad, under target, good_values and bad_values"
    )
    with pytest.raises(DataError, match=r"is known: no target is named \(1 row\)\. Name the targ"):
        count_outcomes(table.where("indeterminate IS NULL"))
    with pytest.raises(DataError, match="is known: there are no rows. Name the target"):
        count_outcomes(table.limit(0))


def split(spark, observations, *, by_date):
    """Return development and judged rows as the split does: by date up to January, or all."""
    labelled = observations.where("is_bad IS NOT NULL")
    used = labelled.where("observed_on <= '2024-01-31'") if by_date else labelled
    sample = "CASE WHEN is_bad = 1 THEN 'calibration' ELSE 'development' END AS sample"
    judged = spark.createDataFrame([] if by_date else [(0,)], "is_bad INT")
    return used.selectExpr("is_bad", sample), judged


def test_rows_by_date_are_left_out_without_a_day_or_after_the_last_one(
    spark, observations, outcomes
):
    found = count_left_out(outcomes, *split(spark, observations, by_date=True))
    n = len(ROWS)
    assert rows_of(found, "rows_by_use") == (
        ("development", None, 1, 1 / n, 0),
        ("calibration", None, 0, 0.0, 0),
        ("judged", None, 0, 0.0, 0),
        ("left out", "after the last day to judge by", 3, 3 / n, 1),
        ("left out", CURRENT, 3, 3 / n, None),
        ("left out", "no outcome", 2, 2 / n, None),
        ("left out", LATE, 2, 2 / n, None),
        ("left out", "without a day", 2, 2 / n, 1),
    )
    assert found.metrics == {"left_out": 12}
    assert sum(line[2] for line in rows_of(found, "rows_by_use")) == n


def test_rows_by_group_are_left_out_for_their_outcome_alone(spark, observations):
    more = observations.union(spark.createDataFrame([(0, None, None)], COLUMNS))
    found = count_left_out(count_outcomes(more), *split(spark, observations, by_date=False))
    used, left = (
        [line[:3] + line[4:] for line in rows_of(found, "rows_by_use") if (line[0] in uses)]
        for uses in (("development", "calibration", "judged"), ("left out",))
    )
    assert used == [
        ("development", None, 4, 0),
        ("calibration", None, 2, 2),
        ("judged", None, 1, 0),
    ]
    assert left == [
        ("left out", CURRENT, 3, None),
        ("left out", "no outcome", 2, None),
        ("left out", LATE, 2, None),
    ]
    assert found.metrics == {"left_out": 7}
