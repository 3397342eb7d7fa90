"""The engine: what a plan, a level, a warm rerun and the engine itself cost."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.command import Run, run_job
from bench.engine_graphs import FORTY_PARAMS, forty, forty_catalog
from bench.engine_session import LEVELS, Sizes, figures
from bench.result import Figure, Result
from penstock.binding import bind_parameters, check_catalog
from penstock.conf import KIND_OF
from penstock.select import select_nodes
from penstock.source.closure import source_of

ROUNDS = 3
CHECKS = 21  # rounds of what takes milliseconds

# What the issue that asked for the engine set.
MOST_CHECK_MS = 1
MOST_PLAN_MS = 150
MOST_LEVEL_MS = 100
MOST_RERUN_SHARE = 0.1
MOST_OVERHEAD = 1.05


def measure() -> Result:
    """Measure the engine on graphs made for it and on the lending graph.

    Every part has a fresh state folder, which is gone afterwards.
    """
    sizes = Sizes()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        work = Path(folder)
        found = figures(work / "session", sizes)
        first = [run_job(work / f"lending-{n}") for n in range(ROUNDS)]
        again = [run_job(work / f"lending-{n}") for n in range(ROUNDS)]
    return Result(
        (*_planning_figures(found), *_rerun_figures(first, again), *_overhead_figures(found)),
        _notes(found, sizes, first, again),
    )


def _check_ms_per_node() -> float:
    """Return the milliseconds a node that all takes which needs no Spark, nothing being read anew.

    The graph is built, held against catalog and parameters, selected from, and the source code of
    each of its functions looked through for changes.
    """
    taken = []
    for _ in range(CHECKS + 1):
        started = time.perf_counter()
        graph = forty()
        entries = forty_catalog("raw.csv")
        check_catalog(graph, {name: KIND_OF[type(entry)] for name, entry in entries.items()})
        bind_parameters(graph, FORTY_PARAMS)
        select_nodes(graph, "+scores,kind:transform model+", exclude="joined_1")
        for node in graph.nodes:
            if node.function:
                source_of(node.function)
        taken.append(1000 * (time.perf_counter() - started) / len(graph.nodes))
    return median(taken[1:])


def _planning_figures(found: dict[str, Any]) -> tuple[Figure, ...]:
    return (
        Figure(
            "plan_ms_per_node_no_schema",
            _check_ms_per_node(),
            "graph, catalog, parameters, selection and source code, for each of 40 nodes",
            MOST_CHECK_MS,
        ),
        Figure(
            "plan_ms_per_node",
            found["plan_ms_per_node"],
            "plan with schemas, fingerprints and lineage, 40 nodes, nothing recorded",
            MOST_PLAN_MS,
        ),
        Figure(
            "plan_first_ms_per_node",
            found["plan_first_ms_per_node"],
            "the same, the first thing a session does",
        ),
        Figure("plan_jobs", found["plan_jobs"], "Spark jobs of all these plans", 0),
        Figure(
            "plan_ms_per_node_known",
            found["plan_ms_per_node_known"],
            "the same graph after a run, nothing changed: Spark is not asked",
        ),
        Figure(
            "schedule_ms_per_level",
            found["schedule_ms_per_level"],
            f"a run of {LEVELS} nodes in a row that do nothing, with its records",
            MOST_LEVEL_MS,
        ),
    )


def _rerun_figures(first: list[Run], again: list[Run]) -> tuple[Figure, ...]:
    first_s, rerun_s = (median(run.seconds for run in runs) for runs in (first, again))
    return (
        Figure("first_run_s", first_s, "`./spark-submit.sh run`, 20,000 loans, first time"),
        Figure("warm_rerun_s", rerun_s, "the same command again, nothing changed"),
        Figure(
            "warm_rerun_jobs",
            max(run.record["spark_jobs"] for run in again),
            "Spark jobs of the rerun",
            0,
        ),
        Figure("warm_rerun_ratio", rerun_s / first_s, "rerun / first run", MOST_RERUN_SHARE),
    )


def _overhead_figures(found: dict[str, Any]) -> tuple[Figure, ...]:
    return (
        Figure("plain_script_s", found["plain_s"], "the lending process as a plain PySpark script"),
        Figure(
            "overhead_ratio",
            found["overhead_ratio"],
            "engine, skipping off, node by node / that script",
            MOST_OVERHEAD,
        ),
        Figure(
            "overhead_ratio_at_once",
            found["overhead_ratio_at_once"],
            "engine, skipping off, as it is set: 4 nodes at once / that script",
            MOST_OVERHEAD,
        ),
        Figure(
            "overhead_cpu_ratio",
            found["overhead_cpu_ratio"],
            "the same node by node, of CPU instead of time, which other work on the machine moves "
            "less",
        ),
    )


def _notes(
    found: dict[str, Any], sizes: Sizes, first: list[Run], again: list[Run]
) -> tuple[str, ...]:
    run_s, rerun_s = (", ".join(f"{run.seconds:.1f}" for run in runs) for runs in (first, again))
    seconds = {
        side: ", ".join(f"{spent['wall']:.1f}" for spent in taken)
        for side, taken in found["overhead_seconds"].items()
    }
    return (
        f"Plans and levels are medians of {sizes.rounds} rounds in one session with a job's "
        "settings; the plan of 40 nodes is 38 Transforms, a Fit and an Apply.",
        f"The rerun is the whole command, from prompt to prompt: first {run_s} s in folders of "
        f"their own, then {rerun_s} s; it starts no JVM.",
        f"Overhead: {sizes.loans:,} loans and {sizes.applications:,} applications, one session, "
        "by turns after a smaller round to warm up, and the ratio is the median of the rounds'; "
        f"plain {seconds['plain']} s; engine node by node {seconds['one']} s; four at once "
        f"{seconds['several']} s. The script calls the same stage functions, checks the same "
        "rules, writes the same Delta tables and logs the model to MLflow; the engine's share is "
        "plan, fingerprints, records, release and run page. Node by node one is at work at a time, "
        "and what is written down of it is written while the next one is.",
    )
