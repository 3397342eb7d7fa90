"""Choosing among offers: certified gap, passes, time and memory as applicants grow tenfold."""

import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.portfolio_offers import OFFERS
from bench.portfolio_session import CHANGED, MANY, TOLERANCE, USUAL, WARM, chosen_on
from bench.result import Figure, Result
from penstock.errors import UsageError, did_you_mean

SIZES = {"1e4": 10_000, "1e5": 100_000, "1e6": 1_000_000, "1e7": 10_000_000, "2e7": 20_000_000}
KINDS = (*SIZES, MANY, WARM)
MOST_GAPS = {"1e4": 1e-4, "1e5": 2e-5, "1e6": 1e-5, "1e7": 1e-5, "2e7": 1e-5}
MOST_PASSES = 8
WATCHED, MOST_SECONDS_OF_IT = "1e5", 60  # the size whose seconds have a target
OTHERS_AT = "1e5"  # where 74 limits, and prices of an earlier plan, are tried
MOST_GAP_OF_MANY = 1e-4
MOST_SECONDS = 1800  # of one size; the largest may spill to disk
SECONDS, WHICH = "PENSTOCK_BENCH_SECONDS", "PENSTOCK_BENCH_SIZES"


def measure() -> Result:
    """Choose among the offers of each size, each in a process and cluster of its own.

    `PENSTOCK_BENCH_SECONDS` says how long one size may take, generating included;
    `PENSTOCK_BENCH_SIZES` which of `KINDS` to measure, as "1e5,many". A pass's growth is told of
    sizes that are measured together.
    """
    most, kinds = _most_seconds(), _kinds()
    found = {}
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        for kind in kinds:
            size, of_size = (kind, USUAL) if kind in SIZES else (OTHERS_AT, kind)
            ended = chosen_on(Path(folder) / kind, SIZES[size], most, of_size)
            if ended is not None:
                found[kind] = ended
    figures: list[Figure] = []
    for kind, each in found.items():
        if kind == MANY:
            figures += _figures_of_many(each)
        elif kind == WARM:
            figures += _figures_of_warm(each)
        else:
            figures += _figures(kind, each)
            tenth = {SIZES[name]: name for name in SIZES if name in found}.get(SIZES[kind] // 10)
            # Up to some ten thousand applicants passes are over the driver's memory.
            if tenth and tenth != "1e4":
                figures.append(_growth(tenth, found[tenth], kind, each))
    late = [kind for kind in kinds if kind not in found]
    return Result(tuple(figures), _notes(late, most), is_part=kinds != KINDS)


def _kinds() -> tuple[str, ...]:
    given = os.environ.get(WHICH)
    if not given:
        return KINDS
    kinds = tuple(each.strip() for each in given.split(","))
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(
                f"{WHICH} has '{kind}'; there are {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}"
            )
    return kinds


def _most_seconds() -> float:
    given = os.environ.get(SECONDS, str(MOST_SECONDS))
    try:
        return float(given)
    except ValueError:
        raise UsageError(f"{SECONDS} is '{given}', and must be a number of seconds.") from None


def _figures(size: str, found: dict[str, Any]) -> list[Figure]:
    return [
        Figure(
            f"gap_{size}",
            found["gap"],
            f"certified: (bound - profit) / bound, {size} applicants x {OFFERS} offers; "
            f"{_parts(found)}",
            MOST_GAPS[size],
        ),
        Figure(
            f"broken_{size}",
            found["broken"],
            f"limits, of 15, by SQL on the offers; {found['priced']} have a price",
            0,
        ),
        Figure(f"passes_{size}", len(found["passed"]), _sets(found), MOST_PASSES),
        Figure(
            f"seconds_{size}",
            found["seconds"],
            "the whole node, from table to plan",
            MOST_SECONDS_OF_IT if size == WATCHED else None,
        ),
        _seconds_of_pass(size, found),
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
    name = f"{OTHERS_AT}_{MANY}"
    return [
        Figure(
            f"gap_{name}",
            found["gap"],
            f"certified, {OTHERS_AT} applicants under 74 limits, {found['priced']} with a price",
            MOST_GAP_OF_MANY,
        ),
        Figure(f"broken_{name}", found["broken"], "limits, of 74, by SQL", 0),
        Figure(f"passes_{name}", len(found["passed"]), _sets(found)),
        Figure(f"seconds_{name}", found["seconds"], "the whole node"),
        _seconds_of_pass(name, found),
    ]


def _figures_of_warm(found: dict[str, Any]) -> list[Figure]:
    cold = found["cold"]
    return [
        Figure(
            "passes_warm",
            len(found["passed"]),
            f"{OTHERS_AT} applicants, {CHANGED:.0%} of them others than those of the plan whose "
            f"prices are the start; {_sets(found)}",
            len(cold["passed"]),
        ),
        Figure("passes_cold", len(cold["passed"]), f"the same from prices of 0; {_sets(cold)}"),
        Figure("gap_warm", found["gap"], "certified", MOST_GAPS[OTHERS_AT]),
        Figure("gap_cold", cold["gap"], "certified"),
        Figure("seconds_warm", found["seconds"], "the whole node"),
        Figure("seconds_cold", cold["seconds"], "the whole node"),
    ]


def _seconds_of_pass(name: str, found: dict[str, Any]) -> Figure:
    passed = found["passed"]
    of_one = median(cpu for sets, _, cpu in passed if sets == 1)
    more = {n: [cpu for sets, _, cpu in passed if sets == n] for n, *_ in passed if n > 1}
    told = "".join(f"; at {n} {median(cpu) / of_one:.1f} times its CPU" for n, cpu in more.items())
    return Figure(
        f"pass_s_{name}",
        median(seconds for sets, seconds, _ in passed if sets == 1),
        f"of them a pass at one set of prices{told}",
    )


def _parts(found: dict[str, Any]) -> str:
    parts = [found["gap_of_prices"], found["gap_of_whole_offers"]]
    if None in parts:
        return "proven at the prices alone"
    return "{:.1e} due to prices, {:.1e} to whole offers".format(*parts)


def _sets(found: dict[str, Any]) -> str:
    sets = ", ".join(str(n) for n, *_ in found["passed"])
    above = ", ".join(f"{each:.1g}" for each in found["above"])
    return f"over all offers, at {sets} sets of prices; bounds are above the last by {above}"


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


def _notes(late: list[str], most: float) -> tuple[str, ...]:
    notes = [
        "Each size runs once, in a process of its own on two executors of one core and 2 GB; the "
        "driver's JVM, with master and workers in it, may use 1 GB. The offers lie in Parquet; to "
        "generate them does not count, to read them does.",
        f"The search ends at a gap of {TOLERANCE:g}.",
        "Passes are those of the search over all offers. Whether the floor can be met is asked of "
        "a sample, without a pass.",
        "Seconds are of a machine that others used meanwhile; growth is therefore of CPU, that of "
        "all processes together.",
    ]
    if late:
        notes.append(f"Did not end within {most:,.0f} s: {', '.join(late)}.")
    return tuple(notes)
