"""Decisions on many applications: rows a second of the whole chain, and beside scoring alone.

`APPLICATIONS=n` measures fewer than a million.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.result import Figure, Result

APPLICATIONS = "APPLICATIONS"
LOANS, CORES, ROUNDS = 20_000, 2, 3


def measure() -> Result:
    """Fit the models on the embedded book, then decide on many generated applications by them."""
    # Imported here: `make bench` starts no Spark for the benches that need none.
    from bench.decide_chain import Chain  # noqa: PLC0415
    from bench.session import own_session  # noqa: PLC0415

    n = int(os.environ.get(APPLICATIONS, "1000000"))
    with (
        tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder,
        own_session("decide", f"local[{CORES}]", Path(folder), {}) as spark,
    ):
        chain = Chain(spark, Path(folder), loans=LOANS, applications=n)
        steps: dict[str, Callable[[], Any]] = {"scoring": chain.score, "chain": chain.run}
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for turn in range(ROUNDS + 1):
            for name, step in steps.items():
                started = time.perf_counter()
                step()
                if turn:  # the first is there to warm up
                    seconds[name].append(time.perf_counter() - started)
        counts = chain.decisions()
    scoring, whole = (median(seconds[name]) for name in steps)
    taken = {name: ", ".join(f"{s:.1f}" for s in each) for name, each in seconds.items()}
    return Result(
        (
            Figure("scoring_rows_a_second_and_core", n / scoring / CORES, "features and PD alone"),
            Figure(
                "rows_a_second_and_core",
                n / whole / CORES,
                "PD, LGD, six offers each, policy, reasons of declines, record",
            ),
            Figure("ratio_to_scoring", whole / scoring, "time of the whole chain / scoring alone"),
        ),
        (
            f"{n:,} generated applications, cleaned and stored, {CORES} cores, medians of {ROUNDS} "
            f"rounds by turns after one to warm up: scoring {taken['scoring']} s, the whole chain "
            f"{taken['chain']} s. Models are those of {LOANS:,} loans of the embedded book.",
            "As in the graph, scores, offers, decisions and records are written as they come; "
            f"decided: {counts}.",
        ),
    )
