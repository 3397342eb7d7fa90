"""Binning tables: fitted bins as rows for a Delta table, and as evidence for people."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.learn.binning.bins import ColumnBins
from penstock.learn.binning.leak_signs import LeakSigns
from penstock.learn.binning.woe import WoeBinningModel
from penstock.learn.stages import stage_of

BINNING_COLUMNS = """
    column STRING COMMENT 'binned column',
    bin INT COMMENT 'place of the bin, from 0, as bin_<column> has it',
    label STRING COMMENT 'interval, categories, special code, others or missing',
    n_good BIGINT, n_bad BIGINT, n_rows BIGINT,
    share DOUBLE COMMENT 'of all rows, 0-1',
    bad_rate DOUBLE COMMENT '0-1; null for an empty bin',
    woe DOUBLE COMMENT 'weight of evidence, positive is safer',
    iv DOUBLE COMMENT 'information value of the column',
    status STRING COMMENT 'of the column: optimal, feasible, fallback or fixed',
    note STRING COMMENT 'why it is not optimal; else empty'
"""
BIN_TITLES = ("bin", "rows", "share", "bads", "bad rate", "WoE")
# Siddiqi, Intelligent Credit Scoring (2017), ch. 10.
IV_BANDS = ((0.02, "none"), (0.1, "weak"), (0.3, "medium"), (0.5, "strong"))
SUSPICIOUS = "suspicious: a leak?"
LEVELS = ("alarm", "note", "")
LEAK_TITLES = (
    "column", "level", "why", "AUC", "IV", "share of IV", "IV of missing", "sure bads",
    "sure goods",
)  # fmt: skip


def list_bins(model: PipelineModel) -> DataFrame:
    """Return the bins of all columns that a model has binned, those not used too.

    Grain: one row per column and bin, with `BINNING_COLUMNS`; rows are those it was fitted on.
    """
    rows = [
        (fitted.column, place, *row, fitted.iv, fitted.status, fitted.note)
        for fitted in stage_of(model, WoeBinningModel).column_bins
        for place, row in enumerate(_rows(fitted))
    ]
    return SparkSession.active().createDataFrame(rows, BINNING_COLUMNS)


def explain_bins(model: WoeBinningModel) -> Evidence:
    """Return what a fitted binning has learnt, as evidence; no Spark job.

    Tables: "characteristics" (all columns, greatest information value first), "left_out",
    "leak_alarms" and one of bins per column. Figures: share and bad rate by bin per column.
    """
    by_iv = sorted(model.column_bins, key=lambda fitted: (-fitted.iv, fitted.column))
    columns = ("column", "bins", "IV", "strength", "trend of bad rate", "status", "note")
    rows = tuple(
        (b.column, len(b.woe), b.iv, _iv_band(b.iv), b.trend, b.status, b.note) for b in by_iv
    )
    tables = {"characteristics": Table("Characteristics", columns, rows)}
    if model.left_out:
        reasons = tuple(sorted(model.left_out.items()))
        tables["left_out"] = Table("Columns left out", ("column", "reason"), reasons)
    if model.leak_signs:
        tables["leak_alarms"] = _leak_table(model.leak_signs)
    for fitted in by_iv:
        shown = tuple(
            (label, n_rows, share, n_bad, bad_rate, woe)
            for label, _, n_bad, n_rows, share, bad_rate, woe in _rows(fitted)
        )
        tables[f"bins_{fitted.column}"] = Table(f"Bins of {fitted.column}", BIN_TITLES, shown)
    return Evidence(
        metrics={},
        tables=tables,
        figures={f"bins_{fitted.column}": _figure(fitted) for fitted in by_iv},
    )


def _leak_table(signs: Sequence[LeakSigns]) -> Table:
    """Return the signs of a leak by column: alarms, then notes, then the rest, by falling AUC."""
    ranked = sorted(signs, key=lambda s: (LEVELS.index(s.level), -s.auc, s.column))
    rows = tuple(
        (
            s.column,
            s.level,
            s.reason,
            s.auc,
            s.iv,
            s.share,
            s.presence_iv,
            s.sure_bads,
            s.sure_goods,
        )
        for s in ranked
    )
    return Table("Leak alarms: what tells the outcome too well", LEAK_TITLES, rows)


def _iv_band(iv: float) -> str:
    """Name the strength of a column by its information value."""
    return next((name for limit, name in IV_BANDS if iv < limit), SUSPICIOUS)


def _rows(fitted: ColumnBins) -> Iterator[tuple[Any, ...]]:
    """Give label, goods, bads, rows, share, bad rate and WoE of each bin."""
    all_rows = sum(fitted.n_good) + sum(fitted.n_bad)
    for label, good, bad, woe in zip(
        fitted.labels, fitted.n_good, fitted.n_bad, fitted.woe, strict=True
    ):
        n_rows = good + bad
        yield label, good, bad, n_rows, n_rows / all_rows, bad / n_rows if n_rows else None, woe


def _figure(fitted: ColumnBins) -> Figure:
    filled = [row for row in _rows(fitted) if row[3]]
    labels = tuple(row[0] for row in filled)
    values = np.array([row[4:6] for row in filled])
    return Figure(
        f"Bins of {fitted.column}",
        fitted.column,
        "share of rows, bad rate",
        (
            Series("share of rows", labels, tuple(values[:, 0].tolist()), "bars"),
            Series("bad rate", labels, tuple(values[:, 1].tolist())),
        ),
        note=f"Information value {fitted.iv:.3f}; empty bins are not shown.",
    )
