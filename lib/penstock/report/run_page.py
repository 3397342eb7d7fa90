"""The page of a run: one self-contained HTML document that says how it went and what came out.

Takes the run record as plain values; reads nothing else, and needs no network and no script.
"""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from penstock.plural import plural
from penstock.report.cards import card, cards, facts_html
from penstock.report.evidence_section import evidence_section
from penstock.report.formats import (
    COMMIT_CHARACTERS,
    UNKNOWN,
    duration,
    elapsed_ms,
    html_cell,
    number,
    when,
)
from penstock.report.lineage_section import lineage_section
from penstock.report.node_section import flow_section, node_section, status_chip
from penstock.report.page_style import STYLE
from penstock.report.tables import Html, dataset_table, table_html
from penstock.report.totals import NOT_RELEASED, failed_nodes, run_totals

WEB_ADDRESSES = ("https://", "http://")


def run_page(record: Mapping[str, Any]) -> str:
    """Return the page of a run.

    Args:
        record: `RunRecord.to_json()`: of a run that ended well, failed, was interrupted, or still
            goes on.

    Returns:
        A whole HTML document. Every text of the record is escaped, unknown values are an en dash,
        and only `links` with an http(s) address lead out of it. Equal records give equal bytes.
    """
    nodes = record["nodes"]
    body = "".join(
        (
            _headline(record),
            _banner(record),
            _summary_cards(record),
            flow_section(nodes, started_at=record["started_at"]),
            *(evidence_section(name, report) for name, report in record["evidence"].items()),
            node_section(nodes) if nodes else "",
            _datasets(record),
            lineage_section(record["lineage"]),
            _configuration(record),
            _footer(record),
        )
    )
    title = escape(f"{record['graph']} {record['status']} · {record['run_id']}")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _headline(record: Mapping[str, Any]) -> str:
    took = elapsed_ms(record["started_at"], record["ended_at"])
    commit = record["git_commit"][:COMMIT_CHARACTERS] or UNKNOWN
    facts = {
        "Run": Html(f"<code>{escape(record['run_id'])}</code>"),
        "As of": record["as_of"],
        "Environment": record["env"],
        "Started": when(record["started_at"]),
        "Took": duration(took),
        "Commit": Html(
            f"<code>{escape(commit)}</code>{' + changes' if record['git_dirty'] else ''}"
        ),
    }
    links = "".join(f"<div>{_link(n, address)}</div>" for n, address in record["links"].items())
    failed = record["status"] in NOT_RELEASED  # then the banner shows the command
    command = "" if failed else f'<pre class="command">{escape(record["command"])}</pre>'
    return (
        f'<header><div class="head"><h1>{escape(record["graph"])}</h1>'
        f"{status_chip(record['status'])}</div>"
        f"{facts_html(facts, links)}{command}</header>"
    )


def _banner(record: Mapping[str, Any]) -> str:
    failed = failed_nodes(record)
    if record["status"] not in NOT_RELEASED and not failed:
        return ""
    causes = "".join(
        f'<p><b>Node <span class="mono">{escape(node["name"])}</span> failed</b></p>'
        f"<pre>{escape(node['reason'] or 'No reason was given.')}</pre>"
        for node in failed
    )
    behind = sum(node["status"] == "not run" for node in record["nodes"])
    stopped = "" if failed else f"<p><b>The run was {escape(record['status'])}.</b></p>"
    rest = f"{plural(behind, 'node')} did not run. " if behind else ""
    return (
        f'<div class="banner{"" if failed else " warn"}" role="alert">{stopped}{causes}'
        f"<p>{rest}Go on from here; what is finished is not done again:</p>"
        f'<pre class="command">{escape(record["command"])}</pre></div>'
    )


def _summary_cards(record: Mapping[str, Any]) -> str:
    totals = run_totals(record)
    statuses = [node["status"] for node in record["nodes"]]
    in_words = ", ".join(
        f"{statuses.count(s)} {s}" for s in ("skipped", "failed", "not run") if s in statuses
    )
    share = totals.quarantined / totals.rows_in if totals.rows_in else None
    ks = f"KS {number(totals.ks)}" if totals.ks is not None else ""
    release = number(record["release"])
    return cards(
        [
            card("Rows in", number(totals.rows_in), "checked row by row"),
            card("Rows out", number(totals.rows_out), "kept their contract"),
            card(
                "Quarantined",
                number(totals.quarantined),
                f"{100 * share:.2f} % of rows in" if share is not None else "",
            ),
            # A graph without a PD has none.
            *([card("AUC", number(totals.auc), ks)] if totals.auc is not None else []),
            card(
                "Champion", totals.champion or UNKNOWN, "model version" if totals.champion else ""
            ),
            card(
                "Release",
                release,
                "published" if record["release"] is not None else "none published",
            ),
            card(
                "Nodes done",
                f"{statuses.count('done')} of {len(statuses)}",
                in_words or plural(record["spark_jobs"], "Spark job"),
            ),
        ],
        small=False,
    )


def _datasets(record: Mapping[str, Any]) -> str:
    if not record["datasets"]:
        return ""
    table = dataset_table(record["datasets"])
    return f'<section><h2>Datasets and versions</h2><div class="panel">{table}</div></section>'


def _configuration(record: Mapping[str, Any]) -> str:
    config = json.dumps(record["config"], indent=2, ensure_ascii=False, default=str)
    versions = table_html(("Package or program", "Version"), list(record["versions"].items()))
    return (
        '<details class="panel"><summary>Configuration</summary>'
        f"<pre>{escape(config)}</pre></details>"
        f'<details class="panel"><summary>Software versions</summary>{versions}</details>'
    )


def _footer(record: Mapping[str, Any]) -> str:
    commit = escape(record["git_commit"]) or UNKNOWN
    changes = " with uncommitted changes" if record["git_dirty"] else ""
    return (
        f"<footer>Commit <code>{commit}</code>{changes} · "
        f"{plural(record['spark_jobs'], 'Spark job')} · ended {when(record['ended_at'])}</footer>"
    )


def _link(name: str, address: str) -> str:
    if not address.lower().startswith(WEB_ADDRESSES):
        return f"<dt>{escape(name)}</dt><dd>{html_cell(address)}</dd>"
    return f'<dd><a href="{escape(address)}" rel="noopener noreferrer">{escape(name)}</a></dd>'
