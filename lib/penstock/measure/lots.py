"""What rules would have approved and earned, with bootstrap intervals by lots of loans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Floats = NDArray[np.float64]
LOTS = 500  # of loans drawn together by the bootstrap: by a hash of their keys
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """What a rule would have approved and earned; money in USD per application.

    Attributes:
        approved: Share of applications, 0-1.
        bad_rate: Share of bads among them, 0-1; None if none is approved.
        expected: Profit as expected at the decision.
        realised: Profit as it was.
        interval: Of `realised`.
        gain: `realised` less that of approving all.
        gain_interval: Of `gain`.
    """

    approved: float
    bad_rate: float | None
    expected: float
    realised: float
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]

    def metrics(self, rule: str) -> dict[str, float | None]:
        """Return profit and gain with their intervals, by name."""
        named: dict[str, float | None] = {
            f"profit_{rule}": self.realised,
            f"gain_{rule}": self.gain,
        }
        for name, (low, high) in {"profit": self.interval, "gain": self.gain_interval}.items():
            named |= {f"{name}_{rule}_low": low, f"{name}_{rule}_high": high}
        return named


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

    def outcomes(self, random: np.random.Generator, resamples: int) -> list[Outcome]:
        """Return what each rule does; the first rule is the one that gains are over."""
        n = len(self.loans)
        draws = random.multinomial(n, [1 / n] * n, size=resamples).astype(np.float64)
        drawn = (draws @ self.realised) / (draws @ self.loans)[:, None]
        total, approved = self.loans.sum(), self.approved.sum(axis=0)
        realised, expected = (each.sum(axis=0) / total for each in (self.realised, self.expected))
        return [
            Outcome(
                approved=float(approved[rule] / total),
                bad_rate=float(self.bads[:, rule].sum() / approved[rule])
                if approved[rule]
                else None,
                expected=float(expected[rule]),
                realised=float(realised[rule]),
                interval=_interval(drawn[:, rule]),
                gain=float(realised[rule] - realised[0]),
                gain_interval=_interval(drawn[:, rule] - drawn[:, 0]),
            )
            for rule in range(len(approved))
        ]


def _interval(drawn: Floats) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
