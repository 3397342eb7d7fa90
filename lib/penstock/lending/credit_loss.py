"""Credit loss: lifetime and twelve-month PD, and the expected credit loss over all scenarios.

In closed form for each loan: no row for a month or a scenario is ever made.
"""

from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.learn.odds import shifted
from penstock.lending.default_timing import Segments, last_month
from penstock.lending.instalments import between, growth, own_rate_balances, own_rate_columns
from penstock.lending.outlook import Outlooks, PastDueFloor, Scenarios, of_reporting_date

YEAR = 12


def add_credit_loss(
    exposures: DataFrame,
    loan_risk: DataFrame,
    default_timing: DataFrame,
    *,
    segments: Segments,
    outlooks: Outlooks,
    scenarios: Scenarios,
    past_due_floors: list[PastDueFloor],
) -> DataFrame:
    """Add what each exposure is expected to lose, over twelve months and over its life.

    Grain: one row per `loan_id` and `reporting_date`, in and out.

    A loan defaults at the first instalment that it never pays: it then owes the balance before it.
    Of loans with the PD p over their term, p defaults as `default_timing` says and 1 - p are paid
    back as it says. By what is known of a loan that has paid k instalments and is open, its odds of
    default are those of p times the defaults still to come over the payoffs still to come. Months
    of default, balances and discounting do not depend on the scenario; the PD and the LGD do.

    Args:
        exposures: Columns of `provision_checks.EXPOSURE_COLUMNS`.
        loan_risk: One row per `loan_id`: `pd` (over the whole term) and `lgd`, both 0-1.
        default_timing: From `estimate_default_timing`, by the same `segments`.
        segments: As there.
        outlooks: `pd_odds` of each reporting date.
        scenarios: Their weights, `pd_odds` and `lgd`.
        past_due_floors: Least lifetime PD of a loan so many days past due. How loans that are
            behind catch up is not told by last payments, so that it must be said.

    Returns:
        `exposures` and `pd`, `lgd`, `expected_lifetime_pd` (over the remaining term, as it was
        expected at issue of a loan that comes so far), `lifetime_pd` and `pd_12m` (with the floor,
        without outlook and scenarios; 1 in default), `scenario_lifetime_pd` (with them),
        `exposure_lifetime_usd` and `exposure_12m_usd` (mean discounted balance at a default within
        that time; in default the balance), `macro_factor` (loss with outlook and scenarios over
        loss without), `ecl_lifetime_usd` and `ecl_12m_usd` (DECIMAL(14,2)). Null where PD, LGD or
        the curve of the term is unknown.

    Source:
        ECL = sum over t of marginal PD x LGD x EAD x discount factor, weighted over scenarios: IFRS
        9, 5.5.17 and B5.5.41; discounted at the effective interest rate, here the loan's own rate,
        charged monthly: B5.5.44. Conditional PD: Bayes' rule.
    """
    known = exposures.join(loan_risk.select("loan_id", "pd", "lgd"), "loan_id", how="left")
    curves = F.broadcast(_curves(default_timing, segments))
    timed = known.join(curves, "term_months", how="left").withColumns(_curve_points())
    begun = timed.withColumns(
        own_rate_columns(F.col("remaining_months"), F.col("rate"))
    ).withColumns(
        {
            "expected_lifetime_pd": shifted(F.col("pd"), _still_to_come()),
            "by_life": _expected_exposure(F.col("remaining_months"), segments),
            "by_year": _expected_exposure(_year_ahead(), segments),
        }
    )
    measured = begun.withColumn("lifetime_pd", _lifetime_pd(past_due_floors)).withColumns(
        {**_within_time(), **_in_scenarios(outlooks, scenarios)}
    )
    alone = F.col("lgd") * F.col("lifetime_pd")
    factor = F.when(alone == 0, 1.0).otherwise(F.col("scenario_loss") / alone)
    return measured.withColumn("macro_factor", factor).select(
        *exposures.columns,
        "pd",
        "lgd",
        "expected_lifetime_pd",
        "lifetime_pd",
        "pd_12m",
        "scenario_lifetime_pd",
        "exposure_lifetime_usd",
        "exposure_12m_usd",
        "macro_factor",
        _loss("lifetime_pd", "exposure_lifetime_usd").alias("ecl_lifetime_usd"),
        _loss("pd_12m", "exposure_12m_usd").alias("ecl_12m_usd"),
    )


def _curves(default_timing: DataFrame, segments: int) -> DataFrame:
    """Return one row per term: its months in an array, and arrays by segment.

    `ends` are the last months of the segments, `falls` by how much the share of defaults in a month
    of the segment is above that in a month of the next.
    """
    month = F.struct("month", "monthly_share", "default_share", "open_share")
    in_order = F.sort_array(F.collect_list(month))
    curves = default_timing.groupBy("term_months").agg(in_order.alias("curve"))
    term = F.col("term_months")
    ends = [last_month(segment, term, segments) for segment in range(segments)]
    shares = [F.get("curve", end - 1)["monthly_share"] for end in ends]
    nexts = [*shares[1:], F.lit(0.0)]
    falls = [share - after for share, after in zip(shares, nexts, strict=True)]
    return curves.withColumns({"ends": F.array(*ends), "falls": F.array(*falls)})


def _curve_points() -> dict[str, Column]:
    """Return the curve's shares where the loan stands, and a year on."""
    paid, curve = F.col("instalments_paid"), F.col("curve")
    point, ahead = F.get(curve, paid - 1), F.get(curve, paid + _year_ahead() - 1)
    is_new = paid == 0
    return {
        "paid_share": F.when(is_new, 0.0).otherwise(point["default_share"]),
        "open_share": F.when(is_new, 1.0).otherwise(point["open_share"]),
        "year_share": ahead["default_share"],
        "rate": growth(F.col("interest_rate")),
    }


def _year_ahead() -> Column:
    return F.least(F.col("remaining_months"), F.lit(YEAR))


def _still_to_come() -> Column:
    return (1 - F.col("paid_share")) / F.col("open_share")


def _lifetime_pd(floors: list[PastDueFloor]) -> Column:
    days, expected = F.col("days_past_due"), F.col("expected_lifetime_pd")
    reached = (F.when(days >= floor["days"], floor["pd"]).otherwise(0.0) for floor in floors)
    # greatest() skips nulls, so it would turn an unknown PD into the floor.
    floored = F.when(expected.isNotNull(), reduce(F.greatest, reached, expected))
    return F.when(F.col("is_default"), 1.0).otherwise(floored)


def _within_time() -> dict[str, Column]:
    """Return the PD of a year, and the mean discounted balances at default, by life and year."""
    balance, is_default = F.col("balance_usd").cast("double"), F.col("is_default")
    to_come = 1 - F.col("paid_share")
    of_year = F.col("year_share") - F.col("paid_share")
    pd = F.col("lifetime_pd") * of_year / to_come
    return {
        "pd_12m": F.when(is_default, 1.0).otherwise(pd),
        "exposure_lifetime_usd": balance
        * F.when(is_default, 1.0).otherwise(F.col("by_life") / to_come),
        "exposure_12m_usd": balance * F.when(is_default, 1.0).otherwise(F.col("by_year") / of_year),
    }


def _expected_exposure(months: Column, segments: int) -> Column:
    """Return the sum over the next months of the share of defaults x the discounted balance."""
    terms = []
    for segment in range(segments):
        ended = F.get("ends", F.lit(segment)) - F.col("instalments_paid")
        # Summed by parts: balances until the end of each segment, by the fall of the share there.
        until = own_rate_balances(between(ended, F.lit(0), months))
        terms.append(F.get("falls", F.lit(segment)) * until)
    return reduce(add, terms)


def _in_scenarios(outlooks: Outlooks, scenarios: Scenarios) -> dict[str, Column]:
    outlook = of_reporting_date(outlooks, "pd_odds")
    pds, losses = [], []
    for scenario in scenarios:
        pd = shifted(F.col("lifetime_pd"), outlook * scenario["pd_odds"]) * scenario["weight"]
        lgd = F.col("lgd") * scenario["lgd"]
        pds.append(pd)
        losses.append(pd * F.when(lgd > 1, 1.0).otherwise(lgd))
    return {"scenario_lifetime_pd": reduce(add, pds), "scenario_loss": reduce(add, losses)}


def _loss(pd: str, exposure: str) -> Column:
    loss = F.col("lgd") * F.col(pd) * F.col(exposure) * F.col("macro_factor")
    return loss.cast("decimal(14,2)")
