"""Binning: equal to OptBinning on the raw rows, its time and the driver's memory by rows."""

import tempfile
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.binning_session import COLUMNS, MANY_COLUMNS, fitted_on
from bench.binning_sketch import sketch_seconds
from bench.result import Figure, Result
from penstock.learn.binning.bins import ColumnBins, information_value
from penstock.learn.binning.rules import BinningRules

SIZES = {"1e5": 100_000, "1e6": 1_000_000, "1e7": 10_000_000}
SMALLEST, SKETCHED, LARGEST = SIZES
MOST_OF_SKETCH = 0.2
MOST_DRIVER_GROWTH = 1.2  # flat, but for what the garbage collector leaves
QUANTILES = BinningRules(split_at_ties=False)


def measure() -> Result:
    """Bin 20 generated columns of each size, and 1,000, each in a process and cluster of its own.

    The least is compared with OptBinning on raw rows (of which it takes a sample beyond 200,000),
    the second with its sketches.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        found = {size: fitted_on(Path(folder) / size, rows) for size, rows in SIZES.items()}
        of_many = fitted_on(Path(folder) / "many", SIZES[SMALLEST], MANY_COLUMNS)
        unequal = _unequal(Path(folder) / SMALLEST, found[SMALLEST]["bins"])
        sketched = sketch_seconds(Path(folder) / SKETCHED)
    figures = [
        *_beside_optbinning(unequal, sketched, median(found[SKETCHED]["seconds"])),
        *(figure for size, each in found.items() for figure in _of_size(size, each)),
        *_of_many_columns(of_many),
        *_growth(found),
    ]
    return Result(tuple(figures), _notes(found, sketched))


def _beside_optbinning(unequal: int, sketched: float, seconds: float) -> list[Figure]:
    return [
        Figure(
            "equal_to_optbinning",
            COLUMNS - unequal,
            f"of {COLUMNS} columns, with the same splits, counts and IV (1e-12), {SMALLEST} rows",
        ),
        Figure("unequal_to_optbinning", unequal, "the other columns", 0),
        Figure(
            "speedup_vs_sketch",
            sketched / seconds,
            f"time of OptBinning's own sketches on Spark / ours, {SKETCHED} rows",
        ),
        Figure(
            "time_vs_sketch",
            seconds / sketched,
            "the same the other way round: our time / that of the sketches",
            MOST_OF_SKETCH,
        ),
    ]


def _of_size(size: str, found: dict[str, Any]) -> list[Figure]:
    seconds = median(found["seconds"])
    return [
        Figure(f"seconds_{size}", seconds, f"{COLUMNS} columns, {size} rows, warm"),
        Figure(f"driver_mb_{size}", _driver_mb(found), "driver's memory: peaks of JVM and Python"),
        Figure(f"heap_mb_{size}", found["heap_mb"], "what its JVM holds after it, once collected"),
        Figure(f"python_mb_{size}", found["python_mb"], "of the peaks that of Python"),
    ]


def _of_many_columns(found: dict[str, Any]) -> list[Figure]:
    name, seconds = f"{SMALLEST}_{MANY_COLUMNS}_columns", median(found["seconds"])
    return [
        Figure(f"seconds_{name}", seconds, f"{MANY_COLUMNS:,} columns, {SMALLEST} rows, warm"),
        Figure(f"passes_{name}", found["passes"], "over the rows, of all columns together"),
    ]


def _growth(found: dict[str, dict[str, Any]]) -> list[Figure]:
    least, below, most = (found[size] for size in SIZES)
    rows = SIZES[LARGEST] / SIZES[SMALLEST]
    return [
        Figure(
            "time_growth",
            median(most["seconds"]) / median(least["seconds"]) / rows,
            f"time of {LARGEST} rows / time of {SMALLEST} / {rows:g}; linear is 1, less is what "
            "each fit takes whatever the rows",
            1,
        ),
        Figure(
            "driver_growth",
            _driver_mb(most) / _driver_mb(below),
            f"driver's memory with {LARGEST} rows / with {SKETCHED}; with fewer the JVM has not "
            "yet grown into the heap it is given",
            MOST_DRIVER_GROWTH,
        ),
    ]


def _driver_mb(found: dict[str, Any]) -> float:
    return float(found["jvm_mb"] + found["python_mb"])


def _unequal(folder: Path, fitted: list[dict[str, Any]]) -> int:
    """Fit OptBinning on the raw rows, column by column."""
    # Imported here, because it takes seconds.
    import pandas  # noqa: PLC0415
    from optbinning import OptimalBinning  # noqa: PLC0415

    raw = pandas.read_parquet(folder / "rows")
    equal = 0
    for bins in map(ColumnBins.from_json, fitted):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each quantile that is no edge of its own
            judge = OptimalBinning(prebinning_method="quantile", min_bin_size=QUANTILES.min_share)
            judge.fit(raw[bins.column].to_numpy(), raw["is_bad"].to_numpy())
        judge.binning_table.build()
        iv = information_value(np.array(bins.n_good), np.array(bins.n_bad), smoothing=0)
        equal += (
            list(judge.splits) == list(bins.splits)
            # It has a bin for special codes, of which there are none, before that of missing ones.
            and np.delete(judge.binning_table.n_event, -2).tolist() == list(bins.n_bad)
            and np.delete(judge.binning_table.n_nonevent, -2).tolist() == list(bins.n_good)
            and abs(judge.binning_table.iv - iv) < 1e-12  # noqa: PLR2004
        )
    return int(COLUMNS - equal)


def _notes(found: dict[str, Any], sketched: float) -> tuple[str, ...]:
    passes = ", ".join(f"{size}: {each['passes']}" for size, each in found.items())
    return (
        "Each size runs in a process of its own on two executors of one core and 1 GB; the "
        "driver's JVM, with master and workers in it, may use 1 GB. Seconds are medians of three "
        "fits after one to warm up.",
        f"Passes over the rows to find all quantiles and count all bins: {passes}.",
        f"OptBinning's sketches (`OptimalBinningSketch`, its default precision, one for each "
        f"column and partition, merged on the driver) took {sketched:.1f} s on {SKETCHED} rows.",
    )
