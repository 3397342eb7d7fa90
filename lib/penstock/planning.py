"""From a job to its plan, and from a plan to a document that people and a later run can read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession

from penstock.engine.fingerprint import MADE_BY, NEVER, cause_of
from penstock.engine.plan import Plan, Request
from penstock.engine.planner import Planner
from penstock.errors import Conflict
from penstock.job import Job
from penstock.options import run_arguments
from penstock.recorded import Recorded
from penstock.store.catalog import Catalog
from penstock.store.releases import Releases
from penstock.store.stores import Stores


def plan_job(job: Job, spark: SparkSession, stores: Stores, *, token: str) -> Plan:
    """Plan a job; where its selection asks what has changed, plan the whole job before.

    Args:
        token: What tells this plan from all others, for nodes that are never skipped.

    Raises:
        PenstockError: A fault of the graph, its sources or its configuration.
        Conflict: A saved plan, or a run to be replayed, is not what would be done now.
    """
    catalog = stores.catalog
    base = Releases(catalog.delta("releases")).current(spark)
    request = Request(
        graph=job.graph,
        whole=job.whole,
        params=job.params,
        base=base,
        token=token,
        pinned=job.pinned,
        settings=job.settings,
        skips=job.skips,
    )
    if job.needs_states:
        first = Planner(request, spark, stores).plan()
        changed = [p.node.name for p in first.nodes if p.action == "run"]
        request = replace(request, graph=job.with_states(changed).graph)
    plan = Planner(request, spark, stores).plan()
    for planned in plan.nodes:
        if job.code.get(planned.node.name, planned.found.code) != planned.node.code:
            raise Conflict(
                f"The code of '{planned.node.name}' was edited while the job started, and nothing "
                "was run. Start it again."
            )
    if job.saved is not None:
        _refuse_moved(job.saved, plan)
    if job.recorded is not None:
        _refuse_changed(job.recorded, plan, job.command)
    return plan


def plan_document(job: Job, plan: Plan, catalog: Catalog) -> dict[str, Any]:
    """Return a plan as plain values, with the command it was made by."""
    return {
        **plan.to_json(),
        "env": job.conf.env,
        "as_of": str(job.conf.params["common"]["as_of"]),
        "command": job.command,
        "job": job.options.job or job.name,
        "arguments": run_arguments(job.options),
        "code": {planned.node.name: dict(planned.found.code) for planned in plan.nodes},
        "sources": [
            {
                "name": name,
                "kind": catalog.kinds[name],
                "location": catalog.location(name),
                "version": version,
            }
            for name, version in plan.sources.items()
        ],
    }


def _refuse_moved(saved: Mapping[str, Any], plan: Plan) -> None:
    moved = []
    if saved["release"] != plan.base.release_id:
        moved.append(f"release {saved['release']} -> {plan.base.release_id}")
    then = {source["name"]: source["version"] for source in saved["sources"]}
    for name in {**then, **plan.sources}:
        if then.get(name) != plan.sources.get(name):
            moved.append(f"{name} {then.get(name, 'none')} -> {plan.sources.get(name, 'none')}")
    now = {node["name"]: node for node in plan.to_json()["nodes"]}
    before = {node["name"]: node for node in saved["nodes"]}
    for name in [] if moved else {**before, **now}:
        if name not in before or name not in now:
            moved.append(f"node '{name}' is {'new' if name in now else 'gone'}")
        elif _own_parts(before[name]) != _own_parts(now[name]):
            moved.append(f"what node '{name}' does")
        elif before[name]["action"] != now[name]["action"]:
            moved.append(f"node '{name}' {before[name]['action']} -> {now[name]['action']}")
    if moved:
        raise Conflict(
            f"The saved plan is out of date, and nothing was run: {'; '.join(moved)}. Make it anew "
            "with `plan --save`, look at it, then run it."
        )


def _own_parts(node: Mapping[str, Any]) -> dict[str, str]:
    """Return what a node depends on by itself: of two plans, what is made anew has other names."""
    return {name: text for name, text in node["parts"].items() if not text.startswith(MADE_BY)}


def _refuse_changed(recorded: Recorded, plan: Plan, command: str) -> None:
    """Refuse a replay that would not do what its run did; what it reads is pinned, not compared."""
    now = {planned.node.name: planned for planned in plan.nodes}
    nodes: dict[str, list[str]] = {}
    for name, node in recorded.nodes.items():
        if name not in now:
            nodes.setdefault("gone", []).append(name)
            continue
        then, today = _not_read(node["parts"]), _not_read(now[name].parts)
        if then != today:
            code = recorded.plan["code"].get(name, {})
            cause = cause_of(then, today, code, now[name].found.code) or "changed"
            nodes.setdefault(cause, []).append(name)
    if nodes:
        changes = "; ".join(f"{', '.join(names)}: {cause}" for cause, names in nodes.items())
        raise Conflict(
            f"Run '{recorded.run_id}' would not be the same again, and nothing was run: {changes}. "
            f"{recorded.commit}: go back to it, to its configuration and to the versions of "
            f"libraries in its run.json, then replay. By what there is now: {command}"
        )


def _not_read(parts: Mapping[str, str]) -> dict[str, str]:
    return {n: text for n, text in parts.items() if n != NEVER and not n.startswith("input ")}
