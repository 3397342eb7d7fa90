"""Bins and a scorecard on their WoE, whose columns are chosen by bins that no judge has made."""

from pyspark.ml import Estimator, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.learn.binning.woe import WoeBinning
from penstock.learn.scorecard.estimator import HASHED_FOLDS, Scorecard
from penstock.learn.scorecard.unseen import FoldBins


class BinnedScorecard(Estimator[PipelineModel]):
    """Fits bins of all loans, and a scorecard on their WoE.

    Where its columns are chosen stepwise, whatever is fitted is fitted without the fold that
    judges: bins, WoE and coefficients. No outcome of a loan takes part in how likely it is found.

    Args:
        bins: Unfitted; it adds the columns that the scorecard reads.
        scorecard: Unfitted. Its column of folds may be missing: then loans are spread over five by
            a hash of what is binned, equal ones together.
    """

    def __init__(self, bins: WoeBinning, scorecard: Scorecard) -> None:
        super().__init__()
        self.bins = bins
        self.scorecard = scorecard

    @property
    def fold(self) -> str | None:
        """The column of the folds that are held out to choose columns by, if there is one."""
        return self.scorecard.fold

    def _fit(self, dataset: DataFrame) -> PipelineModel:
        if self.fold is not None and self.fold not in dataset.columns:
            hashed = F.xxhash64(*self.bins.getInputCols())
            dataset = dataset.withColumn(self.fold, F.pmod(hashed, F.lit(HASHED_FOLDS)))
        binning, fitted = self.bins.fit_with_counts(dataset)
        fold_bins = FoldBins({each.column: each for each in fitted.bins}, fitted.counted)
        woe = binning.transform(dataset)
        return PipelineModel([binning, self.scorecard.fit_judged(woe, fold_bins)])
