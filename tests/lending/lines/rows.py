"""Rows of credit lines by month, made in a line each."""

import datetime as dt
from decimal import Decimal

from penstock.lending.lines.realised_ccf import FEATURES

STATES = (
    "line_id STRING, month DATE, is_default BOOLEAN, limit_usd DECIMAL(12,2), "
    "balance_usd DECIMAL(12,2), "
) + ", ".join(f"{name} DOUBLE" for name in FEATURES)


def usd(amount):
    return None if amount is None else Decimal(str(amount))


def state(line, month, limit, balance, is_default=False):
    """Return a line at the end of a month, "2023-02-28"; its features are unknown."""
    day = dt.date.fromisoformat(month)
    return (line, day, is_default, usd(limit), usd(balance), *[None] * len(FEATURES))
