"""Tuning: trials a minute with two of them at work at once, against one after the other."""

import logging
import tempfile
import time
from pathlib import Path
from statistics import median

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.challenger import challenger
from bench.result import Figure, Result
from penstock.session import start_test_session

ROWS, FEATURES, FOLDS = 20_000, 8, 3
TRIALS, ROUNDS = 6, 3  # a trial is one fit for each fold
SLOTS = 2
LEAST_SHARE = 0.7  # of the trials a minute that so many slots would do if nothing were shared


def measure() -> Result:
    """Search with one slot and with two, by turns, on the same rows, after a search to warm up."""
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # it tells of each fit
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        spark = start_test_session(Path(folder))
        try:
            table = _loans(spark).cache()
            _seconds(table, SLOTS)
            seconds: dict[int, list[float]] = {1: [], SLOTS: []}
            for _ in range(ROUNDS):
                for slots, taken in seconds.items():
                    taken.append(_seconds(table, slots))
        finally:
            spark.stop()
    one, several = median(seconds[1]), median(seconds[SLOTS])
    return Result(
        (
            Figure("trials_a_minute_1_slot", 60 * TRIALS / one, "one trial after the other"),
            Figure(f"trials_a_minute_{SLOTS}_slots", 60 * TRIALS / several, "two trials at once"),
            Figure("tuning_slots", SLOTS, "trials at once"),
            Figure(
                "tuning_speedup", one / several, f"time of a search with one slot / with {SLOTS}"
            ),
            Figure(
                "time_of_2_slots",
                several / one,
                f"the same the other way round: with {SLOTS} slots / with one",
                1 / (LEAST_SHARE * SLOTS),
            ),
        ),
        (
            f"{ROWS:,} generated rows in one partition, {FEATURES} features, {FOLDS} folds, "
            f"{TRIALS} trials of xgboost with 60 to 100 trees of depth 2 to 5; medians "
            f"of {ROUNDS} searches each, by turns, without the fit of the best at the end.",
        ),
    )


def _seconds(table: DataFrame, slots: int) -> float:
    classifier = challenger(
        numeric=[f"x{n}" for n in range(FEATURES)],
        trainer="xgboost",
        settings={"num_workers": 1},
        search={"max_depth": {"low": 2, "high": 5}, "n_estimators": {"low": 60, "high": 100}},
        trials=TRIALS,
        slots=slots,
    )
    kept: dict[str, object] = {}
    classifier.resume_from(kept)
    started = time.perf_counter()
    classifier.fit(table)
    taken = time.perf_counter() - started
    # Every fold is known now: what is left is all but the search.
    started = time.perf_counter()
    classifier.fit(table)
    return taken - (time.perf_counter() - started)


def _loans(spark: SparkSession) -> DataFrame:
    features = [F.randn(n).alias(f"x{n}") for n in range(FEATURES)]
    risk = sum((F.col(f"x{n}") * (n % 3) / 3 for n in range(FEATURES)), F.lit(-2.0))
    is_calibration = F.col("id") % 5 == 0
    return (
        spark.range(0, ROWS, numPartitions=1)  # so that a trial leaves a core idle
        .select("id", *features)
        .withColumn("is_bad", (F.rand(99) < 1 / (1 + F.exp(-risk))).cast("int"))
        .withColumn("sample", F.when(is_calibration, "calibration").otherwise("development"))
        .withColumn("fold", F.when(~is_calibration, (F.col("id") % FOLDS).cast("int")))
    )
