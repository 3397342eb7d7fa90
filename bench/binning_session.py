"""The part of the binning bench that needs Spark: generated rows are binned on two executors.

A process of its own for each size, so that peaks of memory are its own.
"""

import json
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.command import MEGABYTE, run_module
from bench.session import driver_peaks, own_session
from penstock.learn.binning.cells import Longs, Zoom
from penstock.learn.binning.counting import count_cells
from penstock.learn.binning.rules import BinningRules
from penstock.learn.binning.settling import settle
from penstock.learn.binning.woe import WoeBinning

COLUMNS, MANY_COLUMNS = 20, 1000
ROUNDS, ROUNDS_OF_MANY = 3, 1
OUT = "figures.json"


def fitted_on(folder: Path, rows: int, columns: int = COLUMNS) -> dict[str, Any]:
    """Bin generated rows in a process of its own; the rows stay in the folder, as Parquet.

    Returns:
        "seconds" of each round, "passes" of one, "jvm_mb" and "python_mb" (peaks of the driver),
        "heap_mb" (what its JVM still holds in the end, after a collection), and "bins" of each
        column, as JSON.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    folder.mkdir(parents=True)
    run_module("bench.binning_session", str(folder), str(rows), str(columns))
    found: dict[str, Any] = json.loads((folder / OUT).read_text("utf-8"))
    return found


def cluster(folder: Path) -> AbstractContextManager[SparkSession]:
    """Start two executors in processes of their own, so that the driver's memory is its own."""
    return own_session("binning", "local-cluster[2,1,1024]", folder, {})


def generated(spark: SparkSession, rows: int, n_columns: int) -> DataFrame:
    """Return a label and columns that tell of it more and less: smooth, rounded, counts, spikes."""
    score = F.randn(1)
    columns = []
    for number in range(n_columns):
        signal = F.col("score") * (number % 5) / 5 + F.randn(number + 10)
        shapes = [F.exp(signal * 2), F.round(signal, 2), F.floor(F.exp(signal)),
                  F.when(signal > 0, signal).otherwise(0.0)]  # fmt: skip
        is_missing = F.rand(number + 50) < 0.05  # noqa: PLR2004
        value = F.when(~is_missing, shapes[number % len(shapes)].cast("double"))
        columns.append(value.alias(f"x{number}"))
    label = (F.rand(2) < 1 / (1 + F.exp(2 - F.col("score")))).cast("int").alias("is_bad")
    return (
        spark.range(0, rows, numPartitions=8).select(score.alias("score")).select(label, *columns)
    )


def main(folder: Path, rows: int, columns: int) -> None:
    """Generate, bin, and write the figures into the folder."""
    with cluster(folder) as spark:
        generated(spark, rows, columns).write.parquet(str(folder / "rows"))
        table = spark.read.parquet(str(folder / "rows"))
        names = [name for name in table.columns if name != "is_bad"]
        rules = {"split_at_ties": False}
        binning = WoeBinning.of(numeric=names, categorical=[], label="is_bad", rules=rules)
        seconds = []
        for _ in range((ROUNDS if columns == COLUMNS else ROUNDS_OF_MANY) + 1):
            started = time.perf_counter()
            model = binning.fit(table)
            seconds.append(time.perf_counter() - started)
        found = {
            "seconds": seconds[1:],
            "passes": _passes(table, names),
            **driver_peaks(spark),
            "heap_mb": _heap_mb(spark),
            "bins": [bins.to_json() for bins in model.column_bins],
        }
    (folder / OUT).write_text(json.dumps(found), "utf-8")


def _passes(table: DataFrame, names: list[str]) -> int:
    """Count the reads of the rows until all quantiles are found."""
    passes: list[int] = []

    def count(zooms: list[Zoom]) -> Longs:
        passes.append(len(zooms))
        return count_cells(table, "is_bad", names, zooms)

    settle(dict.fromkeys(names, BinningRules(split_at_ties=False)), count)
    return len(passes)


def _heap_mb(spark: SparkSession) -> float:
    jvm: Any = spark.sparkContext._jvm
    jvm.java.lang.System.gc()
    runtime = jvm.java.lang.Runtime.getRuntime()
    return float((runtime.totalMemory() - runtime.freeMemory()) / MEGABYTE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
