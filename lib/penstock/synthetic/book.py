"""The embedded loan book: loans, payments and applications whose true risk is known.

Everything is drawn from row numbers (`draws.py`), so a book has any size, is the same for any
number of partitions, and keeps its first rows when it grows.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.synthetic.applicants import draw_applicants
from penstock.synthetic.draws import Draws
from penstock.synthetic.malformed import repeat_rows, spoil_rows
from penstock.synthetic.outcomes import add_outcomes
from penstock.synthetic.payments import list_payments, usd
from penstock.synthetic.risk import add_true_risk

FICO_BAND = 4  # width of a reported score range, in points


def generate_book(
    loan_numbers: DataFrame,
    *,
    seed: int,
    first_issue_month: date,
    last_issue_month: date,
    snapshot_date: date,
    drift: float,
    malformed_share: float,
    duplicate_share: float,
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Draw a loan book as a lender would export it, and the truth behind it.

    Args:
        loan_numbers: Needs `id` (BIGINT, 0 and up). The other arguments are those of `draw_book`
            and `export_book`.

    Returns:
        `raw_loans` and `true_risk` of `export_book`, with the payments of `list_payments` between
        them.

    Raises:
        ConfigError: The months are out of order.
    """
    book = draw_book(
        loan_numbers,
        seed=seed,
        first_issue_month=first_issue_month,
        last_issue_month=last_issue_month,
        snapshot_date=snapshot_date,
        drift=drift,
    )
    raw_loans, true_risk = export_book(
        book, malformed_share=malformed_share, duplicate_share=duplicate_share
    )
    return raw_loans, list_payments(book), true_risk


def draw_book(
    loan_numbers: DataFrame,
    *,
    seed: int,
    first_issue_month: date,
    last_issue_month: date,
    snapshot_date: date,
    drift: float,
) -> DataFrame:
    """Draw the loans with all that is latent in them, for `export_book` and `list_payments`.

    Grain: one row per `id`. Loan i depends on i and the parameters only.

    Args:
        loan_numbers: Needs `id` (BIGINT, 0 and up).
        seed: Any integer; another seed is another book.
        first_issue_month: Month of the oldest loans; its day is not used.
        last_issue_month: Month of the youngest loans, twice as many as in the first.
        snapshot_date: Day on which the book is looked at; later than the last issue month.
        drift: Multiple of the documented drift (0 = every vintage is alike).

    Returns:
        Columns of `draw_applicants`, `add_true_risk` and `add_outcomes`, and two uniform draws.

    Raises:
        ConfigError: The months are out of order.
    """
    if snapshot_date < last_issue_month:
        raise ConfigError(
            f"snapshot_date ({snapshot_date}) lies before last_issue_month ({last_issue_month}): "
            "a book cannot be looked at before its loans are issued. Move one of them."
        )
    draws = Draws("loan", seed)
    applicants = draw_applicants(
        loan_numbers,
        draws=draws,
        first_month=first_issue_month,
        last_month=last_issue_month,
        drift=drift,
    )
    risky = add_true_risk(applicants, drift=drift)
    book = add_outcomes(risky, draws=draws, snapshot_date=snapshot_date)
    return book.select(
        "*", draws.uniform("spoil").alias("spoil_draw"), draws.uniform("copy").alias("copy_draw")
    )


def export_book(
    book: DataFrame, *, malformed_share: float, duplicate_share: float
) -> tuple[DataFrame, DataFrame]:
    """Split the book into what a lender's export shows and what is true.

    Args:
        book: From `draw_book`.
        malformed_share: Share (0-1) of loans with one unreadable or impossible field.
        duplicate_share: Share (0-1) of loans that stand in the export twice.

    Returns:
        raw_loans: All STRING, LendingClub's names and spellings; one row per loan, two for
            duplicates. Empty fields are null.
        true_risk: One row per loan: `id` STRING, `true_pd` (charge-off over the whole life, 0-1),
            `true_pd_12m`, `true_lgd` (net of fees, share of `true_ead`), `true_ead` (principal
            owed at default, USD), `vintage_shift` (log odds) and `will_charge_off` (the outcome,
            also where the snapshot does not show it yet). Never null.
    """
    written = book.select(
        *_application_texts(), *_loan_texts(), *_later_texts(), "spoil_draw", "copy_draw"
    )
    repeated = repeat_rows(written, duplicate_share=duplicate_share)
    true_risk = book.select(
        *_true_columns(), "true_ead", F.col("charge_off_month").isNotNull().alias("will_charge_off")
    )
    return spoil_rows(repeated, malformed_share=malformed_share), true_risk


def generate_applications(
    application_numbers: DataFrame,
    *,
    seed: int,
    first_month: date,
    last_month: date,
    drift: float,
    malformed_share: float,
) -> tuple[DataFrame, DataFrame]:
    """Draw new applications: what is known on the day of the application, and what is true.

    Application i depends on i and the parameters only, and is another person than loan i.

    Args:
        application_numbers: Needs `id` (BIGINT, 0 and up).
        seed: Any integer.
        first_month: First month of application; its day is not used.
        last_month: Last month of application.
        drift: Multiple of the documented drift, as in the book.
        malformed_share: Share (0-1) of applications with one broken field.

    Returns:
        raw_applications: All STRING, one row per application: LendingClub's names for the columns
            of the form and the bureau, and `application_d`; no price, no outcome.
        true_application_risk: One row per application: `id`, `true_pd`, `true_pd_12m`, `true_lgd`,
            `vintage_shift`. Never null.

    Raises:
        ConfigError: The months are out of order.
    """
    draws = Draws("application", seed)
    applicants = draw_applicants(
        application_numbers,
        draws=draws,
        first_month=first_month,
        last_month=last_month,
        drift=drift,
    )
    risky = add_true_risk(applicants, drift=drift)
    written = risky.select(
        *_application_texts(),
        F.col("applied_on").cast("string").alias("application_d"),
        draws.uniform("spoil").alias("spoil_draw"),
    )
    return spoil_rows(written, malformed_share=malformed_share), risky.select(*_true_columns())


def _true_columns() -> list[Column]:
    names = ("true_pd", "true_pd_12m", "true_lgd", "vintage_shift")
    return [_text("id"), *map(F.col, names)]


def _application_texts() -> list[Column]:
    plain = (
        "id", "loan_amnt", "term", "emp_title", "emp_length", "home_ownership",
        "verification_status", "purpose", "title", "desc", "addr_state", "delinq_2yrs",
        "earliest_cr_line", "fico_range_low", "inq_last_6mths", "mths_since_last_delinq",
        "mths_since_last_record", "open_acc", "pub_rec", "pub_rec_bankruptcies", "revol_bal",
        "total_acc", "annual_inc", "dti", "revol_util",
    )  # fmt: skip
    return [
        *map(_text, plain),
        _text(F.col("fico_range_low") + FICO_BAND, "fico_range_high"),
    ]


def _loan_texts() -> list[Column]:
    number = F.col("sub_grade_number")
    grade = F.substring(F.lit("ABCDEFG"), (F.floor(number / 5) + 1).cast("int"), F.lit(1))
    step = (number % 5 + 1).cast("string")
    return [
        _text("applied_on", "issue_d"),
        _text("funded_amnt"),
        _text("int_rate"),
        _text(usd("installment_cents"), "installment"),
        grade.alias("grade"),
        F.concat(grade, step).alias("sub_grade"),
    ]


def _later_texts() -> list[Column]:
    money = {
        "out_prncp": "owed_cents",
        "total_pymnt": "total_cents",
        "total_rec_prncp": "principal_cents",
        "total_rec_int": "interest_cents",
        "recoveries": "recoveries_cents",
        "collection_recovery_fee": "fee_cents",
    }
    last_paid = F.when(F.col("paid_months") > 0, F.add_months("applied_on", F.col("paid_months")))
    return [
        F.col("loan_status"),
        *[_text(usd(cents), name) for name, cents in money.items()],
        _text(last_paid, "last_pymnt_d"),
        _text("last_fico_range_low"),
        _text(F.col("last_fico_range_low") + FICO_BAND, "last_fico_range_high"),
    ]


def _text(value: Column | str, name: str | None = None) -> Column:
    column = F.col(value) if isinstance(value, str) else value
    return column.cast("string").alias(name or str(value))
