"""The peer of the binning bench: OptBinning's own sketches, merged from the partitions of Spark."""

import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pandas

from bench.binning_session import cluster

SKETCHES = "name STRING, sketch BINARY"


def sketch_seconds(folder: Path) -> float:
    """Return the seconds that sketching, merging and solving the rows in the folder take."""
    with cluster(folder) as spark:
        table = spark.read.parquet(str(folder / "rows"))
        table.count()
        started = time.perf_counter()
        merged: dict[str, object] = {}
        for row in table.mapInPandas(_sketched, SKETCHES).collect():
            sketch = pickle.loads(row["sketch"])
            if row["name"] in merged:
                merged[row["name"]].merge(sketch)  # type: ignore[attr-defined]
            else:
                merged[row["name"]] = sketch
        for sketch in merged.values():
            sketch.solve()  # type: ignore[attr-defined]
        return time.perf_counter() - started


def _sketched(batches: Iterator[pandas.DataFrame]) -> Iterator[pandas.DataFrame]:
    # Imported where it runs: the executors' processes.
    from optbinning import OptimalBinningSketch  # noqa: PLC0415

    sketches: dict[str, OptimalBinningSketch] = {}
    for rows in batches:
        for name in rows.columns.drop("is_bad"):
            if name not in sketches:
                sketches[name] = OptimalBinningSketch(name=name, min_bin_size=0.05)
            sketches[name].add(rows[name].to_numpy(), rows["is_bad"].to_numpy())
    for name, sketch in sketches.items():
        yield pandas.DataFrame({"name": [name], "sketch": [pickle.dumps(sketch)]})
