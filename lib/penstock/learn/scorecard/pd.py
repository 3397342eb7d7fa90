"""The scorecard from typed columns to calibrated PD and points, by its parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.binning.rules import BinningDocument, BinShare, MostBins, rules_by_column
from penstock.learn.binning.woe import WoeBinning
from penstock.learn.calibrated import CalibratedClassifier
from penstock.learn.feature_names import check_feature_names
from penstock.learn.folds import FOLD
from penstock.learn.pd_columns import LABEL, PD, SAMPLE, WEIGHT
from penstock.learn.reweighing import weight_column
from penstock.learn.scaling import Calibration
from penstock.learn.scorecard.binned import BinnedScorecard
from penstock.learn.scorecard.classifier import ScorecardClassifier
from penstock.learn.scorecard.estimator import Scorecard
from penstock.learn.scorecard.points import PointScale
from penstock.learn.scorecard.selection import Selection
from penstock.learn.text.scoring import TEXT_PD, text_score

POINTS = "points"


def scorecard_pd(
    *,
    numeric: list[str],
    categorical: list[str],
    text: list[str],
    trends: dict[str, str],
    special_codes: dict[str, list[float]],
    min_bin_share: BinShare,
    max_bins: MostBins | None,
    binning: dict[str, BinningDocument],
    constraints: dict[str, str],
    ridge: float,
    iv_floor: float,
    max_correlation: float,
    max_vif: float,
    stepwise: str,
    significance: float,
    forced: list[str],
    forbidden: list[str],
    pdo: float,
    base_points: float,
    base_odds: float,
    calibration: str,
    calibrator: str,
    population_bad_rate: float | None,
    reweighed_by: list[str],
) -> ScorecardClassifier:
    """Return the unfitted PD model: optimal bins, a scorecard on their WoE, and a calibration.

    It is fitted and calibrated on rows with `sample` = "development" and "calibration", by the
    label `is_bad`, and adds `points` (INT, higher = safer) and `pd` (DOUBLE, inside 0-1). Missing
    values and categories that were never seen have bins of their own.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        text: Texts, read as one, whose score `text_pd` is one more number (`TextScore`). Whatever
            is fitted on rows is fitted on values by models that have not seen them
            (`CrossFitted`). The parameters below may name `text_pd` as a feature.
        trends: Feature to how its bad rate may go from bin to bin: auto (without being named),
            ascending, descending, peak, valley or none.
        special_codes: Numeric feature to values that have a bin each, as -9 for "no file".
        min_bin_share: Least share of loans in a bin, 0-0.5.
        max_bins: Most bins of values of a feature; None: as many as the other rules allow.
        binning: Feature to rules of its bins in place of these, as `BinningRules` names them.
        constraints: Feature to conditions on its coefficient, parted by commas: "free" of the sign
            rule, "<= -0.2", ">= other_feature", "= -1".
        ridge: Strength of the penalty on coefficients, >= 0.
        iv_floor: Least information value of a feature.
        max_correlation: Greatest absolute correlation of two features' WoE, 0-1.
        max_vif: Greatest variance inflation factor, >= 1.
        stepwise: "forward", "both" (features may also leave) or "none". Each `fold` of the rows is
            held out in turn, and judges by bins and coefficients made without it.
        significance: Greatest p-value of a feature that enters stepwise, 0-1.
        forced: Features used in any case, even where they look like leaks.
        forbidden: Features that are binned and reported, but never used.
        pdo: Points that double the odds of good, > 0.
        base_points: Points at the base odds.
        base_odds: Goods per bad, > 0.
        calibration: "held_out": fitted on development rows, calibrated on calibration rows.
            "out_of_fold": fitted on both, and calibrated on the margins that loans of each `fold`
            have from a scorecard made without it, bins and choice of features too; as many more
            scorecards are fitted as there are folds.
        calibrator: "platt"; or "isotonic" (`fit_isotonic`), whose PD points do not stand for.
        population_bad_rate: Bad rate of the population, above 0 and below 1, where rows were drawn
            by outcome: PDs and points are restated for it. None: they are the rows'.
        reweighed_by: Attributes that the rows were reweighed by (`reweigh`): features are chosen
            and coefficients fitted by `sample_weight`. Bins are of counts, and the PD is calibrated
            on rows as they are. Empty: each row counts for one.

    Raises:
        ConfigError: No features, a feature named twice, label, sample, PD or points among them, or
            a parameter out of its range or for no feature.
    """
    check_feature_names(
        [*numeric, *categorical, *text],
        reserved={LABEL, SAMPLE, WEIGHT, PD, POINTS, TEXT_PD},
        model="the scorecard",
    )
    numbers = [*numeric, TEXT_PD] if text else numeric
    features = [*numbers, *categorical]
    _refuse_unknown("trends", trends, features)
    _refuse_unknown("special_codes", special_codes, numeric)
    scale = PointScale(pdo, base_points, base_odds)
    _refuse_scale(scale)
    selection = Selection(
        iv_floor=iv_floor,
        max_correlation=max_correlation,
        max_vif=max_vif,
        stepwise=stepwise,
        significance=significance,
        forced=tuple(forced),
        forbidden=tuple(forbidden),
    )
    bins = WoeBinning.of(
        numeric=numbers,
        categorical=categorical,
        label=LABEL,
        rules={"min_share": min_bin_share, "max_bins": max_bins},
        by_column=rules_by_column(
            trends=trends,
            special_codes=special_codes,
            trusted=[name for name in forced if name in features],
            binning=binning,
        ),
    )
    fold = None if stepwise == "none" else FOLD
    weight = weight_column(reweighed_by, calibration)
    scorecard = Scorecard.of(
        features,
        label=LABEL,
        selection=selection,
        constraints=constraints,
        ridge=ridge,
        weight=weight,
        fold=fold,
    )
    calibrated = CalibratedClassifier(
        BinnedScorecard(bins, scorecard),
        numeric=numeric,
        categorical=categorical,
        label=LABEL,
        sample=SAMPLE,
        pd=PD,
        fold=fold,
        calibration=Calibration(calibration, calibrator, population_bad_rate),
        cross_fitted=text_score(text, label=LABEL),
        needs_values=False,
        weight=weight,
    )
    return ScorecardClassifier(calibrated, scale=scale, points=POINTS)


def _refuse_scale(scale: PointScale) -> None:
    for name, value in (("pdo", scale.pdo), ("base_odds", scale.base_odds)):
        if value <= 0:
            raise ConfigError(f"{name} of the scorecard is {value:g}; it must be above 0.")


def _refuse_unknown(parameter: str, named: Mapping[str, Any], features: Sequence[str]) -> None:
    for name in named:
        if name not in features:
            raise ConfigError(
                f"'{parameter}' of the scorecard names '{name}', which is not among the features "
                f"it can be for.{did_you_mean(name, features)}"
            )
