"""Loans whose risk bends, steps and depends on what is missing: trees see more than a line."""

import numpy as np
import pandas

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
