"""One small book, drawn once for all tests of the generator."""

from collections.abc import Callable, Iterator
from datetime import date

import pandas
import pytest
from pyspark.sql import DataFrame, SparkSession

from penstock.synthetic.book import draw_book

LOANS = 20_000
MONTHS = {
    "first_issue_month": date(2014, 1, 1),
    "last_issue_month": date(2022, 12, 1),
    "snapshot_date": date(2024, 7, 1),
}
LATENT = (
    "id", "applied_on", "fico_range_low", "annual_inc", "loan_amnt", "dti", "revol_util",
    "inq_last_6mths", "history_months", "delinq_2yrs", "pub_rec", "emp_length", "home_ownership",
    "term", "purpose", "tone", "desc", "vintage_shift", "true_pd", "true_pd_12m", "true_lgd",
    "true_ead", "int_rate", "charge_off_month", "payoff_month", "months_on_book", "loan_status",
    "funded_amnt", "amount_cents", "balance_paid_to", "recoveries_cents", "fee_cents",
    "last_fico_range_low",
)  # fmt: skip


@pytest.fixture(scope="session")
def draw() -> Callable[..., DataFrame]:
    """Return a function that draws a book from row numbers; seed 7 unless told."""

    def draw_small(numbers: DataFrame, seed: int = 7) -> DataFrame:
        return draw_book(numbers, seed=seed, drift=1.0, **MONTHS)

    return draw_small


@pytest.fixture(scope="package")
def book(spark: SparkSession, draw: Callable[..., DataFrame]) -> Iterator[DataFrame]:
    """Return the latent book: one row per `id`, 20,000 loans."""
    drawn = draw(spark.range(LOANS)).persist()
    yield drawn
    drawn.unpersist()


@pytest.fixture(scope="package")
def loans(book: DataFrame) -> pandas.DataFrame:
    """Return the columns of the book that the statistics below need, 20,000 rows."""
    return book.select(*LATENT).toPandas()
