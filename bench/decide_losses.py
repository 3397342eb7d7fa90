"""Expected credit losses of a large book by column expressions, and loan by loan by a library.

A process and a cluster of its own for each size of the book, so that peaks of memory are its own.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from creditriskengine.ecl.ifrs9.ecl_calc import ecl_lifetime
from creditriskengine.ecl.ifrs9.scenarios import Scenario, weighted_ecl
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from bench.command import peak_family_mb, run_module
from bench.decide_chain import Chain
from bench.session import own_session
from penstock.lending.credit_loss import YEAR, add_credit_loss
from penstock.lending.default_timing import estimate_default_timing
from penstock.lending.exposures import list_exposures
from penstock.lending.features import add_features

Floats = NDArray[np.float64]
Curves = dict[tuple[int, int], Row]
CLUSTER, PARTITIONS = "local-cluster[2,1,1024]", 16
LOANS, APPLICATIONS, ROUNDS, SAMPLE = 20_000, 1_000, 2, 1_000
OUT = "losses.json"


@dataclass(frozen=True)
class Losses:
    """What was measured.

    Attributes:
        exposures: Of the book.
        seconds: Of the book, each round.
        peak_mb: Most memory of driver and executors, each at its own moment.
        sample: Exposures that the library computed.
        library_seconds: Of the sample.
        difference: Greatest relative difference of a lifetime or twelve-month loss.
    """

    exposures: int
    seconds: list[float]
    peak_mb: float
    sample: int
    library_seconds: float
    difference: float


def losses_of(folder: Path, exposures: int, settings: Mapping[str, str]) -> Losses:
    """Measure the losses of about so many exposures, in a process of its own.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    folder.mkdir(parents=True)
    run_module("bench.decide_losses", str(folder), str(exposures), json.dumps(dict(settings)))
    return Losses(**json.loads((folder / OUT).read_text("utf-8")))


def main(folder: Path, exposures: int, settings: Mapping[str, str]) -> None:
    """Measure, and write the figures into the folder."""
    with own_session("losses", CLUSTER, folder, settings) as spark:
        chain = Chain(spark, folder, loans=LOANS, applications=APPLICATIONS)
        losses = measure_losses(chain, exposures=exposures, sample=SAMPLE, rounds=ROUNDS)
    (folder / OUT).write_text(json.dumps(asdict(losses)), "utf-8")


def measure_losses(chain: Chain, *, exposures: int, sample: int, rounds: int) -> Losses:
    """Measure the losses of exposures of the chain's loans, copied until there are enough."""
    params = chain.params["add_credit_loss"]
    timing = chain.stored(
        "timing",
        estimate_default_timing(chain.labelled, **chain.params["estimate_default_timing"]),
    )
    book = chain.stored("book", _book(chain, exposures))
    risk, bare = book.select("loan_id", "pd", "lgd"), book.drop("pd", "lgd")
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        losses = chain.stored("losses", add_credit_loss(bare, risk, timing, **params))
        seconds.append(time.perf_counter() - started)
    peak = peak_family_mb(os.getpid())
    performing = losses.where("NOT is_default AND ecl_lifetime_usd IS NOT NULL")
    rows = performing.orderBy(F.xxhash64("loan_id")).limit(sample).collect()
    curves = {(row.term_months, row.month): row for row in timing.collect()}
    started = time.perf_counter()
    found = [_loan_by_loan(row, curves, params) for row in rows]
    return Losses(
        exposures=book.count(),
        seconds=seconds[1:],
        peak_mb=peak,
        sample=len(rows),
        library_seconds=time.perf_counter() - started,
        difference=max(map(_difference, rows, found)),
    )


def _book(chain: Chain, exposures: int) -> DataFrame:
    features = add_features(chain.loans, **chain.params["add_features"])
    scored = chain.lgd_model.transform(chain.pd_model.transform(features))
    opened = list_exposures(chain.loans, **chain.params["list_exposures"])
    joined = opened.join(scored.select("loan_id", "pd", "lgd"), "loan_id", how="inner")
    last = joined.where(F.col("reporting_date") == F.lit(chain.last_reporting_date))
    known = chain.stored("exposures", last.where("interest_rate > 0.001"))
    copies = round(exposures / known.count())
    numbers = chain.spark.range(copies).withColumnRenamed("id", "copy")
    copied = known.repartition(PARTITIONS).crossJoin(F.broadcast(numbers))
    return copied.withColumn("loan_id", F.concat_ws("-", "loan_id", "copy")).drop("copy")


def _loan_by_loan(row: Row, curves: Curves, params: dict[str, Any]) -> tuple[float, float]:
    """Return the loss over the life and over twelve months, month by month in each scenario."""
    paid, rate = row.instalments_paid, row.interest_rate / 12
    to_come = 1 - (curves[row.term_months, paid].default_share if paid else 0.0)
    months = range(paid + 1, row.term_months + 1)
    shares = np.array([curves[row.term_months, m].monthly_share for m in months]) / to_come
    remaining = row.remaining_months - np.arange(row.remaining_months)
    balances = float(row.balance_usd) * np.expm1(-remaining * np.log1p(rate))
    balances /= np.expm1(-row.remaining_months * np.log1p(rate))
    whole, year = (
        _weighted(row, shares[:n], balances[:n], params) for n in (row.remaining_months, YEAR)
    )
    return whole, year


def _weighted(row: Row, shares: Floats, balances: Floats, params: dict[str, Any]) -> float:
    [outlook] = [o for o in params["outlooks"] if o["reporting_date"] == row.reporting_date]
    odds, losses = row.lifetime_pd / (1 - row.lifetime_pd) * outlook["pd_odds"], []
    for scenario in params["scenarios"]:
        moved = odds * scenario["pd_odds"]
        lgd = min(1.0, row.lgd * scenario["lgd"])
        loss = ecl_lifetime(shares * moved / (1 + moved), lgd, balances, row.interest_rate / 12)
        losses.append(Scenario(scenario["name"], scenario["weight"], loss))
    return float(weighted_ecl(losses))


def _difference(row: Row, found: tuple[float, float]) -> float:
    """Return by how much a loss differs, as a share of it; unrounded on both sides."""
    own: list[float] = [
        row.lgd * pd * exposure * row.macro_factor
        for pd, exposure in (
            (row.lifetime_pd, row.exposure_lifetime_usd),
            (row.pd_12m, row.exposure_12m_usd),
        )
    ]
    return max(abs(mine / theirs - 1) for mine, theirs in zip(own, found, strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
