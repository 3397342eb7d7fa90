"""Broken rows, as every export has some: fields nobody can read, and the same loan twice."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# What is written over a good value: each breaks one field beyond repair.
BROKEN = (
    ("loan_amnt", "n/a"),
    ("issue_d", "31/02/2019"),
    ("application_d", "31/02/2019"),
    ("annual_inc", "-45000.0"),
    ("dti", "999 (see note)"),
    ("term", "48 weeks"),
    ("id", ""),
    ("loan_status", "#REF!"),
    ("fico_range_low", "six hundred"),
)


def spoil_rows(export: DataFrame, *, malformed_share: float) -> DataFrame:
    """Break one field in a share of the rows and drop the draw that decides which.

    Grain: one row per row of the export, in and out.

    Args:
        export: Columns of text, and `spoil_draw` (uniform, 0-1).
        malformed_share: Share (0-1) of rows to break; the kinds of damage are equally likely.

    Returns:
        The columns of text.
    """
    kinds = [(name, text) for name, text in BROKEN if name in export.columns]
    width = malformed_share / len(kinds)
    draw = F.col("spoil_draw")
    spoilt = {
        name: F.when((draw >= place * width) & (draw < (place + 1) * width), text)
        .otherwise(F.col(name))
        .alias(name)
        for place, (name, text) in enumerate(kinds)
    }
    texts = [name for name in export.columns if name != "spoil_draw"]
    return export.select(*[spoilt.get(name, F.col(name)) for name in texts])


def repeat_rows(export: DataFrame, *, duplicate_share: float) -> DataFrame:
    """Write a share of the loans twice and drop the draw that decides which.

    Half of the second rows are exact copies; the other half name ten percent more income.

    Grain: one row per `id` in, one or two out.

    Args:
        export: Columns of text, and `copy_draw` (uniform, 0-1).
        duplicate_share: Share (0-1) of loans to write twice.

    Returns:
        The columns of text.
    """
    draw, copy = F.col("copy_draw"), F.col("copy")
    once, twice = F.array(F.lit(0)), F.array(F.lit(0), F.lit(1))
    copies = F.when(draw < duplicate_share, twice).otherwise(once)
    repeated = export.select("*", F.explode(copies).alias("copy"))
    is_conflict = (copy == 1) & (draw < duplicate_share / 2)
    more = (F.col("annual_inc").cast("decimal(12,1)") * F.lit(1.1)).cast("decimal(12,1)")
    income = F.when(is_conflict, more.cast("string")).otherwise(F.col("annual_inc"))
    texts = [name for name in export.columns if name != "copy_draw"]
    return repeated.withColumn("annual_inc", income).select(*texts)
