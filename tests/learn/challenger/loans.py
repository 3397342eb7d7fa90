"""Loans whose risk bends, steps and depends on what is missing, and challengers to fit on them.

Trees see more of it than a line.
"""

import numpy as np
import pandas

from penstock.evidence import Evidence, Table
from penstock.learn.challenger.pd import challenger_pd

N = 3000


def simulated_loans() -> pandas.DataFrame:
    random = np.random.default_rng(5)
    debt = random.exponential(1000.0, N)
    loans = pandas.DataFrame(
        {
            "income": random.normal(0, 1, N),
            "debt": debt,
            "term": random.choice([36, 60], N).astype("int32"),
            "purpose": random.choice(["car", "card", "home"], N),
            "sample": np.where(np.arange(N) % 3 < 2, "development", "calibration"),
        }
    )
    log_odds = (
        -1.8
        - 0.9 * loans.income
        + 0.5 * np.log(debt / 1000)
        + 1.5 * ((loans.purpose == "card") & (loans.term == 60))
    )
    loans["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype("int32")
    # Nobody asked the riskier half of these for their income.
    loans.loc[(log_odds > -1.5) & (random.random(N) < 0.3), "income"] = np.nan
    return loans


LOANS = simulated_loans()

PARAMETERS = {
    "numeric": ["income", "debt", "term"],
    "categorical": ["purpose"],
    "text": [],
    "trainer": "xgboost",
    "candidates": [],
    "settings": {},
    "monotone": {},
    "class_weights": "none",
    "seed": 7,
    "search": {},
    "trials": 0,
    "slots": 2,
    "search_seed": 1,
    "objective": "log_loss",
    "folds_by": "group",
    "calibration": "held_out",
    "calibrator": "platt",
    "population_bad_rate": None,
    "reweighed_by": [],
}
SMALL = {
    "logistic": {"regParam": 0.001},
    "random_forest": {"numTrees": 10, "maxDepth": 5},
    "gbt": {"maxIter": 8, "maxDepth": 3},
    "xgboost": {"n_estimators": 40, "max_depth": 3, "learning_rate": 0.2},
}
FEATURES = [*PARAMETERS["numeric"], *PARAMETERS["categorical"]]


def challenger(trainer, **changes):
    settings = SMALL[trainer] | changes.pop("settings", {})
    return challenger_pd(**PARAMETERS | {"trainer": trainer, "settings": settings} | changes)


def leak_report(**reasons):
    """Return what `find_leaks` would have found."""
    return Evidence({}, {"leaks": Table("", ("column", "reason"), tuple(reasons.items()))})
