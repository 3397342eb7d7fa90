"""The part of the engine's bench that needs a session: planning, scheduling, overhead.

A process of its own, whose JVM is started with the settings of a job: `figures(folder)` starts it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.command import cpu_seconds
from bench.engine_graphs import (
    FORTY_PARAMS,
    Place,
    chain,
    chain_catalog,
    forty,
    forty_catalog,
    write_raw,
)
from bench.plain_lending import PlainLending
from penstock.catalyst.lazy_session import lazy, running
from penstock.cli import run_job
from penstock.conf import load_conf
from penstock.errors import NodeFailed
from penstock.job import PROJECT, Job, prepare_job
from penstock.launch import (
    find_place,
    job_settings,
    plan_command,
    split_arguments,
    write_properties,
)
from penstock.session import start_session
from penstock.store.home import Home, write_json

LEVELS = 40
WARM_UP = 5  # times fewer loans to warm up on
AT_ONCE = 4  # nodes at work side by side, as conf/base says
OUT = "figures.json"


@dataclass(frozen=True)
class Sizes:
    """How much is measured: rounds of each figure, loans and applications of a round."""

    rounds: int = 5
    overhead_rounds: int = 3
    loans: int = 100_000
    applications: int = 20_000


def figures(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Measure in a process of its own, with the JVM that a job has.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    environ = {**os.environ, "PENSTOCK_HOME": str(folder)}
    request = split_arguments(("run",), ("run",))
    place, conf = find_place(environ), load_conf(PROJECT / "conf", "local")
    settings = job_settings(request, place, conf.spark)
    properties = write_properties(settings, place.home / "cache")
    variables = dict(plan_command(request, place, settings, properties, environ).env)
    variables["PYTHONPATH"] += f":{PROJECT}"
    arguments = [str(size) for size in vars(sizes).values()]
    command = [sys.executable, "-m", "bench.engine_session", str(folder), *arguments]
    ended = subprocess.run(
        command, cwd=PROJECT, env=variables, text=True, stderr=subprocess.PIPE, check=False
    )
    if ended.returncode:
        raise NodeFailed(f"bench.engine_session ended so: {ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads((folder / OUT).read_text("utf-8"))
    return found


def main(folder: Path, sizes: Sizes) -> None:
    """Measure and write the figures into the folder."""
    spark = start_session("bench engine")
    try:
        found = {
            **_planning(_place(spark, folder / "forty"), sizes.rounds),
            "schedule_ms_per_level": _scheduling(spark, folder / "chain", sizes.rounds),
            **_overhead(spark, folder, sizes),
        }
    finally:
        spark.stop()
    write_json(folder / OUT, found)


def _place(spark: Any, folder: Path) -> Place:
    home = Home(folder)
    home.prepare()
    raw = folder / "raw.csv"
    write_raw(raw)
    return Place(spark, home, forty(), forty_catalog(str(raw)), FORTY_PARAMS)


def _planning(place: Place, rounds: int) -> dict[str, Any]:
    nodes = len(place.graph.nodes)
    first, plan = _timed(place.plan)
    unknown = [_timed(place.plan) for _ in range(rounds)]
    place.run(plan)
    is_asked = lazy(_refuse)
    known = [_timed(lambda: place.plan(spark=is_asked)) for _ in range(rounds)]
    assert running(is_asked) is None
    assert {p.action for p in known[0][1].nodes} == {"skip"}
    return {
        "plan_first_ms_per_node": 1000 * first / nodes,
        "plan_ms_per_node": 1000 * median(seconds for seconds, _ in unknown) / nodes,
        "plan_jobs": sum(p.spark_jobs for _, p in [(first, plan), *unknown]),
        "plan_ms_per_node_known": 1000 * median(seconds for seconds, _ in known) / nodes,
    }


def _refuse() -> Any:
    raise AssertionError("Spark was asked, and all was known.")


def _scheduling(spark: Any, folder: Path, rounds: int) -> float:
    home = Home(folder)
    home.prepare()
    graph = chain(LEVELS)
    place = Place(spark, home, graph, chain_catalog(graph))
    place.run(place.plan(skips=False))  # creates MLflow's tables
    seconds = []
    for _ in range(rounds):
        plan = place.plan(skips=False)
        took, record = _timed(lambda plan=plan: place.run(plan))  # type: ignore[misc]
        assert [node.status for node in record.nodes] == ["done"] * LEVELS
        seconds.append(took)
    return 1000 * median(seconds) / LEVELS


def _overhead(spark: Any, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Take turns in one session: the plain script, the engine node by node, and as it is set."""
    few = _sides(spark, folder, sizes.loans // WARM_UP, sizes.applications // WARM_UP)
    for side in few.values():
        side()
    sides = _sides(spark, folder, sizes.loans, sizes.applications)
    names = [*sides]
    spent = []
    for turn in range(sizes.overhead_rounds):
        first = turn % len(names)
        spent.append({side: _spent(sides[side]) for side in names[first:] + names[:first]})

    def ratio(side: str, kind: str) -> float:
        # Of each round by itself: the machine is not as fast in all of them.
        return median(round_[side][kind] / round_["plain"][kind] for round_ in spent)

    return {
        "overhead_ratio": ratio("one", "wall"),
        "overhead_ratio_at_once": ratio("several", "wall"),
        "overhead_cpu_ratio": ratio("one", "cpu"),
        "plain_s": median(round_["plain"]["wall"] for round_ in spent),
        "overhead_seconds": {side: [round_[side] for round_ in spent] for side in sides},
    }


def _sides(
    spark: Any, folder: Path, loans: int, applications: int
) -> dict[str, Callable[[], None]]:
    one, several = (_job(folder / "engine", loans, applications, n) for n in (1, AT_ONCE))
    plain = PlainLending(spark, folder / "plain", one.params)
    return {
        "plain": lambda: plain.run(loans, applications),
        "one": lambda: _run(one, spark),
        "several": lambda: _run(several, spark),
    }


def _spent(call: Callable[[], None]) -> dict[str, float]:
    before = cpu_seconds(os.getpid())
    wall, _ = _timed(call)
    return {"wall": wall, "cpu": cpu_seconds(os.getpid()) - before}


def _job(home: Path, loans: int, applications: int, at_once: int) -> Job:
    os.environ["PENSTOCK_HOME"] = str(home)
    wishes = (
        f"catalog.loan_numbers.rows={loans}",
        f"catalog.application_numbers.rows={applications}",
        "params.pd_gate={min_auc: 0.5, max_ece: 0.2, min_loans: 50, min_bads: 5}",
        "params.lgd_gate={min_skill: -9.0, max_error_of_mean: 1.0, min_defaults: 5}",
        f"run.nodes_at_once={at_once}",
    )
    words = [word for wish in wishes for word in ("--set", wish)]
    job = prepare_job("run", ["--no-skip", "--quiet", *words])
    job.home.prepare()
    return job


def _run(job: Job, spark: Any) -> None:
    if code := run_job(job, spark):
        raise NodeFailed(f"The run of the engine ended with {code}.")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    made = call()
    return time.perf_counter() - started, made


if __name__ == "__main__":
    main(Path(sys.argv[1]), Sizes(*map(int, sys.argv[2:])))
