"""What a policy looks at: every application, scored or not, with what follows from it."""

import datetime as dt
from decimal import Decimal

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from penstock.lending.cases import gather_cases
from penstock.lending.checks import APPLICATION_COLUMNS
from penstock.lending.decision_checks import CASE_COLUMNS

DAY = dt.date(2025, 6, 15)


def test_an_application_has_its_score_instalment_and_history_and_none_is_dropped(spark):
    known = ["application_id", "application_date", "amount_usd", "term_months"]
    applications = spark.createDataFrame(
        [
            ("1", DAY, Decimal("10000.00"), 36, dt.date(2020, 6, 16)),
            ("2", DAY, Decimal("10000.00"), 60, None),
            ("3", DAY, None, 36, DAY),
        ],
        "application_id STRING, application_date DATE, amount_usd DECIMAL(12,2), term_months INT, "
        "earliest_credit_line DATE",
    ).withColumns(
        {
            field.name: F.lit(None).cast(field.dataType)
            for field in StructType.fromDDL(APPLICATION_COLUMNS)
            if field.name not in (*known, "earliest_credit_line")
        }
    )
    scores = spark.createDataFrame(
        [("1", DAY, 0.1, "m 1")],
        "application_id STRING, as_of_date DATE, pd DOUBLE, model_version STRING",
    )
    scale = {"pdo": 20.0, "base_points": 600.0, "base_odds": 9.0}
    cases = gather_cases(applications, scores, tested_rate=0.12, **scale)
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
