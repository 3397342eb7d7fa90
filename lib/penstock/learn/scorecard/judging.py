"""How each variable of a scorecard does on loans that the scorecard has not seen.

Whether it still ranks them, and whether they still lie in the bins they lay in. Judged loans choose
no variables, or they would judge themselves: what is found here is for people.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.learn.binning.bins import ColumnBins
from penstock.learn.binning.cells import Longs
from penstock.learn.binning.leak_signs import ONE_SIDED, auc_of_bins
from penstock.learn.binning.woe import WOE, WoeBinningModel
from penstock.learn.scorecard.estimator import ScorecardModel
from penstock.learn.stages import stage_of, until
from penstock.measure.figures import csi_figure
from penstock.measure.stability import MODERATE, Shift, csi

LEAST_AUC = 0.55  # of a variable that has something to lose
KEPT = 0.5  # of what its AUC is above 0.5
COLLAPSED = "collapsed: a leak that ended, or a column that changed its meaning?"
TITLE = "Variables on loans the scorecard has not seen"
COLUMNS = ("variable", "AUC, development", "AUC, judged", "change", "look at it")
CONFIDENCE = 0.95  # that a CSI by chance alone stays below its threshold
CSI_TITLE = "Characteristic stability: judged loans against those the bins were made on"
CSI_COLUMNS = ("variable", "used", "CSI", "band", "CSI by chance", "beyond chance")

Counts = Mapping[str, tuple[list[float], Longs, Longs]]
"""Variable to its WoE, falling, and the goods and bads at each."""


def judge_variables(judged: DataFrame, model: PipelineModel) -> Evidence:
    """Compare ranking and spread of each variable on judged loans with those on development.

    A variable has collapsed if, beyond the bounds of chance, less than half is left of what its
    AUC was above 0.5. It has shifted if the CSI of its bins is 0.10 or more and beyond chance; bins
    of equal WoE count as one, as the scorecard sees no difference. One Spark query, which returns a
    row per variable and WoE.

    Grain: one row per loan.

    Args:
        judged: Loans that were not fitted on: `is_bad` (0 or 1) and the features.
        model: A fitted `scorecard_pd`.

    Returns:
        Tables "variables_judged" (all variables that have bins, those that fell most first) and
        "csi" (those that shifted most first); figure "csi", of the most shifted. Metrics
        `collapsed_variables`, and `shifted_variables` of those used. The AUC of judged loans
        without both classes is None, and so is the CSI without judged loans.
    """
    binning = stage_of(model, WoeBinningModel)
    counts = _counts(until(model, binning).transform(judged), binning.column_bins)
    rows = [_row(bins, *counts[bins.column][1:]) for bins in binning.column_bins]
    rows.sort(key=lambda row: (row[3] is None, row[3], row[0]))
    shifts = csi(
        {bins.column: _loans_by_woe(bins) for bins in binning.column_bins},
        {name: _loans_at(*of_variable) for name, of_variable in counts.items()},
        confidence=CONFIDENCE,
    )
    used = stage_of(model, ScorecardModel).fitted.columns
    drawn = csi_figure({name: found for name, found in shifts.items() if found})
    return Evidence(
        metrics={
            "collapsed_variables": float(sum(bool(row[4]) for row in rows)),
            "shifted_variables": float(sum(_has_shifted(shifts[name]) for name in used)),
        },
        tables={
            "variables_judged": Table(TITLE, COLUMNS, tuple(rows)),
            "csi": _csi_table(shifts, used),
        },
        figures={"csi": drawn} if drawn else {},
    )


def _has_shifted(shift: Shift | None) -> bool:
    return shift is not None and shift.is_beyond_chance and shift.psi >= MODERATE


def _csi_table(shifts: Mapping[str, Shift | None], used: Sequence[str]) -> Table:
    rows = [
        (name, name in used, s.psi, s.band, s.threshold, s.is_beyond_chance)
        if s
        else (name, name in used, None, None, None, None)
        for name, s in shifts.items()
    ]
    rows.sort(key=lambda row: (row[2] is None, -(row[2] or 0.0), row[0]))
    return Table(CSI_TITLE, CSI_COLUMNS, tuple(rows))


def _loans_by_woe(bins: ColumnBins) -> dict[str, int]:
    loans = np.array(bins.n_good) + np.array(bins.n_bad)
    filled = loans > 0
    return _loans_at(list(np.array(bins.woe)[filled]), loans[filled], np.zeros_like(loans[filled]))


def _loans_at(woe: Sequence[float], n_good: Longs, n_bad: Longs) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, loans in zip(woe, (n_good + n_bad).tolist(), strict=True):
        # Bins are told apart by their WoE, as text; adding 0 makes -0.0 the same as 0.0.
        name = repr(float(at) + 0.0)
        found[name] = found.get(name, 0) + loans
    return found


def _row(
    bins: ColumnBins, n_good: Longs, n_bad: Longs
) -> tuple[str, float, float | None, float | None, str]:
    safest_first = np.argsort(bins.woe, kind="stable")[::-1]
    before, error_before = auc_of_bins(
        np.array(bins.n_good)[safest_first], np.array(bins.n_bad)[safest_first]
    )
    if not n_good.sum() or not n_bad.sum():
        return bins.column, before, None, None, ""
    now, error_now = auc_of_bins(n_good, n_bad)
    least_before, most_now = before - ONE_SIDED * error_before, now + ONE_SIDED * error_now
    is_lost = before >= LEAST_AUC and most_now - 0.5 < KEPT * (least_before - 0.5)
    return bins.column, before, now, now - before, COLLAPSED if is_lost else ""


def _counts(scored: DataFrame, columns: Sequence[ColumnBins]) -> Counts:
    """Return goods and bads of each variable by WoE, the safest first."""
    values = [
        F.struct(F.lit(number).alias("number"), F.col(WOE + each.column).alias("woe"))
        for number, each in enumerate(columns)
    ]
    found = (
        scored.select("is_bad", F.inline(F.array(*values)))
        .groupBy("number", "woe")
        .agg(
            F.count_if(F.col("is_bad") == 0).alias("n_good"),
            F.count_if(F.col("is_bad") == 1).alias("n_bad"),
        )
        .toPandas()
        .sort_values("woe", ascending=False)
    )
    by_number = {number: found[found.number == number] for number in range(len(columns))}
    return {
        each.column: (
            by_number[n].woe.tolist(),
            by_number[n].n_good.to_numpy(),
            by_number[n].n_bad.to_numpy(),
        )
        for n, each in enumerate(columns)
    }
