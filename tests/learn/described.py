"""A table of observations, described."""

import datetime as dt

from penstock.learn.observations import read_observations

DESCRIBED = {
    "key": ["id"],
    "target": "status",
    "good_values": ["paid"],
    "bad_values": ["lost", "late"],
    "date": "day",
    "date_format": "yyyy-MM-dd",
    "bad_date": "",
    "performance_months": None,
    "numeric": ["amount"],
    "categorical": ["purpose"],
    "text": [],
    "group": [],
    "missing": ["NA", "?"],
    "protected": [],
    "as_of": dt.date(2024, 6, 30),
}

COLUMNS = "id STRING, status STRING, day STRING, amount STRING, purpose STRING"
ROWS = [
    ("1", "paid", "2023-12-31", " 10.5 ", " car "),
    ("2", "lost", "2024-01-31", "na", "?"),
    ("3", "running", "2024-02-29", None, ""),
    ("4", "late", "2024-03-01", "1e3", "house"),
    ("5", None, "NA", "a lot", "car"),
    ("6", "paid", "31.12.2023", "infinity", "car"),
]


def described(table, **changes):
    return read_observations(table, **DESCRIBED | changes)
