"""A book for tests of the node: a few hundred applicants, and limits on them, by hand too."""

import numpy as np
import pandas
from pyspark.sql import functions as F

from tests.portfolio.books import NO_TAILS

COLUMNS = (
    "application_id STRING, offer INT, profit DOUBLE, lent DOUBLE, loss DOUBLE, "
    "region STRING, housing STRING, product STRING"
)
N, TOLERANCE = 240, 5e-4


def draw(applicants=N, seed=5):
    """Draw applicants with up to four offers; every ninth offer cannot be made."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(applicants):
        region = random.choice(["north", "south", None], p=[0.5, 0.4, 0.1])
        housing = "own" if random.random() < 0.3 else "rent"
        pd = random.beta(1.5, 14) * (0.7 if housing == "own" else 1.1)
        asked = float(np.exp(random.normal(9, 0.5)))
        for offer in range(1 + number % 4):
            amount = round(asked * (1, 0.75, 0.5, 0.25)[offer], 4)
            loss = round(0.6 * pd * amount, 6)
            profit = round(0.09 * amount - loss - 25, 6)
            is_made = random.random() > 1 / 9
            row = (f"a{number}", 3 * offer, profit if is_made else None, amount, loss)
            rows.append((*row, region, housing, "long" if offer % 2 else "short"))
    return pandas.DataFrame(rows, columns=[c.split()[0] for c in COLUMNS.split(", ")])


BOOK = draw()
LOSS = "loss rate"
LIMITS = [
    {"name": "lent", "measure": "lent", "at_most": 900_000.0},
    {"name": LOSS, "measure": "loss", "per": "lent", "at_most": 0.035},
    {
        "name": "south",
        "measure": "lent",
        "where": {"region": ["south"], "product": ["short"]},
        "per": "lent",
        "at_most": 0.3,
    },
    {"name": "many", "measure": "approvals", "at_least": 120.0},
    {
        "name": "long",
        "measure": "approvals",
        "where": {"product": ["long"]},
        "per": "approvals",
        "at_least": 0.45,
    },
]
# The same by hand, as rows of sum a x <= b.
ROWS = {
    "lent": ("lent", 900_000),
    "loss rate": ("loss - 0.035 * lent", 0),
    "south": ("lent * (if(region <=> 'south' AND product = 'short', 1, 0) - 0.3)", 0),
    "many": ("-1", -120),
    "long": ("0.45 - if(product = 'long', 1, 0)", 0),
}
PARITY = {"attribute": "housing", "min_ratio": 0.8, "enforce": False}
MULTIPLES = [0.4, 0.6, 0.8, 1.0, 1.3, 1.8]
OF_RATIO = [0.5, 0.55, 0.57, 1.0]  # at the first of either, the floor cannot be met
USUAL = {
    "profit": "profit",
    "limits": LIMITS,
    "parities": [PARITY],
    **NO_TAILS,
    "tolerance": TOLERANCE,
    "frontiers": [],
}


def prices_of(found):
    return {row.limit: row.price for row in found[1].collect()}


def status(certificate):
    [[told]] = certificate.tables["status"].rows
    return told


def first_of(offers, applicants):
    """Return the applicants, of those with an offer, whose keys have the lowest hashes."""
    keys = offers.where("profit IS NOT NULL").select("application_id").distinct()
    return keys.orderBy(F.xxhash64("application_id"), "application_id").limit(applicants)
