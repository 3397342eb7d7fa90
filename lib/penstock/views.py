"""The commands that only look: plan, describe, lineage, history. They write nothing but pages."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError, did_you_mean
from penstock.job import Job
from penstock.strict_json import json_text

if TYPE_CHECKING:
    from penstock.engine.plan import Plan
    from penstock.store.releases import Release


def plan(job: Job) -> int:
    """Say what would run, why, and at what cost, without a Spark job."""
    from penstock.planning import plan_document
    from penstock.report.lineage_section import lineage_section
    from penstock.report.mermaid import mermaid
    from penstock.report.plan_page import plan_page
    from penstock.report.plan_summary import plan_summary
    from penstock.store.catalog import Catalog
    from penstock.store.home import write_json, write_text

    planned = _planned(job)
    document = plan_document(job, planned, Catalog.of(job.conf, job.home))
    if job.options.save:
        write_json(Path(job.options.save), document)
    if job.options.page:
        write_text(
            Path(job.options.page),
            plan_page(document, lineage_section(_lineage(planned).to_json())),
        )
    if job.options.json:
        print(json_text(document))
    elif job.options.mermaid:
        print(mermaid(document))
    elif not job.options.quiet:
        print(plan_summary(document, **_screen()))
    return 0


def describe(job: Job) -> int:
    """Show the graph as text, Mermaid or JSON, without a JVM."""
    from penstock.report.mermaid import mermaid

    nodes = [node.to_json() for node in job.graph.order()]
    document = {"graph": job.whole.name, "nodes": nodes}
    if job.options.json:
        print(json_text(document))
    elif job.options.mermaid:
        print(mermaid(document))
    else:
        width = max((len(node.name) for node in job.graph.nodes), default=0)
        for node in job.graph.order():
            edges = f"{', '.join(node.inputs) or 'nothing'} -> {', '.join(node.outputs)}"
            print(f"{node.name:{width}}  {node.kind:9}  {edges}")
    return 0


def lineage(job: Job) -> int:
    """Say which raw columns feed a column, and what it feeds."""
    from penstock.report.lineage_listing import lineage_listing

    dataset, _, column = job.options.column.partition(".")
    if dataset not in job.whole.datasets:
        raise UsageError(
            f"Graph '{job.whole.name}' has no dataset '{dataset}'."
            f"{did_you_mean(dataset, job.whole.datasets)}"
        )
    found = _lineage(_planned(job))
    known = found.columns(dataset)
    if column and column not in known:
        raise UsageError(f"'{dataset}' has no column '{column}'.{did_you_mean(column, known)}")
    answer = {
        f"{dataset}.{name}" if name else dataset: {
            "made_from": _names(found.of(dataset, name)),
            "feeds": _names(found.feeds(dataset, name)),
        }
        for name in ([column] if column else known)
    }
    if job.options.json:
        print(json_text(answer))
    else:
        print(lineage_listing(answer, **_screen()))
    return 0


def history(job: Job) -> int:
    """List the releases: who, when, what changed and why. On a local disk no JVM starts."""
    from penstock.report.history_table import history_table
    from penstock.session import lazy_session
    from penstock.store.catalog import Catalog
    from penstock.store.releases import NOTHING_RELEASED, Releases

    with lazy_session("penstock history") as spark:
        releases = Releases(Catalog.of(job.conf, job.home).delta("releases")).all(spark)
    rows = [
        _entry(before, release, is_current=release is releases[-1])
        for before, release in zip((NOTHING_RELEASED, *releases), releases, strict=False)
        if job.options.only_graph in (None, release.graph)
    ]
    if job.options.json:
        print(json_text(rows))
    else:
        print(history_table(rows, graph=job.options.only_graph or "", **_screen()))
    return 0


def _entry(before: "Release", release: "Release", *, is_current: bool) -> dict[str, Any]:
    from penstock.engine.made import Made
    from penstock.store.releases import changes

    made = {key: Made.from_json(text) for key, text in release.made.items()}
    causes = {
        key.partition(".")[2]: record.cause
        for key, record in made.items()
        if record.run_id == release.run_id and record.cause
    }
    return {
        "release_id": release.release_id,
        "released_at": release.released_at.isoformat(),
        "released_by": release.released_by,
        "run_id": release.run_id,
        "graph": release.graph,
        "note": release.note,
        "git_commit": release.git_commit,
        "changes": list(changes(before, release)),
        "causes": causes,
        "is_current": is_current,
    }


def _planned(job: Job) -> "Plan":
    from penstock.planning import plan_job
    from penstock.session import lazy_session
    from penstock.store.stores import Stores

    with lazy_session(f"penstock {job.name} {job.whole.name}") as spark:
        stores = Stores.of(job.conf, job.home)
        return plan_job(job, spark, stores, token=token_hex(8))


def _screen() -> dict[str, Any]:
    return {"width": shutil.get_terminal_size((100, 25)).columns, "color": sys.stdout.isatty()}


def _lineage(planned: "Plan") -> Any:
    from penstock.engine.lineage import Lineage

    return Lineage(planned.edges)


def _names(columns: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"{dataset}.{column}" if column else dataset for dataset, column in columns)
