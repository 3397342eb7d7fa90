"""The experiments: each tool is run as a person would run it, and its tables are looked at.

Every figure is an observed exit code, message, time or table state of the five-node graph.
"""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.peers.layout import lay_out
from bench.peers.observed import (
    AS_BEFORE,
    EMPTY,
    MISSING,
    NEW,
    UNREADABLE,
    Fault,
    Kill,
    Observations,
    Rerun,
    active_files,
    compare,
    error_message,
)
from bench.peers.projects import (
    KEDRO,
    PENSTOCK,
    SDP,
    SDP_ESTIMATOR,
    SDP_FORMAT,
    Edit,
    Tool,
)
from bench.peers.running import Ended, Project

LAST, BEFORE_LAST = "decisions", "scores"
UNSEEN_DAY = "2015-06-30"
CUT_OFF, COMMENT = "the cut-off of decide", "a comment"


def measure_penstock(work: Path) -> Observations:
    """Observe penstock itself, in a folder that is not there yet."""
    return _observe(start(PENSTOCK, work), _penstock_reruns)


def measure_kedro(work: Path) -> Observations:
    """Observe Kedro with Delta tables, in a folder that is not there yet."""
    return _observe(start(KEDRO, work), _kedro_reruns)


def measure_sdp(work: Path) -> Observations:
    """Observe Spark's declarative pipelines with Delta tables, in a folder not there yet."""
    project = start(SDP, work)
    seen = _observe(project, _sdp_reruns)
    notes = (*seen.notes, _refused_estimator(project), _refused_format(project))
    return replace(seen, notes=notes)


def start(tool: Tool, work: Path) -> Project:
    """Lay out a project."""
    lay_out(tool, work.absolute())
    return Project(tool, work.absolute())


def _observe(
    project: Project, observe_reruns: Callable[[Project, Ended], tuple[Rerun, ...]]
) -> Observations:
    first = first_run(project)
    return Observations(
        tool=project.tool.name,
        version=project.version,
        first_seconds=first.seconds,
        first_jobs=first.spark_jobs,
        reruns=observe_reruns(project, first),
        kills=kills(project),
        faults=faults(project),
        notes=project.tool.notes,
    )


def _refused_estimator(project: Project) -> str:
    """Say what a pipeline answers to MLlib's `fit` in the function that defines a table."""
    with project.edited(SDP_ESTIMATOR):
        ended = project.call(*project.tool.check)
    return f"MLlib's fit in its place ends with {ended.code}: {error_message(ended.output)}"


def _refused_format(project: Project) -> str:
    """Say what a pipeline answers to a table whose definition names Delta, once it is there."""
    before = project.tables()
    with project.edited(SDP_FORMAT):
        ended = project.run()
    became = compare(before[LAST], project.state(LAST))
    return (
        f'With format="delta" in its definition, the second run of a table ends with {ended.code}: '
        f"{error_message(ended.output)} The table is then {became}."
    )


def first_run(project: Project) -> Ended:
    """Run the graph for the first time.

    Raises:
        RuntimeError: It failed.
    """
    ended = project.run()
    if ended.code:
        raise RuntimeError(f"{ended.command} ended with {ended.code}: {ended.output[-2000:]}")
    return ended


def _penstock_reruns(project: Project, first: Ended) -> tuple[Rerun, ...]:
    """Run again by the one command there is."""
    unchanged = _rerun(project, first, "nothing")
    with project.edited(project.tool.cut_off):
        changed = _rerun(project, first, CUT_OFF)
    return (unchanged, changed, *_whole_reruns(project, first))


def _kedro_reruns(project: Project, first: Ended) -> tuple[Rerun, ...]:
    """Run again by Kedro's own means: the whole, what is missing, from a node on."""
    missing, from_decide = ("--only-missing-outputs",), ("--from-nodes", "decide")
    unchanged = _rerun(project, first, "nothing"), _rerun(project, first, "nothing", *missing)
    with project.edited(project.tool.cut_off):
        partly = (
            _rerun(project, first, CUT_OFF, *missing),
            _rerun(project, first, CUT_OFF, *from_decide),
        )
    return (*unchanged, *partly, *_whole_reruns(project, first))


def _sdp_reruns(project: Project, first: Ended) -> tuple[Rerun, ...]:
    """Run again by the pipelines' own means: the whole, one table."""
    unchanged = _rerun(project, first, "nothing")
    with project.edited(project.tool.cut_off):
        partly = _rerun(project, first, CUT_OFF, "--refresh", LAST)
    return (unchanged, partly, *_whole_reruns(project, first))


def _whole_reruns(project: Project, first: Ended) -> tuple[Rerun, ...]:
    back = _rerun(project, first, CUT_OFF)  # the cut-off is again what it was at first
    with project.edited(project.tool.comment):
        return back, _rerun(project, first, COMMENT)


def _rerun(project: Project, first: Ended, change: str, *arguments: str) -> Rerun:
    before = project.state(LAST)
    ended = project.run(*arguments)
    became = compare(before, project.state(LAST))
    return Rerun(
        change,
        ended.command,
        ended.seconds,
        ended.seconds / first.seconds,
        ended.nodes,
        ended.spark_jobs,
        right=not ended.code and became == (NEW if change == CUT_OFF else AS_BEFORE),
    )


def faults(project: Project) -> tuple[Fault, ...]:
    """Plant each mistake in turn and see when it comes to light."""
    return tuple(_fault(project, name, edit) for name, edit in project.tool.faults.items())


def _fault(project: Project, name: str, edit: Edit) -> Fault:
    before = project.tables()
    with project.edited(edit):
        check = ended = project.call(*project.tool.check)
        if not check.code:
            ended = project.run()
    after = {table: project.state(table) for table in before}
    moved = [table for table in before if after[table].version != before[table].version]
    return Fault(
        name,
        check.command,
        found_by_check=check.code != 0,
        found_before=ended.code != 0 and not moved,
        seconds=ended.seconds,
        message=error_message(ended.output) if ended.code else "",
        changed={table: compare(before[table], after[table]) for table in moved},
    )


def kills(project: Project) -> tuple[Kill, ...]:
    """Kill a run of other features between the last two outputs, and in the last one's write."""
    with project.edited(project.tool.features):
        between = _kill(project, "before the last table", _written(project, BEFORE_LAST))
    # Features that no run had before: what is known from an earlier run would not be written.
    with project.edited(replace(project.tool.features, new=UNSEEN_DAY)):
        within = _kill(project, "in the last table's write", _being_written(project, LAST))
    return between, within


def _kill(project: Project, moment: str, kill_when: Callable[[], bool]) -> Kill:
    before = project.tables()
    killed = project.run(kill_when=kill_when)
    after = {name: project.state(name) for name in before}
    again = project.run()
    at_last = {name: project.state(name) for name in before}
    states = {name: compare(before[name], after[name]) for name in before}
    same = {name for name in before if compare(before[name], at_last[name]) != NEW}
    return Kill(
        moment,
        killed.code == -signal.SIGKILL,
        states,
        mixed=NEW in states.values() and states[LAST] == AS_BEFORE,
        lost=tuple(n for n, state in states.items() if state in (EMPTY, UNREADABLE, MISSING)),
        nodes_after=again.nodes,
        recovered=not again.code and same <= {"loans"},  # features do not reach the loans
    )


def _written(project: Project, table: str) -> Callable[[], bool]:
    _, old = active_files(project.table(table))
    return lambda: bool(active_files(project.table(table))[1] - old)


def _being_written(project: Project, table: str) -> Callable[[], bool]:
    old = set(project.table(table).rglob("*.parquet"))
    return lambda: bool(set(project.table(table).rglob("*.parquet")) - old)
