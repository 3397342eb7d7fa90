"""The embedded book of credit lines, month by month: what is drawn of them by default is known.

A month needs no other month: every balance is a closed form of the line's draws, so that a book has
any size and is the same for any number of partitions.
"""

from datetime import date
from math import pi

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.errors import ConfigError
from penstock.synthetic.draws import Draws, clip, logistic, nearest
from penstock.synthetic.payments import usd

MONTHS_BEFORE = 60  # the oldest lines were opened so long before the first month
HORIZON = 12
MONTHS_IN_DEFAULT = 3
SHARE_DORMANT = 0.08
# True mean CCF, in log-odds: of a line of 4,500 USD without a balance, by utilisation and its
# square, by the log of the limit, and by each of the first sixty months on book.
CCF_INTERCEPT, CCF_USED, CCF_USED_SQUARE = 1.0, 1.5, -4.5
CCF_LOG_LIMIT, CCF_MONTH, MEDIAN_LIMIT, MOST_MONTHS = -0.8, -0.01, 4500.0, 60
SHARE_ALL_OR_NOTHING = 0.4  # of defaults that draw all that is left, or nothing


def generate_line_months(
    line_numbers: DataFrame,
    *,
    seed: int,
    first_month: date,
    last_month: date,
    malformed_share: float,
) -> tuple[DataFrame, DataFrame]:
    """Draw credit lines by month as a lender would export them, and the truth behind them.

    Line i depends on i and the parameters only. A line that defaults is drawn upon, or paid back,
    over the twelve months before.

    Args:
        line_numbers: Needs `id` (BIGINT, 0 and up).
        seed: Any integer.
        first_month: First month that is shown; its day is not used.
        last_month: Last month that is shown.
        malformed_share: Share (0-1) of rows whose limit cannot be read.

    Returns:
        raw_line_months: All STRING, the columns of `lending.lines.checks.RAW_LINE_FIELDS`; one row
            per line and month from opening until it is closed, or has been in default for three
            months. `pd_12m` is the true probability of default.
        true_conversion: `line_id`, `month` and `true_ccf` of each of these: the mean over all draws
            of the CCF within 0-1, were the line to default twelve months on.

    Raises:
        ConfigError: The months are out of order.
    """
    if last_month < first_month:
        raise ConfigError(
            f"last_month ({last_month}) lies before first_month ({first_month}): there is no month "
            "to show. Mend them in the section generate_line_months of params.yaml."
        )
    months = (last_month.year - first_month.year) * HORIZON + last_month.month - first_month.month
    lines = _fates(_lines(line_numbers, seed, months), months)
    shown = lines.withColumn("at", F.explode(F.sequence("first_at", "last_at")))
    of_month = Draws("line month", seed)
    standing = (
        shown.withColumns({"line": F.col("id"), "id": F.col("id") * 1000 + F.col("at")})
        .withColumns({"limit_usd": _limit(F.col("at")), "drawn": of_month.uniform("standing")})
        .withColumn("balance_cents", _balance())
    )
    key = [
        F.concat(F.lit("L"), F.col("line").cast("string")).alias("line_id"),
        F.last_day(F.add_months(F.lit(first_month), F.col("at"))).alias("month"),
    ]
    raw = standing.select(*key, *_texts(first_month, malformed_share))
    used = F.col("balance_cents") / (F.col("limit_usd") * 100)
    truth = true_ccf(used, F.col("limit_usd"), F.col("at") - F.col("opened_at"))
    return raw.withColumns({c: F.col(c).cast("string") for c in raw.columns}), standing.select(
        *key, truth.alias("true_ccf")
    )


def true_ccf(utilisation: Column, limit_usd: Column, months_on_book: Column) -> Column:
    """Return the true mean CCF (0-1) of a line that looks so twelve months before its default."""
    months = F.least(months_on_book, F.lit(MOST_MONTHS))
    return logistic(
        CCF_INTERCEPT
        + utilisation * (CCF_USED + utilisation * CCF_USED_SQUARE)
        + F.log(limit_usd / MEDIAN_LIMIT) * CCF_LOG_LIMIT
        + months * CCF_MONTH
    )


def _lines(line_numbers: DataFrame, seed: int, months: int) -> DataFrame:
    draws = Draws("line", seed)
    opened = F.floor(draws.uniform("opened") * (months + MONTHS_BEFORE)) - MONTHS_BEFORE
    limit = clip(F.exp(8.4 + 0.6 * draws.normal("limit")), 500.0, 40_000.0)
    hazard = logistic(clip(-4.9 + 0.4 * F.col("level"), -7.0, -3.5))
    lines = line_numbers.select(
        "id",
        opened.cast("int").alias("opened_at"),
        (nearest(limit / 100) * 100).alias("first_limit"),
        (-0.2 + 1.4 * draws.normal("level")).alias("level"),
        (0.9 * draws.uniform("swing")).alias("swing"),
        (8 + 20 * draws.uniform("period")).alias("period"),
        draws.uniform("phase").alias("phase"),
        (draws.uniform("dormant") < SHARE_DORMANT).alias("is_dormant"),
        (0.6 + 0.25 * draws.uniform("lgd")).alias("lgd"),
    ).withColumn("hazard", hazard)
    aged = lines.select(
        "*",
        (F.floor(F.log(draws.uniform("default")) / F.log(1 - F.col("hazard"))) + 1).alias("age"),
        (18 + F.floor(70 * draws.exponential("closed"))).alias("closing_age"),
        (F.col("opened_at") + F.floor(120 * draws.uniform("step"))).alias("step_at"),
        draws.pick("to", {"0.6": 3, "1.0": 12, "1.4": 5}).cast("double").alias("step"),
    )
    default_at = F.when(F.col("age") < F.col("closing_age"), F.col("opened_at") + F.col("age"))
    dated = aged.withColumn("default_at", default_at).withColumn(
        "reference_at", F.col("default_at") - HORIZON
    )
    names = ("kind", "all", "share", "paid back", "beyond", "haste")
    return dated.select("*", *(draws.uniform(name).alias(f"draw_{name}") for name in names))


def _fates(lines: DataFrame, months: int) -> DataFrame:
    """Add what becomes of each line: when it is shown, what it owes before default and at it."""
    # No limit moves on the way to default: what is drawn is of the limit at the reference.
    is_settled = F.col("reference_at").isNull() | (F.col("step_at") <= F.col("reference_at"))
    closing = F.col("opened_at") + F.col("closing_age")
    # least() skips nulls: a line that never defaults ends by closing.
    last = F.least(F.lit(months), closing - 1, F.col("default_at") + MONTHS_IN_DEFAULT - 1)
    dated = lines.withColumns(
        {
            "step_at": F.when(is_settled, F.col("step_at")),
            "first_at": F.greatest(F.col("opened_at"), F.lit(0)),
            "last_at": last.cast("int"),
        }
    ).where("first_at <= last_at")
    before = dated.withColumn("limit_then", _limit(F.col("reference_at"))).withColumn(
        "owed_then", _regular_balance(F.col("reference_at"), F.col("limit_then"))
    )
    undrawn = F.col("limit_then") * 100 - F.col("owed_then")
    used = F.col("owed_then") / (F.col("limit_then") * 100)
    age = F.col("reference_at") - F.col("opened_at")
    known = before.withColumns(
        {"undrawn_then": undrawn, "mean_ccf": true_ccf(used, F.col("limit_then"), age)}
    )
    return known.withColumn("ead_cents", nearest(_owed_at_default()))


def _owed_at_default() -> Column:
    """Return what is owed at default, in cents: the CCF within 0-1 has the mean that is true."""
    mean, undrawn, owed = F.col("mean_ccf"), F.col("undrawn_then"), F.col("owed_then")
    beyond = 1 + 0.08 * F.col("draw_beyond")
    paid_back = owed * (1 - 0.3 * F.col("draw_paid back"))
    all_or_nothing = F.when(F.col("draw_all") < mean, owed + undrawn * beyond).otherwise(paid_back)
    # A power of a uniform number whose mean it is.
    part = owed + undrawn * F.pow(F.col("draw_share"), (1 - mean) / mean)
    drawn = F.when(F.col("draw_kind") < SHARE_ALL_OR_NOTHING, all_or_nothing).otherwise(part)
    return F.when(undrawn > 0, drawn).otherwise(owed * beyond)


def _limit(at: Column) -> Column:
    stepped = nearest(F.col("first_limit") * F.col("step") / 100) * 100
    return F.when(at >= F.col("step_at"), stepped).otherwise(F.col("first_limit"))


def _regular_balance(at: Column, limit: Column) -> Column:
    turn = F.sin((at / F.col("period") + F.col("phase")) * (2.0 * pi))
    used = 1.06 * logistic(F.col("level") + F.col("swing") * turn)
    return F.when(F.col("is_dormant"), F.lit(0)).otherwise(nearest(limit * 100 * used))


def _balance() -> Column:
    regular = _regular_balance(F.col("at"), F.col("limit_usd"))
    gone = F.least((F.col("at") - F.col("reference_at")) / float(HORIZON), F.lit(1.0))
    way = F.pow(gone, 1 + 2 * F.col("draw_haste"))
    on_the_way = F.col("owed_then") + (F.col("ead_cents") - F.col("owed_then")) * way
    return F.when(F.col("at") > F.col("reference_at"), nearest(on_the_way)).otherwise(regular)


def _texts(first_month: date, malformed_share: float) -> list[Column]:
    since = F.col("at") - F.col("default_at")
    missed = F.when(since > -MONTHS_IN_DEFAULT, (since + MONTHS_IN_DEFAULT) * 30)
    late = F.when(F.col("drawn").between(0.5, 0.54), 30).otherwise(0)
    limit = F.col("limit_usd").cast("decimal(12,2)").cast("string")
    return [
        F.add_months(F.lit(first_month), F.col("opened_at")).alias("opened_on"),
        F.when(F.col("drawn") < malformed_share, "n/a").otherwise(limit).alias("limit_usd"),
        usd("balance_cents").alias("balance_usd"),
        F.coalesce(missed, late).cast("int").alias("days_past_due"),
        F.coalesce(since >= 0, F.lit(False)).alias("is_default"),
        (1 - F.pow(1 - F.col("hazard"), F.lit(float(HORIZON)))).alias("pd_12m"),
        F.col("lgd"),
    ]
