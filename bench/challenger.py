"""The challenger of the benches: plain but for what a bench measures, no search and no texts."""

from typing import Any

from penstock.learn.challenger.classifier import ChallengerClassifier
from penstock.learn.challenger.pd import challenger_pd

PLAIN: dict[str, Any] = {
    "categorical": [],
    "text": [],
    "candidates": [],
    "settings": {},
    "monotone": {},
    "class_weights": "none",
    "seed": 1,
    "search": {},
    "trials": 0,
    "slots": 1,
    "search_seed": 1,
    "objective": "log_loss",
    "folds_by": "group",
    "calibration": "held_out",
    "calibrator": "platt",
    "population_bad_rate": None,
    "reweighed_by": [],
}


def challenger(**measured: Any) -> ChallengerClassifier:
    """Return the unfitted `challenger_pd` by these parameters, and by `PLAIN` for all others."""
    return challenger_pd(**PLAIN | measured)
