"""Loans with weights of evidence whose truth is known, for the tests of this folder."""

import numpy as np
import pandas
from pyspark.sql import functions as F

from penstock.learn.scorecard.design import check_design, design_rows

N = 4000


def planted() -> pandas.DataFrame:
    """Five columns that matter (one of them little), two of noise, one that is nearly a copy."""
    random = np.random.default_rng(11)
    true = {"age": -1.0, "income": -0.8, "debt": -1.2, "region": -0.5}
    values = {name: random.choice([-0.9, -0.3, 0.2, 0.8], N) for name in true}
    values["noise"], values["echo"] = random.choice([-0.6, 0.1, 0.5], (2, N))
    values["copy"] = np.where(random.random(N) < 0.9, values["debt"], -values["debt"])
    log_odds = -1.2 + sum(true[name] * values[name] for name in true)
    loans = pandas.DataFrame(values)
    loans["is_bad"] = (random.random(N) < 1 / (1 + np.exp(-log_odds))).astype(float)
    loans["weight"] = random.choice([0.5, 1.0, 3.0], N)
    loans["fold"] = random.integers(0, 5, N)
    return loans


LOANS = planted()
COLUMNS = ("age", "income", "debt", "region", "noise", "echo", "copy")


def rows_of(spark, loans=LOANS, columns=COLUMNS, *, weight=None, partitions=1):
    """Return the rows of a design, and the design."""
    table = spark.createDataFrame(loans).repartition(partitions)
    rows = design_rows(
        table,
        {name: F.col(name) for name in columns},
        label="is_bad",
        weight=weight,
        fold=F.col("fold"),
    ).persist()
    return rows, check_design(rows)
