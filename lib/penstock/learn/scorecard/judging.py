"""How well each variable of a scorecard still ranks loans that the scorecard has not seen.

Judged loans choose no variables, or they would judge themselves: what is found here is for people.
"""

from collections.abc import Sequence

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.evidence import Evidence, Table
from penstock.learn.binning.bins import ColumnBins
from penstock.learn.binning.cells import Longs
from penstock.learn.binning.leak_signs import ONE_SIDED, auc_of_bins
from penstock.learn.binning.woe import WOE, WoeBinningModel

LEAST_AUC = 0.55  # of a variable that has something to lose
KEPT = 0.5  # of what its AUC is above 0.5
COLLAPSED = "collapsed: a leak that ended, or a column that changed its meaning?"
TITLE = "Variables on loans the scorecard has not seen"
COLUMNS = ("variable", "AUC, development", "AUC, judged", "change", "look at it")


def judge_variables(judged: DataFrame, model: PipelineModel) -> Evidence:
    """Compare how well each variable ranks judged loans with how well it ranked development.

    A variable has collapsed if, beyond the bounds of chance, less than half is left of what its
    AUC was above 0.5. One Spark query, which returns a row per variable and WoE.

    Grain: one row per loan.

    Args:
        judged: Loans that were not fitted on: `is_bad` (0 or 1) and the features.
        model: A fitted `scorecard_pd`.

    Returns:
        Table "variables_judged": all variables that have bins, those that fell most first. Metric
        `collapsed_variables`. The AUC of judged loans without both classes is None.
    """
    binning = next(stage for stage in model.stages if isinstance(stage, WoeBinningModel))
    counts = _counts(binning.transform(judged), binning.column_bins)
    rows = [_row(bins, *counts[bins.column]) for bins in binning.column_bins]
    rows.sort(key=lambda row: (row[3] is None, row[3], row[0]))
    return Evidence(
        metrics={"collapsed_variables": float(sum(bool(row[4]) for row in rows))},
        tables={"variables_judged": Table(TITLE, COLUMNS, tuple(rows))},
        figures={},
    )


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


def _counts(scored: DataFrame, columns: Sequence[ColumnBins]) -> dict[str, tuple[Longs, Longs]]:
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
        each.column: (by_number[n].n_good.to_numpy(), by_number[n].n_bad.to_numpy())
        for n, each in enumerate(columns)
    }
