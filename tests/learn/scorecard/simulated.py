"""Loans whose risk follows three columns of four, and the parameters of a scorecard on them."""

import numpy as np
import pandas

PARAMETERS = {
    "numeric": ["income", "debt", "noise"],
    "categorical": ["purpose"],
    "text": [],
    "trends": {"income": "descending"},
    "max_bins": None,
    "binning": {},
    "special_codes": {"debt": [-9.0]},
    "min_bin_share": 0.05,
    "constraints": {"debt": "<= -0.2"},
    "ridge": 0.0,
    "iv_floor": 0.02,
    "max_correlation": 0.7,
    "max_vif": 5.0,
    "stepwise": "forward",
    "significance": 0.01,
    "forced": [],
    "forbidden": [],
    "pdo": 20.0,
    "base_points": 600.0,
    "base_odds": 50.0,
    "calibration": "held_out",
    "calibrator": "platt",
    "population_bad_rate": None,
    "reweighed_by": [],
}
N = 4000


def simulated() -> pandas.DataFrame:
    random = np.random.default_rng(2)
    income, debt, noise = random.normal(0, 1, (3, N))
    purpose = random.choice(["car", "card", "home"], N, p=[0.3, 0.5, 0.2])
    effect = np.select([purpose == "car", purpose == "card"], [-0.6, 0.5], 0.0)
    log_odds = -1.5 - 0.9 * income + 0.8 * debt + effect
    loans = pandas.DataFrame({"income": income, "debt": debt, "noise": noise, "purpose": purpose})
    loans["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype(int)
    loans["sample"] = np.where(np.arange(N) % 3 < 2, "development", "calibration")
    loans["fold"] = np.arange(N) % 4
    loans.loc[random.random(N) < 0.08, "debt"] = -9.0
    loans.loc[random.random(N) < 0.05, "income"] = np.nan
    return loans


LOANS = simulated()
