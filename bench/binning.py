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
MOST_OF_SKETCH = 0.2
MOST_DRIVER_GROWTH = 1.2  # flat, but for what the garbage collector leaves
QUANTILES = BinningRules(split_at_ties=False)


def measure(sizes: tuple[str, ...] = tuple(SIZES)) -> Result:
    """Bin 20 generated columns of each size, and 1,000, each in a process and cluster of its own.

    Args:
        sizes: Which of `SIZES`, from the least on; the first is compared with OptBinning on raw
            rows (of which it takes a sample beyond 200,000), the second with its sketches.
    """
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        found = {size: fitted_on(Path(folder) / size, SIZES[size]) for size in sizes}
        of_many = fitted_on(Path(folder) / "many", SIZES[sizes[0]], MANY_COLUMNS)
        smallest, sketched_on = sizes[0], sizes[min(1, len(sizes) - 1)]
        seconds = {size: median(each["seconds"]) for size, each in found.items()}
        unequal = _unequal(Path(folder) / smallest, found[smallest]["bins"])
        sketched = sketch_seconds(Path(folder) / sketched_on)
    figures += [
        Figure(
            "equal_to_optbinning",
            COLUMNS - unequal,
            f"of {COLUMNS} columns, with the same splits, counts and IV (1e-12), {smallest} rows",
        ),
        Figure("unequal_to_optbinning", unequal, "the other columns", 0),
        Figure(
            "speedup_vs_sketch",
            sketched / seconds[sketched_on],
            f"time of OptBinning's own sketches on Spark / ours, {sketched_on} rows",
        ),
        Figure(
            "time_vs_sketch",
            seconds[sketched_on] / sketched,
            "the same the other way round: our time / that of the sketches",
            MOST_OF_SKETCH,
        ),
    ]
    for size, each in found.items():
        figures += [
            Figure(f"seconds_{size}", seconds[size], f"{COLUMNS} columns, {size} rows, warm"),
            Figure(
                f"driver_mb_{size}", _driver_mb(each), "driver's memory: peaks of JVM and Python"
            ),
            Figure(
                f"heap_mb_{size}", each["heap_mb"], "what its JVM holds after it, once collected"
            ),
            Figure(f"python_mb_{size}", each["python_mb"], "of the peaks that of Python"),
        ]
    many = f"{smallest}_{MANY_COLUMNS}_columns"
    figures += [
        Figure(
            f"seconds_{many}",
            median(of_many["seconds"]),
            f"{MANY_COLUMNS:,} columns, {smallest} rows, warm",
        ),
        Figure(f"passes_{many}", of_many["passes"], "over the rows, of all columns together"),
    ]
    if len(sizes) > 1:
        growth = SIZES[sizes[-1]] / SIZES[smallest]
        figures += [
            Figure(
                "time_growth",
                seconds[sizes[-1]] / seconds[smallest] / growth,
                f"time of {sizes[-1]} rows / time of {smallest} / {growth:g}; linear is 1, less is "
                "what each fit takes whatever the rows",
                1,
            ),
            Figure(
                "driver_growth",
                _driver_mb(found[sizes[-1]]) / _driver_mb(found[sizes[-2]]),
                f"driver's memory with {sizes[-1]} rows / with {sizes[-2]}; with fewer the JVM has "
                "not yet grown into the heap it is given",
                MOST_DRIVER_GROWTH,
            ),
        ]
    return Result(tuple(figures), _notes(found, sketched, sketched_on))


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


def _notes(found: dict[str, Any], sketched: float, size: str) -> tuple[str, ...]:
    passes = ", ".join(f"{size}: {each['passes']}" for size, each in found.items())
    return (
        "Each size runs in a process of its own on two executors of one core and 1 GB; the "
        "driver's JVM, with master and workers in it, may use 1 GB. Seconds are medians of three "
        "fits after one to warm up.",
        f"Passes over the rows to find all quantiles and count all bins: {passes}.",
        f"OptBinning's sketches (`OptimalBinningSketch`, its default precision, one for each "
        f"column and partition, merged on the driver) took {sketched:.1f} s on {size} rows.",
    )
