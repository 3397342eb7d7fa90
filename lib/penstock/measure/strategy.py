"""The strategy curve: what each cut-off would approve, and what it would have earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Count, RisingShares, Share
from penstock.errors import DataError
from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.counts import ScoreCounts, count_by_score

Floats = NDArray[np.float64]

VALUED = (
    "loan_id STRING, is_bad INT, pd DOUBLE, lender_grade STRING, segment STRING, "
    "expected_profit_usd DECIMAL(12,2), realised_profit_usd DECIMAL(12,2)"
)
LOTS = 500  # of loans drawn together by the bootstrap: by a hash of their keys
CONFIDENCE = 0.95
ALL, OWN, SHARE, GRADES = "approve all", "expected profit above 0", "share by PD", "lender's grades"

Resamples = Annotated[int, Ge(100)]


def compare_strategies(
    valued: DataFrame,
    *,
    approval_rates: RisingShares,
    approval_rate: Share,
    grades: list[str],
    min_loans: Count,
    decimals: int,
    resamples: Resamples,
    seed: int,
) -> Evidence:
    """Measure what cut-offs and rules would have approved and earned, with bootstrap intervals.

    Profits are per application, approved or not; who is declined earns nothing. The best cut-off is
    the one of greatest expected profit: outcomes have no say in it. Four Spark queries; some
    thousand sums reach the driver, whatever the number of loans.

    Args:
        valued: Loans whose outcome is known, with the columns of `VALUED`. Those without a profit
            are left out and counted.
        approval_rates: Shares of loans that the cut-offs of the curve approve, safest first; loans
            tied at a cut-off are all approved. All are approved as well.
        approval_rate: The share of the rule "share by PD".
        grades: The grades that the rule "lender's grades" approves.
        min_loans: Smaller segments have no adverse impact ratio.
        decimals: Decimals of PD that cut-offs have.
        resamples: Draws of the bootstrap, which draws lots of loans.
        seed: Of these draws.

    Returns:
        Metrics `loans`, `left_out`, `best_cut_off`, `best_approval_rate`, `profit_<rule>` and
        `gain_<rule>` (over approving all) of the rules `own`, `share` and `grades`, with `_low` and
        `_high`, 95 %; tables "strategies" and "curve"; figure "curve". Money in USD.

    Raises:
        DataError: No loan has a profit.

    Source:
        Percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13,
        of sums over random lots of loans.
    """
    known = valued.where("expected_profit_usd IS NOT NULL AND realised_profit_usd IS NOT NULL")
    counts = count_by_score(known, score="pd", label="is_bad", by=None, decimals=decimals)
    if not counts.loans:
        raise DataError("No judged loan has a profit: prices or payments are unknown.")
    cut_offs = np.unique(_cut_offs(counts, [*approval_rates, 1.0]))
    [at_share] = _cut_offs(counts, [approval_rate])
    score = F.round("pd", decimals)
    rules = {
        ALL: F.lit(True),
        OWN: F.col("expected_profit_usd") > 0,
        SHARE: score <= float(at_share),
        GRADES: F.col("lender_grade").isin(*grades),
    }
    by_cut_off = [score <= float(cut_off) for cut_off in cut_offs]
    lots = _Lots.of(known, [*rules.values(), *by_cut_off])
    outcomes = lots.outcomes(np.random.default_rng(seed), resamples)
    named, curve = outcomes[: len(rules)], outcomes[len(rules) :]
    ratios = _impact_ratios(known, by_cut_off, min_loans)
    best = int(np.argmax([each.expected for each in curve]))
    metrics: dict[str, float | None] = {
        "loans": float(counts.loans),
        "left_out": float(valued.count() - counts.loans),
        "best_cut_off": float(cut_offs[best]),
        "best_approval_rate": curve[best].approved,
    }
    for rule, outcome in zip(("own", "share", "grades"), named[1:], strict=True):
        metrics |= outcome.metrics(rule)
    return Evidence(
        metrics,
        {
            "strategies": _strategies_table(dict(zip(rules, named, strict=True))),
            "curve": _curve_table(cut_offs, curve, ratios),
        },
        {"curve": _figure(curve, best)},
    )


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
class _Lots:
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
    def of(cls, valued: DataFrame, rules: Sequence[Column]) -> "_Lots":
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


def _cut_offs(counts: ScoreCounts, shares: Sequence[float]) -> Floats:
    """Return the least PDs up to which these shares of the loans lie, or more."""
    up_to = np.cumsum(counts.n) / counts.loans
    # The last of them may be 1 - 1e-16.
    places = np.searchsorted(up_to, shares).clip(max=len(up_to) - 1)
    found: Floats = counts.score[places]
    return found


def _interval(drawn: Floats) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _impact_ratios(
    valued: DataFrame, rules: Sequence[Column], min_loans: int
) -> list[float | None]:
    """Return the least approval rate of a segment, as a share of the greatest, for each rule."""
    approved = (F.avg(rule.cast("int")) for rule in rules)
    table = (
        valued.groupBy("segment").agg(F.count(F.lit(1)).alias("n"), F.array(*approved)).collect()
    )
    rates = np.array([row[2] for row in table if row["n"] >= min_loans], dtype=float)
    if len(rates) <= 1:  # nobody to compare with
        return [None] * len(rules)
    return [
        float(low / high) if high else None
        for low, high in zip(rates.min(0), rates.max(0), strict=True)
    ]


def _strategies_table(by_rule: dict[str, Outcome]) -> Table:
    columns = (
        "rule", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "gain over all", "gain low", "gain high",
    )  # fmt: skip
    rows = tuple(
        (
            rule,
            each.approved,
            each.bad_rate,
            each.expected,
            each.realised,
            *each.interval,
            each.gain,
            *each.gain_interval,
        )
        for rule, each in by_rule.items()
    )
    return Table("What each rule would have earned, USD per application", columns, rows)


def _curve_table(
    cut_offs: Floats, curve: Sequence[Outcome], ratios: Sequence[float | None]
) -> Table:
    columns = (
        "PD cut-off", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "adverse impact ratio",
    )  # fmt: skip
    rows = tuple(
        (float(c), o.approved, o.bad_rate, o.expected, o.realised, *o.interval, ratio)
        for c, o, ratio in zip(cut_offs, curve, ratios, strict=True)
    )
    return Table("The strategy curve, USD per application", columns, rows)


def _figure(curve: Sequence[Outcome], best: int) -> Figure:
    approved = tuple(each.approved for each in curve)
    at_best = (curve[best].approved,) * 2
    heights = [each.realised for each in curve] + [each.expected for each in curve]
    return Figure(
        "Profit by approval rate",
        "share of applications approved",
        "USD per application",
        (
            Series("realised", approved, tuple(each.realised for each in curve)),
            Series("", approved, tuple(each.interval[0] for each in curve), "bound"),
            Series("", approved, tuple(each.interval[1] for each in curve), "bound"),
            Series("expected", approved, tuple(each.expected for each in curve)),
            Series("best expected", at_best, (min(heights), max(heights)), "reference"),
        ),
        "Realised profit with its 95 % interval. The best cut-off is chosen by expected profit.",
    )
