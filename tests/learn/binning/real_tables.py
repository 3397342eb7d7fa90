"""Public tables as pandas reads them, with the outcome under one name."""

import numpy as np
import pandas

from tests.shared_data import shared

GERMAN = ["A", "n", "A", "A", "n", "A", "A", "n", "A", "A", "n", "A", "n", "A", "A", "n", "A", "n",
          "A", "A"]  # fmt: skip
LATE = [f"NumberOf{name}" for name in ("Time30-59DaysPastDueNotWorse",
        "Times90DaysLate", "Time60-89DaysPastDueNotWorse")]  # fmt: skip


def read_hmeq():
    rows = pandas.read_csv(shared("hmeq/hmeq.csv.gz"), float_precision="round_trip")
    return rows.rename(columns={"BAD": "is_bad"})


def read_german():
    names = [f"{kind}{place}" for place, kind in enumerate(GERMAN)]
    path = shared("german_credit/german.data.gz")
    rows = pandas.read_csv(path, sep=" ", names=[*names, "is_bad"])
    return rows.assign(is_bad=rows.is_bad - 1)


def read_give_me_some_credit():
    path = shared("give_me_some_credit/cs-training.csv.gz")
    rows = pandas.read_csv(path, index_col=0, float_precision="round_trip")
    return rows.rename(columns={"SeriousDlqin2yrs": "is_bad"})


def on_spark(spark, rows, tmp_path):
    """Return a pandas table as a Spark table of several partitions, NaN as null."""
    for part, some in enumerate(np.array_split(np.arange(len(rows)), 3)):
        rows.iloc[some].to_parquet(tmp_path / f"part-{part}.parquet", index=False)
    return spark.read.parquet(str(tmp_path))
