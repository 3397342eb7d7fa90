"""Outlook: the days on which the book is looked at, and the scenarios of the economy ahead."""

import datetime
import math
from typing import Annotated, Literal

from annotated_types import Ge, Interval, MinLen
from pydantic import AfterValidator
from pyspark.sql import Column
from pyspark.sql import functions as F
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.annotations import NotNegative, Positive, ShareOrAll


class Outlook(TypedDict):
    """What is expected on a reporting date.

    Keys:
        reporting_date: The day.
        pd_odds: Odds of default against those of the model, as a multiple, in every scenario.
        overlay: Share of the modelled allowance of stages 1 and 2 that is added by judgement.
    """

    reporting_date: datetime.date
    pd_odds: Positive
    overlay: NotNegative


class Scenario(TypedDict):
    """A way that the economy may go.

    Keys:
        name: Its name.
        weight: Its probability, above 0 and up to 1; all add up to 1.
        pd_odds: Multiple of the odds of default.
        lgd: Multiple of the LGD, which stays at most 1.
    """

    name: str
    weight: ShareOrAll
    pd_odds: Positive
    lgd: Positive


def _rising_dates(outlooks: list[Outlook]) -> list[Outlook]:
    days = [outlook["reporting_date"] for outlook in outlooks]
    if sorted(set(days)) != days:
        raise ValueError("its reporting dates must rise")
    return outlooks


def _whole(scenarios: list[Scenario]) -> list[Scenario]:
    total = math.fsum(scenario["weight"] for scenario in scenarios)
    if not math.isclose(total, 1, abs_tol=1e-9):
        raise ValueError(f"its weights add up to {total:g}, and must add up to 1")
    return scenarios


Outlooks = Annotated[list[Outlook], MinLen(1), AfterValidator(_rising_dates)]
Scenarios = Annotated[list[Scenario], MinLen(1), AfterValidator(_whole)]


class PastDueFloor(TypedDict):
    """The least lifetime PD of a loan that is behind.

    Keys:
        days: Past due, so many or more.
        pd: Lifetime PD, 0-1.
    """

    days: Annotated[int, Ge(1)]
    pd: Annotated[float, Interval(ge=0, lt=1)]


def of_reporting_date(outlooks: Outlooks, key: Literal["pd_odds", "overlay"]) -> Column:
    """Return what the outlook of the row's `reporting_date` says; null for any other date."""
    parts = [part for o in outlooks for part in (F.lit(o["reporting_date"]), F.lit(o[key]))]
    return F.create_map(*parts)[F.col("reporting_date")]
