"""A table of observations, described."""

import datetime as dt

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
