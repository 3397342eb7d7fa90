"""Choosing among offers: certified gap, passes, time and memory as applicants grow tenfold."""

import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.portfolio_offers import OFFERS
from bench.portfolio_session import TOLERANCE, chosen_on
from bench.result import Figure, Result
from penstock.errors import UsageError

SIZES = {"1e4": 10_000, "1e5": 100_000, "1e6": 1_000_000, "1e7": 10_000_000}
TARGET = "1e6"  # the size that targets are of
MOST_PASSES = 8
MANY_AT, MOST_GAP_OF_MANY = "1e5", 1e-4  # where 74 limits are tried
MOST_SECONDS = 900  # of one size; the largest may spill to disk
SECONDS = "PENSTOCK_BENCH_SECONDS"


def measure(sizes: tuple[str, ...] = tuple(SIZES)) -> Result:
    """Choose among the offers of each size, each in a process and cluster of its own.

    `PENSTOCK_BENCH_SECONDS` says how long one size may take, generating included.

    Args:
        sizes: Which of `SIZES`, from the least on.
    """
    most = _most_seconds()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        ended = {size: chosen_on(Path(folder) / size, SIZES[size], most) for size in sizes}
        many = chosen_on(Path(folder) / "many", SIZES[MANY_AT], most, are_many=True)
    found = {size: each for size, each in ended.items() if each is not None}
    figures = [figure for size, each in found.items() for figure in _figures(size, each)]
    if many:
        figures += _figures_of_many(many)
    for size, each in found.items():
        tenth = {SIZES[name]: name for name in found}.get(SIZES[size] // 10)
        # Up to some ten thousand applicants passes are over the driver's memory.
        if tenth and tenth != "1e4":
            figures.append(_growth(tenth, found[tenth], size, each))
    return Result(tuple(figures), _notes(found, [s for s in sizes if s not in found], most))


def _most_seconds() -> float:
    given = os.environ.get(SECONDS, str(MOST_SECONDS))
    try:
        return float(given)
    except ValueError:
        raise UsageError(f"{SECONDS} is '{given}', and must be a number of seconds.") from None


def _figures(size: str, found: dict[str, Any]) -> list[Figure]:
    is_target = size == TARGET
    return [
        Figure(
            f"gap_{size}",
            found["gap"],
            f"certified: (bound - profit) / bound, {size} applicants x {OFFERS} offers",
            TOLERANCE if is_target else None,
        ),
        Figure(
            f"broken_{size}",
            found["broken"],
            f"limits, of 15, by SQL on the offers; {found['priced']} have a price",
            0,
        ),
        Figure(
            f"passes_{size}",
            _passes(found),
            "over all offers",
            MOST_PASSES if is_target else None,
        ),
        Figure(f"seconds_{size}", found["seconds"], "the whole node, from table to plan"),
        Figure(
            f"pass_s_{size}",
            median(seconds for sets, seconds, _ in found["passed"] if sets == 1),
            "of them a pass at one set of prices",
        ),
        Figure(
            f"driver_mb_{size}",
            found["jvm_mb"] + found["python_mb"],
            "driver's memory: peaks of JVM and Python",
        ),
        Figure(
            f"all_mb_{size}",
            found["all_mb"],
            "of driver, executors and their Pythons at one time; what they share counts twice",
        ),
    ]


def _figures_of_many(found: dict[str, Any]) -> list[Figure]:
    return [
        Figure(
            f"gap_{MANY_AT}_many",
            found["gap"],
            f"certified, {MANY_AT} applicants under 74 limits, {found['priced']} with a price",
            MOST_GAP_OF_MANY,
        ),
        Figure(f"broken_{MANY_AT}_many", found["broken"], "limits, of 74, by SQL", 0),
        Figure(f"seconds_{MANY_AT}_many", found["seconds"], "the whole node"),
    ]


def _passes(found: dict[str, Any]) -> int:
    return len(found["passed"])


def _growth(fewer: str, of_fewer: dict[str, Any], more: str, of_more: dict[str, Any]) -> Figure:
    used = [
        median(cpu for sets, _, cpu in found["passed"] if sets == 1)
        for found in (of_fewer, of_more)
    ]
    return Figure(
        f"pass_growth_{more}",
        used[1] / used[0] / 10,
        f"CPU of a pass over {more} / over {fewer} / 10; linear is 1, less is what each pass takes "
        "whatever the applicants",
        1,
    )


def _notes(found: dict[str, Any], late: list[str], most: float) -> tuple[str, ...]:
    split = "; ".join(
        f"{size} {each['gap_of_prices']:.1e} and {each['gap_of_whole_offers']:.1e}"
        for size, each in found.items()
        if each["gap_of_prices"] is not None and each["gap_of_whole_offers"] is not None
    )
    sets = "; ".join(
        f"{size} {', '.join(str(n) for n, *_ in each['passed'])}" for size, each in found.items()
    )
    notes = [
        "Each size runs once, in a process of its own on two executors of one core and 2 GB; the "
        "driver's JVM, with master and workers in it, may use 1 GB. The offers lie in Parquet; to "
        "generate them does not count, to read them does.",
        f"The search ends at a gap of {TOLERANCE:g}. Of the gap, what is due to prices and what to "
        f"whole offers: {split}.",
        f"Sets of prices that each pass tried: {sets}. Whether the floor "
        "can be met is asked of a sample, without a pass.",
        "Seconds are of a machine that others used meanwhile; growth is therefore of CPU, that of "
        "all processes together.",
    ]
    if late:
        notes.append(f"Did not end within {most:,.0f} s: {', '.join(late)}.")
    return tuple(notes)
