"""What rules would have approved and earned, with bootstrap intervals by lots of loans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.measure.intervals import CONFIDENCE

Floats = NDArray[np.float64]
LOTS = 500  # of loans drawn together by the bootstrap: by a hash of their keys


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval."""

    value: float
    low: float
    high: float

    def metrics(self, name: str) -> dict[str, float | None]:
        """Return the figure under this name, and the ends of its interval."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class Outcome:
    """What a rule would have approved and earned; money in USD per application.

    Attributes:
        approved: Share of applications, 0-1.
        bad_rate: Share of bads among them, 0-1; None if none is approved.
        expected: Profit as expected at the decision.
        realised: Profit as it was.
    """

    approved: float
    bad_rate: float | None
    expected: float
    realised: Estimate


@dataclass(frozen=True)
class Earned:
    """What rules earned, in USD per application.

    Attributes:
        realised: Shape (n_rules,).
        drawn: The same of each resample of the loans, shape (n_resamples, n_rules).
    """

    realised: Floats
    drawn: Floats

    def profit(self, rule: int) -> Estimate:
        """Return what a rule earned."""
        return _estimate(self.realised[rule], self.drawn[:, rule])

    def gain(self, rule: int, over: int) -> Estimate:
        """Return what a rule earned beyond another one, on the same loans in every resample."""
        gains = self.drawn[:, rule] - self.drawn[:, over]
        return _estimate(self.realised[rule] - self.realised[over], gains)


@dataclass(frozen=True)
class Lots:
    """Sums over each lot of loans, by what a rule approves: all of shape (n_lots, n_rules).

    Attributes:
        loans: Of each lot, shape (n_lots,).
    """

    loans: Floats
    approved: Floats
    bads: Floats
    expected: Floats
    realised: Floats

    @classmethod
    def of(cls, valued: DataFrame, rules: Sequence[Column]) -> "Lots":
        """Sum up loans (`loan_id`, `is_bad` and both profits) by lot, in one Spark query."""
        lot = F.pmod(F.xxhash64("loan_id"), F.lit(LOTS)).cast("int")
        sums = []
        for rule in rules:
            weight = F.coalesce(rule, F.lit(False)).cast("int")
            sums.append(
                F.array(
                    F.sum(weight).cast("double"),
                    F.sum(weight * F.col("is_bad")).cast("double"),
                    F.sum(weight * F.col("expected_profit_usd")).cast("double"),
                    F.sum(weight * F.col("realised_profit_usd")).cast("double"),
                )
            )
        found = valued.groupBy(lot.alias("lot")).agg(
            F.count(F.lit(1)).alias("loans"), F.array(*sums).alias("sums")
        )
        table = found.toPandas().sort_values("lot")
        by_rule = np.array([[list(rule) for rule in lot] for lot in table["sums"]], dtype=float)
        loans = table["loans"].to_numpy(float)
        return cls(loans, *(by_rule[:, :, place] for place in range(4)))

    def earned(self, random: np.random.Generator, resamples: int) -> Earned:
        """Return what each rule earned, on all loans and on lots of them drawn anew."""
        n = len(self.loans)
        draws = random.multinomial(n, [1 / n] * n, size=resamples).astype(np.float64)
        drawn = (draws @ self.realised) / (draws @ self.loans)[:, None]
        return Earned(self.realised.sum(axis=0) / self.loans.sum(), drawn)

    def outcomes(self, earned: Earned) -> list[Outcome]:
        """Return what each rule does."""
        total, approved = self.loans.sum(), self.approved.sum(axis=0)
        expected = self.expected.sum(axis=0) / total
        return [
            Outcome(
                approved=float(approved[rule] / total),
                bad_rate=float(self.bads[:, rule].sum() / approved[rule])
                if approved[rule]
                else None,
                expected=float(expected[rule]),
                realised=earned.profit(rule),
            )
            for rule in range(len(approved))
        ]


def _estimate(value: np.float64, drawn: Floats) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
