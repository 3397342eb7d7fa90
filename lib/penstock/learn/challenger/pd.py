"""The challenger from typed columns to a calibrated PD, by its parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.errors import ConfigError, did_you_mean
from penstock.learn.challenger.classifier import ChallengerClassifier
from penstock.learn.challenger.recipe import Recipe
from penstock.learn.challenger.settings import SETTINGS
from penstock.learn.challenger.trainers import DIRECTIONS, KEEPS_DIRECTIONS
from penstock.learn.challenger.weighted import CLASS_WEIGHTS
from penstock.learn.feature_names import check_feature_names
from penstock.learn.folds import check_folds_by
from penstock.learn.pd_columns import LABEL, PD, SAMPLE, WEIGHT
from penstock.learn.reweighing import weight_column
from penstock.learn.scaling import Calibration
from penstock.learn.text.scoring import TEXT_PD
from penstock.learn.tuning.study import SearchRules

AUTO = "auto"


def challenger_pd(
    *,
    numeric: list[str],
    categorical: list[str],
    text: list[str],
    trainer: str,
    candidates: list[str],
    settings: dict[str, Any],
    monotone: dict[str, str],
    class_weights: str,
    seed: int,
    search: dict[str, Any],
    trials: int,
    slots: int,
    search_seed: int,
    objective: str,
    folds_by: str,
    calibration: str,
    calibrator: str,
    population_bad_rate: float | None,
    reweighed_by: list[str],
) -> ChallengerClassifier:
    """Return an unfitted PD model by another trainer than the scorecard's, with a calibration.

    It is fitted and calibrated on rows with `sample` = "development" and "calibration", by the
    label `is_bad`, and adds `pd` (DOUBLE, inside 0-1). Categories: a dummy for each level, null and
    blank being one; a level unseen in fitting has no dummy, so the other features decide. Numbers:

    - logistic: drawn in to the 1 % and 99 % quantiles, and logarithms of skewed ones (`Tails`);
      gaps are filled by the median, with an indicator.
    - random_forest, gbt (MLlib): gaps are filled by the median, with an indicator.
    - xgboost: as they are; at each split, missing ones go where they fit better.

    One task has one core, and `num_workers` tasks train xgboost together: the model depends on
    their number, and on nothing else of the cluster.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        text: Texts, as of the scorecard (`scorecard_pd`); more rounds cannot be had with them.
        trainer: "logistic", "random_forest", "gbt" or "xgboost", or "auto": one of `candidates`.
        candidates: Trainers to choose from; those that cannot keep what is asked for are passed
            over. Each is judged, with its settings, by the objective on the folds that a search
            would be judged by, and the cheapest is taken of those as good as the best (`Contest`);
            of those about as cheap the first. Then its own settings are searched for, if `search`
            has any.
        settings: Hyper-parameters by the trainer's own names; `settings.py` has all of them, with
            what is taken for those left out. With "auto": trainer to its hyper-parameters.
        monotone: Numeric feature, or `text_pd`, to how the PD may go with it before calibration,
            "increasing" or "decreasing"; xgboost only.
        class_weights: "none", or "balanced": goods and bads weigh the same in sum. Calibration
            brings the PD back to the bad rate.
        seed: Of the draws of rows and features.
        search: Settings to search for on the development rows, by their `fold`, as in
            {"max_depth": {"low": 2, "high": 6}} (`read_space`). They go before `settings`. Empty:
            nothing is searched for, and no fold needed. With "auto": by trainer.
        trials: How many settings to try; 0: nothing is searched for.
        slots: How many of them at once.
        search_seed: Of the draws of settings.
        objective: "log_loss" or "auc", of folds held out.
        folds_by: "date" if folds follow each other in time, and each is judged by earlier ones;
            "group" if they were drawn, and each is judged by all others.
        calibration, calibrator, population_bad_rate, reweighed_by: As of the scorecard
            (`scorecard_pd`). Weights of rows and of classes are multiplied; folds held out judge
            without any.

    Raises:
        ConfigError: No features, a feature named twice, label, sample or PD among them, or another
            parameter that is not as above.
    """
    check_feature_names(
        [*numeric, *categorical, *text],
        reserved={LABEL, SAMPLE, WEIGHT, PD, TEXT_PD},
        model="the challenger",
    )
    if class_weights not in CLASS_WEIGHTS:
        raise ConfigError(
            f"Parameter 'class_weights' is '{class_weights}'; it must be "
            f"{' or '.join(CLASS_WEIGHTS)}.{did_you_mean(class_weights, CLASS_WEIGHTS)}"
        )
    is_auto = trainer == AUTO
    trainers = trainers_of(trainer, candidates, monotone)
    if is_auto:
        _check_by_trainer({"settings": settings, "search": search}, candidates)
    _check_monotone(monotone, trainer, [*numeric, TEXT_PD] if text else numeric, categorical)
    check_folds_by(folds_by)
    recipe = Recipe(
        trainers,
        settings=settings if is_auto else {trainer: settings},
        search=search if is_auto else {trainer: search},
        monotone=monotone,
        class_weights=class_weights,
        seed=seed,
        rules=SearchRules(trials, slots, search_seed, objective),
        by_time=folds_by == "date",
        calibration=Calibration(calibration, calibrator, population_bad_rate),
        text=tuple(text),
        weight=weight_column(reweighed_by, calibration),
    )
    return ChallengerClassifier(recipe, numeric=numeric, categorical=categorical)


def trainers_of(
    trainer: str, candidates: Sequence[str], monotone: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the trainers that the challenger may be of: the one, or all able candidates.

    Args:
        trainer, candidates, monotone: As of `challenger_pd`.

    Raises:
        ConfigError: The trainer is to be chosen, and the candidates are none, or none that keeps
            directions.
    """
    if trainer != AUTO:
        return (trainer,)
    if not candidates or len(set(candidates)) < len(candidates):
        raise ConfigError(
            f"Parameter 'candidates' is {list(candidates)}; it must name trainers, each once."
        )
    for name in candidates:
        if name not in SETTINGS:
            raise ConfigError(
                f"'candidates' names '{name}'; trainers are {', '.join(SETTINGS)}."
                f"{did_you_mean(name, SETTINGS)}"
            )
    able = tuple(name for name in candidates if not monotone or name in KEEPS_DIRECTIONS)
    if not able:
        raise ConfigError(
            f"None of the candidates {', '.join(candidates)} can keep a direction, as 'monotone' "
            f"asks for. Add {' or '.join(KEEPS_DIRECTIONS)}, or leave 'monotone' empty."
        )
    return able


def _check_by_trainer(parameters: Mapping[str, Mapping[str, Any]], trainers: Sequence[str]) -> None:
    for parameter, by_trainer in parameters.items():
        for name, given in by_trainer.items():
            if name not in trainers:
                raise ConfigError(
                    f"With trainer: {AUTO}, '{parameter}' is by trainer, and '{name}' is none of "
                    f"{', '.join(trainers)}: write {parameter}: {{{trainers[0]}: {{…}}}}."
                    f"{did_you_mean(name, trainers)}"
                )
            if not isinstance(given, Mapping):
                raise ConfigError(
                    f"'{parameter}' has {given!r} for {name}; it must be a map of settings."
                )


def _check_monotone(
    monotone: Mapping[str, str], trainer: str, numeric: Sequence[str], categorical: Sequence[str]
) -> None:
    if monotone and trainer not in (AUTO, *KEEPS_DIRECTIONS):
        raise ConfigError(
            f"'monotone' names {', '.join(monotone)}, but the trainer {trainer} cannot keep a "
            "direction. Take xgboost, or leave 'monotone' empty."
        )
    for name, direction in monotone.items():
        if name in categorical:
            raise ConfigError(f"'monotone' names '{name}', a category: categories have no order.")
        if name not in numeric:
            raise ConfigError(
                f"'monotone' names '{name}', which is not among the numeric features."
                f"{did_you_mean(name, numeric)}"
            )
        if direction not in DIRECTIONS:
            raise ConfigError(
                f"'monotone' has '{direction}' for '{name}'; it must be "
                f"{' or '.join(DIRECTIONS)}.{did_you_mean(direction, DIRECTIONS)}"
            )
