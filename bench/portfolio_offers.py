"""Generated offers and the limits on them: the book of the portfolio benches, at any size.

Six offers an applicant, of three amounts at two prices; whatever is random is a hash of the key, so
that the same applicants have the same offers in every run.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from penstock.portfolio.choice import MILLION, Floats, Ints, Offers, sum_over
from penstock.portfolio.limits import APPROVALS, Limit, compile_rows, measures_of
from penstock.portfolio.passes import Applicants
from penstock.portfolio.problem import Problem

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

PROFIT = "profit_usd"
LENT, LOSS, CAPITAL = "lent_usd", "expected_loss_usd", "capital_usd"
OFFERS = 6  # of each applicant
PURPOSES, BRANCHES = 10, 59
MONEY = "decimal(14,4)"
_PRIME = 1_000_003

# Limits in USD for each applicant: about 40 % of what the best offers of all come to.
LENT_EACH, LOSS_EACH, CAPITAL_EACH = 2_600.0, 80.0, 120.0


def offers(spark: "SparkSession", applicants: int, first: int = 0) -> "DataFrame":
    """Return a table as `optimise` reads it, of so many applicants, numbered from `first` on.

    Amounts are what is expected: times the share of applicants who take up the offer. Applicants
    differ in risk, in what they ask for, in what it costs to serve them and in how keenly they
    look at the price.
    """
    from pyspark.sql import functions as F  # noqa: PLC0415

    key = F.concat(F.lit("A"), F.col("id")).alias("application_id")
    terms = [(share, step) for share in (1.0, 0.75, 0.5) for step in (0.0, 0.02)]
    each = F.explode(
        F.array(
            *(
                F.struct(F.lit(n).alias("offer"), F.lit(s).alias("share"), F.lit(p).alias("step"))
                for n, (s, p) in enumerate(terms, start=1)
            )
        )
    )
    drawn = spark.range(first, first + applicants).select(key)
    drawn = drawn.withColumns(
        {
            "pd": 0.005 + F.pow(_uniform(1), 3) / 2,
            "asked": F.exp(8.5 + 1.5 * _uniform(2)),
            "lgd": 0.3 + 0.6 * _uniform(3),
            "cost": 0.03 * _uniform(5),
            "keenness": 10 + 50 * _uniform(6),
            "purpose": F.concat(F.lit("p"), F.floor(_uniform(4) * PURPOSES)),
            "branch": F.concat(F.lit("b"), F.floor(_uniform(7) * BRANCHES)),
        }
    )
    priced = drawn.withColumn("terms", each).select("*", "terms.*")
    rate = 0.075 + F.col("pd") * F.col("lgd") / 2 + F.col("step")
    wanted = 0.4 - F.col("keenness") * (rate - 0.12) + 1.5 * F.log("share")
    lent = F.col("asked") * F.col("share") / (1 + F.exp(-wanted))
    loss = lent * F.col("pd") * F.col("lgd") * F.sqrt("share")
    amounts = {
        PROFIT: 1.6 * lent * (rate - 0.04 - F.col("cost")) - 0.9 * loss - 10,
        LENT: lent,
        LOSS: loss,
        CAPITAL: lent * (0.02 + 0.3 * F.sqrt("pd") * F.col("lgd")),
    }
    told = (amount.cast(MONEY).alias(name) for name, amount in amounts.items())
    return priced.select("application_id", "offer", "purpose", "branch", *told)


def limits(applicants: int) -> list[Limit]:
    """Return 15 limits: sums, an average, a floor, and each purpose's share of what is lent."""
    common: list[Limit] = [
        {"name": "lent", "measure": LENT, "at_most": LENT_EACH * applicants},
        {"name": "loss", "measure": LOSS, "at_most": LOSS_EACH * applicants},
        {"name": "capital", "measure": CAPITAL, "at_most": CAPITAL_EACH * applicants},
        {"name": "loss rate", "measure": LOSS, "per": LENT, "at_most": 0.05},
        {"name": "number", "measure": APPROVALS, "at_least": applicants // 4},
    ]
    return common + [
        _share("purpose", f"p{number}", (0.095, 0.115)[number % 2]) for number in range(PURPOSES)
    ]


def many_limits(applicants: int) -> list[Limit]:
    """Return 74 limits: those of `limits`, and each branch's share of what is lent."""
    return limits(applicants) + [
        _share("branch", f"b{number}", (0.016, 0.02)[number % 2]) for number in range(BRANCHES)
    ]


def _share(attribute: str, value: str, most: float) -> Limit:
    where = {attribute: [value]}
    name = f"{attribute} {value[1:]}"
    return {"name": name, "measure": LENT, "where": where, "per": LENT, "at_most": most}


@dataclass(frozen=True)
class Book:
    """Offers in arrays, and what limits them."""

    everyone: Applicants
    purposes: tuple[str, ...]
    limits: tuple[Limit, ...]

    @property
    def offers(self) -> Offers:
        """Everyone's offers."""
        return self.everyone.offers

    def problem(self, limits: tuple[Limit, ...] | None = None) -> Problem:
        """Return the book's limits, or others on the same measures, as rows."""
        rows = compile_rows(limits or self.limits, [], [(p,) for p in self.purposes], {})
        largest = np.abs(self.offers.amounts).max(axis=1)
        return Problem(measures_of(self.limits, []), len(self.purposes), rows, largest)


def read_book(folder: Path) -> Book:
    """Read offers that were written as Parquet, in the order of their keys."""
    import pandas  # noqa: PLC0415

    rows = pandas.read_parquet(folder).sort_values(["application_id", "offer"], ignore_index=True)
    keys = rows["application_id"].to_numpy(object)[::OFFERS]
    purposes, cells = np.unique(rows["purpose"].to_numpy(str), return_inverse=True)
    limited = tuple(limits(len(keys)))
    amounts: Floats = np.array(
        [
            np.ones(len(rows)) if name == APPROVALS else rows[name].to_numpy(np.float64)
            for name in (PROFIT, *measures_of(limited, []))
        ]
    )
    starts = np.arange(0, len(rows) + 1, OFFERS)
    of_all = Offers(starts, cells.astype(np.int32), np.rint(amounts * MILLION))
    return Book(Applicants(keys, of_all), tuple(map(str, purposes)), limited)


def judged(book: Book, rows: Ints) -> tuple[Fraction, int]:
    """Return the profit of a plan, in millionths, and how many limits it breaks, exactly."""
    problem = book.problem()
    sums = sum_over(book.offers, rows, problem.n_cells)
    used = zip(problem.rows, problem.exact_usages(sums), strict=True)
    return Fraction(int(sum(sums.whole()[:, 0]))), sum(u > r.bound * MILLION for r, u in used)


def _uniform(salt: int) -> "Column":
    """Return a number in 0-1 that depends on the key and the salt alone."""
    from pyspark.sql import functions as F  # noqa: PLC0415

    hashed = F.pmod(F.xxhash64("application_id", F.lit(salt)), F.lit(_PRIME))
    return hashed / float(_PRIME)
