"""What a policy looks at: every application, scored or not, with what follows from it."""

import datetime as dt
from decimal import Decimal

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.lending.cases import gather_cases, gather_judged_cases
from penstock.lending.checks import APPLICATION_COLUMNS, LOAN_COLUMNS
from penstock.lending.decision_checks import CASE_COLUMNS

DAY = dt.date(2025, 6, 15)
SCALE = {"pdo": 20.0, "base_points": 600.0, "base_odds": 9.0}


def filled(table, ddl):
    """Return the columns of a DDL, null where the table lacks them."""
    missing = [field for field in StructType.fromDDL(ddl) if field.name not in table.columns]
    return table.withColumns({field.name: F.lit(None).cast(field.dataType) for field in missing})


def test_an_application_has_its_score_instalment_and_history_and_none_is_dropped(spark):
    applications = spark.createDataFrame(
        [
            ("1", DAY, Decimal("10000.00"), 36, dt.date(2020, 6, 16)),
            ("2", DAY, Decimal("10000.00"), 60, None),
            ("3", DAY, None, 36, DAY),
        ],
        "application_id STRING, application_date DATE, amount_usd DECIMAL(12,2), term_months INT, "
        "earliest_credit_line DATE",
    )
    scores = spark.createDataFrame(
        [("1", DAY, 0.1, "m 1")],
        "application_id STRING, as_of_date DATE, pd DOUBLE, model_version STRING",
    )
    cases = gather_cases(
        filled(applications, APPLICATION_COLUMNS), scores, tested_rate=0.12, **SCALE
    )
    assert [(f.name, f.dataType) for f in cases.schema] == [
        (f.name, f.dataType) for f in StructType.fromDDL(CASE_COLUMNS)
    ]
    assert not {"title", "description", "as_of_date"} & {*cases.columns}
    found = {c.application_id: c for c in cases.collect()}
    # 10,000 over 36 months at 1 % a month, of any table of annuities; 222.44 over 60.
    assert [found[i].instalment_usd for i in "123"] == [Decimal("332.14"), Decimal("222.44"), None]
    assert [found[i].credit_history_months for i in "123"] == [59, None, 0]
    assert [(found[i].pd, found[i].points, found[i].model_version) for i in "12"] == [
        (0.1, 600, "m 1"),
        (None, None, None),
    ]


def test_a_judged_loan_is_a_case_as_its_application_was(spark):
    loans = spark.createDataFrame(
        [
            (name, DAY, Decimal("10000.00"), 36, dt.date(2020, 6, 16), 0.2, "Charged Off")
            for name in ("judged", "of another sample")
        ],
        "loan_id STRING, application_date DATE, amount_usd DECIMAL(12,2), term_months INT, "
        "earliest_credit_line DATE, interest_rate DOUBLE, loan_status STRING",
    )
    judged = spark.createDataFrame(
        [("judged", 1, 0.1, "m 1")], "loan_id STRING, is_bad INT, pd DOUBLE, model_version STRING"
    )
    cases = gather_judged_cases(judged, filled(loans, LOAN_COLUMNS), tested_rate=0.12, **SCALE)
    # All of the columns of a case, and so nothing of price or outcome.
    assert [(f.name, f.dataType) for f in cases.schema] == [
        (f.name, f.dataType) for f in StructType.fromDDL(CASE_COLUMNS)
    ]
    [case] = cases.collect()
    assert (case.application_id, case.instalment_usd) == ("judged", Decimal("332.14"))
    assert (case.credit_history_months, case.pd, case.points) == (59, 0.1, 600)
