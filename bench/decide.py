"""Decisions on many applications: rows a second of the whole chain, and beside scoring alone.

And the expected credit losses of a book, beside a library that goes loan by loan, and of a book
ten times as large. `APPLICATIONS=n` measures another number of them than a million, `EXPOSURES=n`
another large book than ten millions.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.result import Figure, Result
from penstock.conf import load_conf

if TYPE_CHECKING:
    from bench.decide_losses import Losses

APPLICATIONS, EXPOSURES = "APPLICATIONS", "EXPOSURES"
LOANS, CORES, WARM_UP = 20_000, 2, 20_000
MILLION = 1_000_000


def measure() -> Result:
    """Fit the models on the embedded book, then decide on many generated applications by them."""
    # Imported here: `make bench` starts no Spark for the benches that need none.
    from bench.decide_chain import Chain  # noqa: PLC0415
    from bench.decide_losses import losses_of  # noqa: PLC0415
    from bench.session import own_session  # noqa: PLC0415
    from penstock.job import PROJECT  # noqa: PLC0415

    n = int(os.environ.get(APPLICATIONS, str(MILLION)))
    large = int(os.environ.get(EXPOSURES, str(10 * MILLION)))
    configured = load_conf(PROJECT / "conf", "local", []).spark
    settings = {key: each for key, each in configured.items() if key.startswith("spark.sql.")}
    books = []
    for size in (MILLION, large):
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            books.append(losses_of(Path(folder) / "book", size, settings))
    with (
        tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder,
        own_session("decide", f"local[{CORES}]", Path(folder), settings) as spark,
    ):
        chain = Chain(spark, Path(folder), loans=LOANS, applications=n)
        steps: dict[str, Callable[[], Any]] = {"scoring": chain.score, "chain": chain.run}
        chain.warm_up(WARM_UP)
        seconds = {}
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name] = time.perf_counter() - started
        counts = chain.decisions()
    scoring, whole = seconds["scoring"], seconds["chain"]
    return Result(
        (
            Figure("scoring_rows_a_second_and_core", n / scoring / CORES, "features and PD alone"),
            Figure(
                "rows_a_second_and_core",
                n / whole / CORES,
                "PD, LGD, six offers each, policy, reasons of declines, record",
            ),
            Figure("ratio_to_scoring", whole / scoring, "time of the whole chain / scoring alone"),
            *_loss_figures(*books),
        ),
        (
            f"{n:,} generated applications, cleaned and stored, {CORES} cores, once, after "
            f"{WARM_UP:,} to warm up: scoring {scoring:.1f} s, the whole chain {whole:.1f} s. "
            f"Models are those of {LOANS:,} loans of the embedded book.",
            "As in the graph, scores, cases, offers, decisions and records are written as they "
            f"come; what declined applicants could have asked for is left out. Decided: {counts}.",
            *_loss_notes(*books),
        ),
    )


def _loss_notes(losses: "Losses", large: "Losses") -> tuple[str, ...]:
    return (
        "Losses: twelve months and life, three scenarios, joined with PD and LGD, written; each "
        "book in a process of its own, on two executors of one core and 1 GB, after one round to "
        f"warm up. {losses.exposures:,} exposures: {_shown(losses.seconds)} s; "
        f"{large.exposures:,}: {_shown(large.seconds)} s.",
        f"creditriskengine went through {losses.sample:,} of them on one core, with the arrays of "
        f"months made by numpy, in {losses.library_seconds:.2f} s; the same losses to "
        f"{losses.difference:.0e} of each, in the large book to {large.difference:.0e}.",
    )


def _loss_figures(losses: "Losses", large: "Losses") -> tuple[Figure, ...]:
    own = median(losses.seconds) * CORES * MILLION / losses.exposures
    library = losses.library_seconds * MILLION / losses.sample
    return (
        Figure("losses_of_a_million_loans_core_s", own, "expected credit losses, joined, written"),
        Figure("library_losses_of_a_million_loans_core_s", library, "the same loan by loan"),
        Figure("library_to_losses", library / own, "core-seconds of the library / by expressions"),
        Figure("losses_peak_mb", losses.peak_mb, "driver and executors, their peaks added up"),
        Figure(
            "losses_of_large_book_s",
            median(large.seconds),
            f"{large.exposures / MILLION:.1f} million exposures, wall time",
        ),
        Figure("losses_of_large_book_peak_mb", large.peak_mb, "driver and executors, as above"),
    )


def _shown(seconds: list[float]) -> str:
    return ", ".join(f"{s:.1f}" for s in seconds)
