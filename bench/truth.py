"""How near a model comes to the truth of the embedded book, on the loans it was tested on."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.stats import rankdata

from bench.command import Run
from bench.released import table_of
from penstock.conf import RunConf
from penstock.errors import DataError
from penstock.measure.calibration import ece
from penstock.measure.counts import ScoreCounts
from penstock.store.home import Home
from penstock.store.models import ModelVersion, Registry
from penstock.store.tracking import open_tracking

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Recovery:
    """A model against the true PD, on the same loans.

    Attributes:
        auc_gap: AUC of the true PD less AUC of the model; may be negative by chance.
        auc_gap_half_width: Half the 95 % interval of the gap, both AUCs on the same loans.
        ece_true: ECE of the true PD, which chance alone keeps from zero.
    """

    loans: int
    auc_model: float
    auc_true: float
    auc_gap: float
    auc_gap_half_width: float
    ece_model: float
    ece_true: float


def recovery(spark: SparkSession, run: Run) -> Recovery:
    """Compare the PDs of `test_scores` with those of `true_risk`, as the run released them."""
    scored = table_of(spark, run, "test_scores")
    return _recovery(scored, table_of(spark, run, "true_risk"), bins=_bins(run))


def recovery_on_larger(spark: SparkSession, run: Run, larger: Run) -> Recovery:
    """Judge the model of one run on the test sample of a run over a larger book.

    The larger book begins with the loans of the smaller, so those of its test sample are out of
    time for both models.
    """
    model = _model(run)
    scored = model.transform(table_of(spark, larger, "test"))
    return _recovery(scored, table_of(spark, larger, "true_risk"), bins=_bins(larger))


def _recovery(scored: DataFrame, true_risk: DataFrame, *, bins: int) -> Recovery:
    """Bring one row for each loan of the test sample to the driver, three numbers each."""
    truth = true_risk.select(F.col("id").alias("loan_id"), "true_pd")
    joined = scored.select("loan_id", "pd", "is_bad").join(truth, "loan_id", how="left")
    rows = joined.select("pd", "true_pd", "is_bad").toPandas()
    if without := int(rows["true_pd"].isna().sum()):
        raise DataError(f"{without:,} tested loans are not in true_risk: is it of the same book?")
    is_bad = rows["is_bad"].to_numpy().astype(bool)
    model, true = rows["pd"].to_numpy(), rows["true_pd"].to_numpy()
    auc_model, auc_true, half_width = compare_aucs(model, true, is_bad)
    return Recovery(
        loans=len(rows),
        auc_model=auc_model,
        auc_true=auc_true,
        auc_gap=auc_true - auc_model,
        auc_gap_half_width=half_width,
        ece_model=ece(ScoreCounts.of(model, is_bad), bins=bins),
        ece_true=ece(ScoreCounts.of(true, is_bad), bins=bins),
    )


def compare_aucs(
    first: NDArray[np.float64], second: NDArray[np.float64], is_bad: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Return both AUCs and half the 95 % interval of their difference; all of shape (n_loans,).

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), section 3, for two scores of the
        same loans.
    """
    bads_1, goods_1 = _placements(first, is_bad)
    bads_2, goods_2 = _placements(second, is_bad)
    variance = sum(np.var(d, ddof=1) / len(d) for d in (bads_1 - bads_2, goods_1 - goods_2))
    half_width = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * float(np.sqrt(variance))
    return float(bads_1.mean()), float(bads_2.mean()), half_width


def _placements(
    score: NDArray[np.float64], is_bad: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each bad the share of goods below it, for each good the share of bads above."""
    rank = rankdata(score)
    goods_below = (rank[is_bad] - rankdata(score[is_bad])) / (~is_bad).sum()
    bads_below = (rank[~is_bad] - rankdata(score[~is_bad])) / is_bad.sum()
    return goods_below, 1 - bads_below


def _bins(run: Run) -> int:
    return int(run.record["config"]["params"]["evaluate_pd"]["bins"])


def _model(run: Run) -> PipelineModel:
    version = run.dataset("pd_model")["version"]
    name = run.record["config"]["catalog"]["pd_model"]["name"]
    tracking = open_tracking(RunConf(**run.record["config"]["run"]), Home(run.home))
    registry = Registry(tracking.client, str(run.home / "cache"))
    model: PipelineModel = registry.load(ModelVersion(name, version))
    return model
