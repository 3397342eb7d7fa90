"""The validation report of a model version: one self-contained HTML document for those who decide.

Its sections are those that a supervisor asks for: SR 26-2 on model risk management, EBA/GL/2017/16
on PD estimation. Takes plain values, reads nothing else, needs no network and no script.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from penstock.evidence import Evidence
from penstock.report.cards import facts_html
from penstock.report.evidence_section import evidence_body
from penstock.report.formats import COMMIT_CHARACTERS, UNKNOWN, when
from penstock.report.page_style import html_page
from penstock.report.tables import Html, dataset_table, evidence_table, table_html

VERDICTS = {True: ("good", "gate passed"), False: ("bad", "gate refused"), None: ("", "no gate")}


@dataclass(frozen=True)
class Part:
    """Which metrics, tables and figures of the validation one section shows, in this order."""

    metrics: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    def of(self, evidence: Evidence) -> Evidence:
        """Return that part of the evidence, each metric with its interval."""
        names = [f"{name}{end}" for name in self.metrics for end in ("", "_low", "_high")]
        return Evidence(
            _chosen(evidence.metrics, names),
            _chosen(evidence.tables, self.tables),
            _chosen(evidence.figures, self.figures),
        )

    def rest(self, evidence: Evidence) -> Evidence:
        """Return the tables and figures that are not of this part."""
        return Evidence(
            {},
            {name: t for name, t in evidence.tables.items() if name not in self.tables},
            {name: f for name, f in evidence.figures.items() if name not in self.figures},
        )


STABILITY = "Stability"
SAMPLES = Part(("loans", "bads", "bad_rate", "mean_pd"), ("samples",))
OUTCOMES = {
    "Discrimination": Part(
        ("auc", "development_auc", "auc_drop", "gini", "ks", "partial_gini", "h_measure"),
        ("discrimination", "deciles"),
        ("roc", "cap", "ks", "lift"),
    ),
    "Calibration": Part(
        (
            "calibration_in_the_large",
            "calibration_slope",
            "calibration_intercept",
            "brier",
            "ece",
            "hosmer_lemeshow_p",
            "red_grades",
            "amber_grades",
        ),
        ("grades", "calibration", "brier"),
        ("calibration", "scores"),
    ),
    STABILITY: Part(
        ("psi", "psi_by_chance", "gini_stability"),
        ("stability", "vintages", "vintage_curves"),
        ("populations", "vintages", "psi", "gini", "vintage_curves"),
    ),
}
# What the report on the variables, if there is one, tells of their stability.
CHARACTERISTICS = Part(
    ("shifted_variables", "collapsed_variables"), ("csi", "variables_judged"), ("csi",)
)
METHOD = Part(
    tables=(
        "scorecard",
        "variables",
        "leak_alarms",
        "rounding",
        "importance",
        "coefficients",
        "left_out",
        "trainers",
        "warnings",
        "reasons",
        "candidates",
        "swap_set",
        "profit",
    ),
    figures=(
        "swap_set",
        "profit",
    ),
)
LIMITS = Part(tables=("limits",))
PURPOSE = Part(tables=("purpose",))
FAIRNESS = "fairness"  # the tables of an audit begin with it


def validation_page(document: Mapping[str, Any]) -> str:
    """Return the validation page of a model version.

    Args:
        document: One of `model_records`.

    Returns:
        A whole HTML document. Every text is escaped and unknown values are an en dash. Equal
        documents give equal bytes.
    """
    reports = {name: Evidence.from_json(e) for name, e in document["evidence"].items()}
    validation = reports.pop(document["validation"])
    gates = [reports.pop(name) for name in document["gates"]]
    data = [reports.pop(name) for name in document["data"]]
    audits = [reports.pop(name) for name in tuple(reports) if _is_audit(reports[name])]
    variables = [reports.pop(name) for name in tuple(reports) if "csi" in reports[name].tables]
    body = (
        _headline(document),
        *(_tables(gate) for gate in gates if gate.tables),
        _section("1 Purpose and scope", _tables(PURPOSE.of(validation))),
        _section("2 Data", _data(document, validation, data)),
        _section("3 Method", _method(document, reports)),
        _section("4 Outcomes analysis", _outcomes(validation, variables) + _fairness(audits)),
        _section("5 Limits", _tables(LIMITS.of(validation))),
        _section("6 Model card", _card(document, validation)),
        f"<footer>Run <code>{escape(document['run_id'])}</code> · validated "
        f"{when(document['validated_at'])} · beside this page lie all of it as JSON and each table "
        "as CSV</footer>",
    )
    title = f"Validation of {document['model']}/{document['version']}"
    return html_page(f"{title} · {document['as_of']}", "".join(body))


def _chosen(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _tables(evidence: Evidence) -> str:
    shown = "".join(evidence_table(table) for table in evidence.tables.values())
    return f'<div class="tables">{shown}</div>'


def _headline(document: Mapping[str, Any]) -> str:
    look, verdict = VERDICTS[document["passed"]]
    commit = document["git_commit"][:COMMIT_CHARACTERS] or UNKNOWN
    changes = " + changes" if document["git_dirty"] else ""
    facts = {
        "As of": document["as_of"],
        "Environment": document["env"],
        "Graph": document["graph"],
        "Run": Html(f"<code>{escape(document['run_id'])}</code>"),
        "Validated": when(document["validated_at"]),
        "Commit": Html(f"<code>{escape(commit)}</code>{changes}"),
    }
    return (
        f'<header><div class="head"><h1>Validation of {escape(document["model"])}, version '
        f'{escape(document["version"])}</h1><span class="chip {look}">{verdict}</span></div>'
        f"{facts_html(facts)}</header>"
    )


def _data(document: Mapping[str, Any], validation: Evidence, reports: Iterable[Evidence]) -> str:
    datasets = f'<div class="panel">{dataset_table(document["datasets"])}</div>'
    counted = evidence_body(_together(SAMPLES.of(validation), *reports))
    return f'{counted}<div class="tables">{datasets}</div>'


def _together(*parts: Evidence) -> Evidence:
    return Evidence(
        {name: value for part in parts for name, value in part.metrics.items()},
        {name: table for part in parts for name, table in part.tables.items()},
        {name: figure for part in parts for name, figure in part.figures.items()},
    )


def _method(document: Mapping[str, Any], reports: Mapping[str, Evidence]) -> str:
    """Show what the other reports say of the model, what matters first, the rest folded away."""
    maker = document["fitted_by"]
    made = f"fitted by <code>{escape(maker)}</code>" if maker else "fitted by an earlier run"
    shown = "".join(_report(name, report) for name, report in reports.items())
    return f'<p class="lead">Version {escape(document["version"])}, {made}.</p>{shown}'


def _report(name: str, report: Evidence) -> str:
    first, rest = METHOD.of(report), METHOD.rest(report)
    first = replace(first, metrics=report.metrics)
    folded = (
        f"<details><summary>More tables and figures</summary>{evidence_body(rest)}</details>"
        if rest.tables or rest.figures
        else ""
    )
    title = f'Report <span class="mono">{escape(name)}</span>'
    return f"<h3>{title}</h3>{evidence_body(first)}{folded}"


def _outcomes(validation: Evidence, variables: Iterable[Evidence]) -> str:
    shown = {title: part.of(validation) for title, part in OUTCOMES.items()}
    told = (CHARACTERISTICS.of(report) for report in variables)
    shown[STABILITY] = _together(shown[STABILITY], *told)
    return "".join(f"<h3>{escape(t)}</h3>{evidence_body(part)}" for t, part in shown.items())


def _is_audit(report: Evidence) -> bool:
    return any(name.startswith(FAIRNESS) for name in report.tables)


def _fairness(audits: Iterable[Evidence]) -> str:
    return "".join(f"<h3>Fairness</h3>{evidence_body(audit)}" for audit in audits)


def _card(document: Mapping[str, Any], validation: Evidence) -> str:
    facts = [
        ("Model", document["model"]),
        ("Version", document["version"]),
        *validation.tables["purpose"].rows,
        ("Run", document["run_id"]),
        ("Command", document["command"]),
        ("Commit", document["git_commit"]),
        ("With changes not committed", document["git_dirty"]),
        *document["links"].items(),
    ]
    parameters = [
        (Html(f'<span class="mono">{escape(node)}</span>'), name, _parameter(value))
        for node, values in document["params"].items()
        for name, value in values.items()
    ]
    software = table_html(("Package or program", "Version"), list(document["versions"].items()))
    return (
        f'<div class="tables"><div class="panel">{table_html(("What", "Value"), facts)}</div></div>'
        '<details class="panel"><summary>Parameters</summary>'
        f"{table_html(('Node', 'Parameter', 'Value'), parameters)}</details>"
        f'<details class="panel"><summary>Software versions</summary>{software}</details>'
    )


def _parameter(value: Any) -> Any:
    if not isinstance(value, list | dict):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
