"""What a search has found, as evidence and as a table of its trials."""

import json
import math
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.learn.tuning.record import SearchRecord
from penstock.learn.tuning.trials import COSTS, Findings, Trial

TRIAL_COLUMNS = (
    "trial INT, state STRING COMMENT 'complete, pruned or failed', is_best BOOLEAN, "
    "settings STRING COMMENT 'JSON', log_loss DOUBLE COMMENT 'mean over folds held out', "
    "auc DOUBLE, in_fold_log_loss DOUBLE, in_fold_auc DOUBLE, "
    "folds STRING COMMENT 'JSON: a list of the scores by fold', reason STRING"
)
_NAMES = {"log_loss": "log loss", "auc": "AUC"}


def list_trials(model: PipelineModel) -> DataFrame:
    """Return the trials of the search that a model was chosen by.

    Grain: one row per trial, with `TRIAL_COLUMNS`; means are over the folds it was judged on, null
    where it was judged on none. No rows if nothing was searched for. What it took in seconds stands
    in MLflow alone, so that the same search makes the same table.
    """
    found = findings_of(model)
    rows = [_row(found, trial) for trial in found.trials] if found else []
    return SparkSession.active().createDataFrame(rows, TRIAL_COLUMNS)


def explain_search(
    model: PipelineModel, judged: Evidence, *, max_overfit: float, max_optimism: float
) -> Evidence:
    """Return what the search for a model's settings has found; no Spark job.

    Tables: "trials"; "best" (its scores on rows it was fitted on, on folds held out, and on judged
    rows); "warnings". Figures: "progress" (score by trial, and the best so far) and one for each
    setting. Metrics: `trials`, `complete`, `pruned`, `failed`, and of the best settings `log_loss`,
    `auc`, `in_fold_auc`, `overfit` and `optimism`. If nothing was searched for: `trials` is 0.

    Args:
        model: Fitted pipeline.
        judged: Report of the model on rows that neither fit nor search has seen: `auc`, and its
            interval's `auc_high`.
        max_overfit: AUC on the rows fitted on, less that on folds held out, above which the report
            says that the model learns its rows by heart.
        max_optimism: AUC on folds held out, less that on judged rows, above which it says that the
            folds have seen what judged rows have not, if chance alone does not explain it: then
            `auc_high` is below the AUC on folds as well.
    """
    found = findings_of(model)
    if found is None:
        return Evidence({"trials": 0.0})
    gaps = _gaps(found.best, judged)
    warnings = _warnings(found.best, judged, max_overfit, max_optimism)
    tables = {
        "best": _best_table(found.best, judged),
        "trials": _trial_table(found),
        "warnings": Table.of_texts("Warnings", "warning", warnings),
    }
    states = [trial.state for trial in found.trials]
    metrics: dict[str, float | None] = {"trials": float(len(states))}
    metrics |= {state: float(states.count(state)) for state in ("complete", "pruned", "failed")}
    metrics |= {n: found.best.mean(n) for n in ("log_loss", "auc", "in_fold_auc")} | gaps
    by_setting = {f"by_{name}": _setting_figure(found, name) for name in found.best.settings}
    return Evidence(metrics, tables, {"progress": _progress_figure(found)} | by_setting)


def findings_of(model: PipelineModel) -> Findings | None:
    """Return what the search for a model's settings has found; None if there was none."""
    records = [stage for stage in model.stages if isinstance(stage, SearchRecord)]
    return records[0].findings if records else None


def _gaps(best: Trial, judged: Evidence) -> dict[str, float | None]:
    in_fold, held_out, unseen = (
        best.mean("in_fold_auc"), best.mean("auc"), judged.metrics.get("auc")
    )  # fmt: skip
    assert in_fold is not None and held_out is not None  # the best trial is complete
    optimism = None if unseen is None else held_out - unseen
    return {"overfit": in_fold - held_out, "optimism": optimism}


def _warnings(best: Trial, judged: Evidence, max_overfit: float, max_optimism: float) -> list[str]:
    gaps, held_out = _gaps(best, judged), best.mean("auc") or 0.0
    overfit, optimism = gaps["overfit"] or 0.0, gaps["optimism"] or 0.0
    high = judged.metrics.get("auc_high")
    warnings = []
    if overfit > max_overfit:
        warnings.append(
            f"AUC {held_out + overfit:.3f} on the rows fitted on and {held_out:.3f} on folds held "
            f"out, a gap above {max_overfit:g}: the model learns its rows by heart. Search among "
            "simpler ones, and look for features with many values, such as an encoding by outcome."
        )
    if optimism > max_optimism and (high is None or high < held_out):
        warnings.append(
            f"AUC {held_out:.3f} on folds held out and {held_out - optimism:.3f} on judged rows, a "
            f"gap above {max_optimism:g}: the folds have seen what judged rows have not. Look for "
            "an encoding or imputation that was fitted on all rows, outside the folds, for rows of "
            "one customer in several folds, and for drift."
        )
    return warnings


def _best_table(best: Trial, judged: Evidence) -> Table:
    settings = ", ".join(f"{name} {_shown(value)}" for name, value in best.settings.items())
    rows = (
        ("rows fitted on", best.mean("in_fold_auc"), best.mean("in_fold_log_loss")),
        ("folds held out", best.mean("auc"), best.mean("log_loss")),
        ("judged rows", judged.metrics.get("auc"), None),
    )
    return Table(
        f"Best settings: {settings} (trial {best.number})", ("on", "auc", "log_loss"), rows
    )


def _trial_table(found: Findings) -> Table:
    names = tuple(found.best.settings)
    columns = ("trial", *names, *(f"fold {fold}" for fold in found.folds))
    columns += (f"mean {_NAMES[found.objective]}", "state", "reason")
    return Table("Trials", columns, tuple(_shown_row(found, trial) for trial in found.trials))


def _shown_row(found: Findings, trial: Trial) -> tuple[Any, ...]:
    scores = [getattr(score, found.objective) for score in trial.folds]
    scores += [None] * (len(found.folds) - len(scores))
    settings = (_shown(value) for value in trial.settings.values())
    mean = trial.mean(found.objective)
    return (trial.number, *settings, *scores, mean, trial.state, trial.reason)


def _row(found: Findings, trial: Trial) -> tuple[Any, ...]:
    means = [trial.mean(n) for n in ("log_loss", "auc", "in_fold_log_loss", "in_fold_auc")]
    folds = [
        {"fold": fold, **{name: value for name, value in vars(score).items() if name not in COSTS}}
        for fold, score in zip(found.folds, trial.folds, strict=False)
    ]
    settings = json.dumps(dict(trial.settings), sort_keys=True)
    is_best = trial == found.best
    texts = (json.dumps(folds), trial.reason or None)
    return (trial.number, trial.state, is_best, settings, *means, *texts)


def _progress_figure(found: Findings) -> Figure:
    complete = [trial for trial in found.trials if trial.state == "complete"]
    numbers = tuple(float(trial.number) for trial in complete)
    best_so_far, best = [], complete[0]
    for trial in complete:
        best = min((best, trial), key=lambda one: one.losses(found.objective)[-1])
        best_so_far.append(_score(found, best))
    return Figure(
        "Progress of the search",
        "trial",
        f"mean {_NAMES[found.objective]} of folds held out",
        (
            Series("trial", numbers, tuple(_score(found, trial) for trial in complete), "points"),
            Series("best so far", numbers, tuple(best_so_far)),
        ),
        "A line that has long been level says that more trials would find little. Trials that were "
        "pruned or failed are left out.",
    )


def _setting_figure(found: Findings, name: str) -> Figure:
    complete = [trial for trial in found.trials if trial.state == "complete"]
    values = [trial.settings[name] for trial in complete]
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    is_wide = is_number and min(values) > 0 and max(values) >= 10 * min(values)
    x: tuple[float | str, ...]
    if is_wide:
        x = tuple(math.log10(value) for value in values)
    else:
        x = tuple(float(value) if is_number else str(value) for value in values)
    return Figure(
        f"Score by {name}",
        f"log10 of {name}" if is_wide else name,
        f"mean {_NAMES[found.objective]} of folds held out",
        (Series("trial", x, tuple(_score(found, trial) for trial in complete), "points"),),
        "Best at an end of the range: widen it. No slope: the setting need not be searched for.",
    )


def _score(found: Findings, trial: Trial) -> float:
    return trial.mean(found.objective) or 0.0


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
