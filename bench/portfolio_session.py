"""The part of the portfolio benches that needs Spark: offers are generated and chosen among.

A process of its own for each size, so that peaks of memory are its own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from bench.command import PROJECT, cpu_seconds, python_path, resident_mb
from bench.portfolio_offers import PROFIT, limits, many_limits, offers
from bench.session import driver_peaks, own_session
from penstock.errors import NodeFailed
from penstock.evidence import Evidence
from penstock.portfolio import optimise as node
from penstock.portfolio.audit import audit_plan
from penstock.portfolio.blocks import Blocks
from penstock.portfolio.choice import Floats, Sums
from penstock.portfolio.factors import Factors
from penstock.portfolio.limits import Limit
from penstock.portfolio.optimise import no_start_prices, optimise
from penstock.portfolio.passes import InMemory

TOLERANCE = 1e-5
FACTORS: Factors = {  # there are no tail limits
    "sector": "purpose",
    "pd_band": "pd_band",
    "loss_at_default": "loss_at_default_usd",
    "asset_correlations": {"*": 0.1},
    "sector_correlation": 0.6,
    "scenarios": 20_000,
    "seed": 42,
}
OUT, WORDS, ROWS = "figures.json", "words.txt", "offers"
CHANGED_ROWS = "changed"
USUAL, MANY, WARM = "usual", "many", "warm"
CHANGED = 0.1  # of the applicants, who are others in the second book of `WARM`
SAMPLED_EVERY_S = 0.5

Passed = tuple[int, float, float]  # sets of prices that a pass tries, its seconds, its CPU seconds


def chosen_on(
    folder: Path, applicants: int, most_seconds: float, kind: str = USUAL
) -> dict[str, Any] | None:
    """Choose among the offers of so many applicants, in a process and cluster of its own.

    Args:
        most_seconds: After which it is ended.
        kind: `MANY`: 74 limits hold, and not 15. `WARM`: an earlier book was chosen from, of which
            a tenth of the applicants are others now; its prices are the start.

    Returns:
        What `main` found, "cold" of it without start prices, and "all_mb": most resident memory of
        all its processes at one time.
        None if it did not end in time.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    folder.mkdir(parents=True)
    call = [sys.executable, "-m", "bench.portfolio_session", str(folder), str(applicants), kind]
    environment = {**os.environ, "PYTHONPATH": python_path()}
    started, most = time.perf_counter(), 0.0
    with (folder / WORDS).open("w") as words:
        process = subprocess.Popen(call, cwd=PROJECT, env=environment, stderr=words)
        while process.poll() is None:
            most = max(most, resident_mb(process.pid))
            if time.perf_counter() - started > most_seconds:
                process.terminate()
                process.wait()
                return None
            time.sleep(SAMPLED_EVERY_S)
    if process.returncode:
        last = (folder / WORDS).read_text("utf-8")[-2000:]
        raise NodeFailed(f"bench.portfolio_session ended so: {last}")
    found: dict[str, Any] = json.loads((folder / OUT).read_text("utf-8"))
    return {**found, "all_mb": most}


def drawn(folder: Path, applicants: int, books: int) -> list[Path]:
    """Draw books of so many applicants each, all of them other ones; return them as Parquet."""
    paths = [folder / f"book {number}" for number in range(books)]
    with cluster(folder) as spark:
        for number, path in enumerate(paths):
            offers(spark, applicants, number * applicants).write.parquet(str(path))
    return paths


def cluster(folder: Path) -> AbstractContextManager[SparkSession]:
    """Start two executors in processes of their own, so that the driver's memory is its own."""
    settings = {
        "spark.local.dir": str(folder / "spilt"),
        "spark.sql.shuffle.partitions": "64",
    }
    return own_session("portfolio", "local-cluster[2,1,2048]", folder, settings)


def main(folder: Path, applicants: int, kind: str) -> None:
    """Generate, choose, audit, and write the figures into the folder."""
    limited = (many_limits if kind == MANY else limits)(applicants)
    passes: list[Passed] = []
    _watch_passes(passes)
    with cluster(folder) as spark:
        table = _written(folder / ROWS, offers(spark, applicants))
        if kind == WARM:
            prices = _choose(table, no_start_prices(table), limited)[1]
            moved = offers(spark, applicants, int(CHANGED * applicants))
            table = _written(folder / CHANGED_ROWS, moved)
            passes.clear()
            cold = _choose(table, no_start_prices(table), limited)[-1]
            passed_cold = list(passes)
            passes.clear()
        else:
            prices, cold, passed_cold = no_start_prices(table), None, []
        plan, _, found = _choose(table, prices, limited)
        audit = audit_plan(table, plan, PROFIT, limited, [])
        found |= {
            "passed": passes,
            "cold": cold and {**cold, "passed": passed_cold},
            "broken": sum(use.excess > 0 for use in audit.uses) + (audit.most > 1),
            "audited_profit": float(audit.profit),
            **driver_peaks(spark),
        }
    (folder / OUT).write_text(json.dumps(found), "utf-8")


def _written(path: Path, rows: DataFrame) -> DataFrame:
    rows.write.parquet(str(path))
    return rows.sparkSession.read.parquet(str(path))


def _choose(
    table: DataFrame, start_prices: DataFrame, limited: Sequence[Limit]
) -> tuple[DataFrame, DataFrame, dict[str, Any]]:
    """Return the plan, the prices of limits, and what the certificate says."""
    started = time.perf_counter()
    plan, prices, *_, certificate = optimise(
        table,
        start_prices,
        profit=PROFIT,
        limits=list(limited),
        parities=[],
        tail_limits=[],
        factors=FACTORS,
        tolerance=TOLERANCE,
        frontiers=[],
    )
    seconds = time.perf_counter() - started
    return plan, prices, {**_certified(certificate), "seconds": seconds}


def _certified(certificate: Evidence) -> dict[str, Any]:
    limited = certificate.tables["limits"]
    prices = [row[limited.columns.index("price")] for row in limited.rows]
    bounds = [bound for _, sets, bound, *_ in certificate.tables["passes"].rows if sets]
    return {
        **certificate.metrics,
        "priced": sum(price > 0 for price in prices),
        "above": [bound / bounds[-1] - 1 for bound in bounds],
    }


def watched(kind: type[Any], passes: list[Passed]) -> type[Any]:
    """Return a kind of passes whose objects note each pass that they make."""

    class Watched(kind):  # type: ignore[misc]
        def sums(self, values: Sequence[Floats]) -> list[Sums]:
            started, cpu = time.perf_counter(), cpu_seconds(os.getpid())
            found: list[Sums] = super().sums(values)
            used = cpu_seconds(os.getpid()) - cpu
            passes.append((len(values), time.perf_counter() - started, used))
            return found

    return Watched


def _watch_passes(passes: list[Passed]) -> None:
    """Note the passes of the node, which are over all offers; others, over a sample, are none."""
    vars(node).update(Blocks=watched(Blocks, passes), InMemory=watched(InMemory, passes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
