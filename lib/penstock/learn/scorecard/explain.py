"""What a fitted scorecard has learnt, as evidence."""

from pyspark.ml import PipelineModel

from penstock.evidence import Evidence, Table
from penstock.learn.binning.tables import explain_bins
from penstock.learn.binning.woe import WoeBinningModel
from penstock.learn.scorecard.estimator import ScorecardModel
from penstock.learn.scorecard.rounding import RoundingLoss
from penstock.learn.scorecard.scoring import ScorecardPoints
from penstock.learn.scorecard.tables import BinPoints, bin_points, scorecard_table, variable_table
from penstock.learn.stages import stage_of


def explain_scorecard(model: PipelineModel) -> Evidence:
    """Return the evidence of a fitted `scorecard_pd`; no Spark job.

    Tables: "scorecard" (bins with points), "variables" (information value, variance inflation,
    coefficient with its standard error, or the reason why it was left out), "rounding" (exact
    against rounded points, on the calibration rows), and the tables and figures of the bins.
    Metrics: `variables_used`,
    `least_points`, `greatest_points`, `rounding_auc_loss`, `rounding_pd_difference` and
    `leak_alarms` (columns that look like leaks, forced ones too).
    """
    binning = stage_of(model, WoeBinningModel)
    fitted = stage_of(model, ScorecardModel).fitted
    points: ScorecardPoints = stage_of(model, ScorecardPoints)
    rule, loss = points.point_rule, points.rounding_loss
    rows = bin_points(binning.column_bins, fitted, rule)
    bins = explain_bins(binning)
    metrics = {
        "variables_used": float(len(fitted.columns)),
        "least_points": float(sum(map(min, _by_variable(rows)))),
        "greatest_points": float(sum(map(max, _by_variable(rows)))),
        "rounding_auc_loss": _auc_loss(loss),
        "rounding_pd_difference": loss.largest_pd_difference,
        "leak_alarms": float(sum(each.level == "alarm" for each in binning.leak_signs)),
    }
    tables = {
        "scorecard": scorecard_table(rows, rule),
        "variables": variable_table(fitted, binning.left_out),
        "rounding": _rounding_table(loss),
    }
    return Evidence(metrics, tables | bins.tables, bins.figures)


def _by_variable(rows: tuple[BinPoints, ...]) -> list[list[int]]:
    points: dict[str, list[int]] = {}
    for row in rows:
        points.setdefault(row.variable, []).append(row.points)
    return list(points.values())


def _auc_loss(loss: RoundingLoss) -> float | None:
    if loss.auc_exact is None or loss.auc_rounded is None:
        return None
    return loss.auc_exact - loss.auc_rounded


def _rounding_table(loss: RoundingLoss) -> Table:
    rows = (
        ("loans", loss.loans),
        ("AUC of exact points", loss.auc_exact),
        ("AUC of rounded points", loss.auc_rounded),
        ("largest difference in PD", loss.largest_pd_difference),
        ("largest difference in points", loss.largest_point_difference),
    )
    return Table("What rounding points loses, on calibration rows", ("measure", "value"), rows)
