"""Books of offers for the optimiser, drawn from a seed, and limits that bite."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import functions as F

from penstock.portfolio import optimise as node
from penstock.portfolio.choice import MILLION, Offers, best_rows, sum_over, worths
from penstock.portfolio.limits import Cell, Limit, compile_rows
from penstock.portfolio.passes import Applicants, InMemory
from penstock.portfolio.problem import Problem

FACTORS = {
    "sector": "sector",
    "pd_band": "pd_band",
    "loss_at_default": "at_default",
    "asset_correlations": {"*": 0.15},
    "sector_correlation": 0.4,
    "scenarios": 1_000,
    "seed": 3,
}
NO_TAILS = {"tail_limits": [], "factors": FACTORS}
MEASURES = ("approvals", "capital", "lent", "loss")
MENU = ((1.0, 0.0), (1.0, 0.02), (0.75, 0.0), (0.75, 0.02), (0.5, 0.0), (0.5, 0.02))


@dataclass(frozen=True)
class Book:
    """Offers in arrays, their cells, and limits on them."""

    offers: Offers
    cells: tuple[Cell, ...]
    limits: tuple[Limit, ...]

    @property
    def problem(self) -> Problem:
        """Return the problem of the limits."""
        largest = np.abs(self.offers.amounts).max(axis=1, initial=0.0)
        rows = compile_rows(self.limits, [], self.cells, {})
        return Problem(MEASURES, len(self.cells), rows, largest)

    @property
    def passes(self) -> InMemory:
        """Return the passes over the offers."""
        keys = np.array([f"A{n}" for n in range(self.offers.applicants)], object)
        return InMemory(Applicants(keys, self.offers), len(self.cells))

    def of(self, *names: str) -> "Book":
        """Return the book with only these limits."""
        kept = tuple(limit for limit in self.limits if limit["name"] in names)
        return Book(self.offers, self.cells, kept)


def draw_book(applicants: int, *, segments: int = 0, seed: int = 0) -> Book:
    """Draw applicants with six offers each, and five limits, and one for each segment."""
    random = np.random.default_rng(seed)
    segment = random.integers(0, max(segments, 1), applicants)
    pd = np.clip(random.beta(1.6, 12, applicants), 0.002, 0.8)
    asked, lgd = np.exp(random.normal(9, 0.6, applicants)), random.uniform(0.3, 0.9, applicants)
    columns = []
    for share, step in MENU:
        rate = 0.075 + 0.5 * pd * lgd + step
        take_up = 1 / (1 + np.exp(-(0.4 - 20 * (rate - 0.12) + 1.5 * np.log(share))))
        odds = pd / (1 - pd) * np.exp(3 * step)
        loss_rate, amount = lgd * odds / (1 + odds), asked * share
        profit = take_up * amount * (1.6 * (rate - 0.055) - 0.9 * loss_rate) - 10
        capital = take_up * amount * (0.02 + 0.3 * np.sqrt(pd) * lgd)
        ones = np.ones(applicants)
        columns.append((profit, ones, capital, take_up * amount, take_up * amount * loss_rate))
    amounts = np.round(np.stack(columns, axis=2).reshape(5, -1) * MILLION)
    offers = Offers(
        np.arange(applicants + 1) * len(MENU),
        np.repeat(segment, len(MENU)).astype(np.int32),
        amounts,
    )
    cells = tuple((str(s),) for s in range(segments)) if segments else ((),)
    return Book(offers, cells, tuple(_limits(offers, segments)))


def _limits(offers: Offers, segments: int) -> list[Limit]:
    free = np.zeros((max(segments, 1), 1 + len(MEASURES)))
    free[:, 0] = 1
    rows = best_rows(offers, worths(offers, free))
    sums = sum_over(offers, rows, max(segments, 1)).whole().sum(axis=0) / MILLION
    used = dict(zip(MEASURES, map(float, sums[1:]), strict=True))
    return [
        # Near one another: most of them bind at once.
        {"name": "lent", "measure": "lent", "at_most": round(0.735 * used["lent"], 2)},
        {"name": "capital", "measure": "capital", "at_most": round(0.62 * used["capital"], 2)},
        {"name": "loss", "measure": "loss", "at_most": round(0.475 * used["loss"], 2)},
        {"name": "many", "measure": "approvals", "at_least": float(round(0.68 * sums[1]))},
        {
            "name": "loss rate",
            "measure": "loss",
            "per": "lent",
            "at_most": round(0.645 * used["loss"] / max(used["lent"], 1), 5),
        },
        *(
            Limit(
                name=f"segment {s}",
                measure="lent",
                where={"segment": [str(s)]},
                per="lent",
                at_most=round((0.9 + 0.35 * (s % 2)) / segments, 4),
            )
            for s in range(segments)
        ),
    ]


def optimise(offers, start_prices=None, **wishes):
    """Optimise, from prices of 0 if no others are given."""
    start = node.no_start_prices(offers) if start_prices is None else start_prices
    return node.optimise(offers, start, **wishes)


def assert_the_table_says_what_the_certificate_does(found):
    """Assert that the one row of the certificate's table has its metrics and its status."""
    *_, table, certificate = found
    [row] = table.collect()
    [[status]] = certificate.tables["status"].rows
    told = {"status": status, **certificate.metrics}
    assert row.asDict() == {"limits_leave": None} | told


def g_by_sql(offers, multipliers, rows, profit="profit"):
    """Return l b + the sum over applicants of max(0, max(p - l a)), worked out by Spark."""
    cost = (
        " + ".join(f"{price!r}D * ({rows[name][0]})" for name, price in multipliers.items()) or "0D"
    )
    worth = F.expr(f"cast({profit} AS DOUBLE) - ({cost})")
    best = offers.where("profit IS NOT NULL").groupBy("application_id").agg(F.max(worth).alias("w"))
    total = best.agg(F.sum(F.greatest("w", F.lit(0.0)))).collect()[0][0]
    return (total or 0.0) + sum(price * rows[name][1] for name, price in multipliers.items())
