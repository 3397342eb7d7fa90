"""One book, its plan and the audit of it, for all tests of the node: it is optimised once."""

from collections.abc import Iterator

import pandas
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from penstock.evidence import Evidence
from penstock.portfolio.verdict import audit_portfolio
from tests.portfolio.books import NO_TAILS, optimise
from tests.portfolio.node_book import BOOK, COLUMNS, LIMITS, MULTIPLES, OF_RATIO, PARITY, USUAL


@pytest.fixture(scope="package")
def offers(spark: SparkSession) -> Iterator[DataFrame]:
    """Return the offers of `BOOK`, cached."""
    rows = spark.createDataFrame(BOOK.astype(object).where(BOOK.notna(), None), COLUMNS)
    cached = rows.withColumn("lent", F.col("lent").cast("decimal(14,4)")).repartition(3).cache()
    yield cached
    cached.unpersist()


@pytest.fixture(scope="package")
def found(offers: DataFrame) -> tuple[DataFrame | Evidence, ...]:
    """Return what the node hands out: plan, prices, frontier, bid prices, certificate twice."""
    return optimise(
        offers,
        **USUAL
        | {
            "frontiers": [
                {"limit": "lent", "multiples": MULTIPLES},
                {"limit": "loss rate", "multiples": OF_RATIO},
            ]
        },
    )


@pytest.fixture(scope="package")
def rows(found: tuple[DataFrame | Evidence, ...]) -> pandas.DataFrame:
    """Return the rows of the plan."""
    return pandas.DataFrame([row.asDict(recursive=True) for row in found[0].collect()])


@pytest.fixture(scope="package")
def audit(offers: DataFrame, found: tuple[DataFrame | Evidence, ...]) -> Evidence:
    """Return the audit of the plan."""
    return audit_portfolio(
        offers, found[0], profit="profit", limits=LIMITS, parities=[PARITY], **NO_TAILS
    )
