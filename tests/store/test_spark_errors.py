"""Which of Spark's and Delta's errors are worth another attempt."""

import pytest
from pyspark.errors import AnalysisException

from penstock.errors import Conflict, DataError
from penstock.store.spark_errors import is_transient


@pytest.mark.parametrize(
    "text",
    [
        "Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times, most recent failure:"
        " Lost task 0.0 in stage 3.0 (TID 5) (10.0.0.4 executor 1): ExecutorLostFailure (executor 1"
        " exited caused by one of the running tasks) Reason: Command exited with code 137",
        "Job aborted due to stage failure: Could not recover from a failed barrier ResultStage."
        " Most recent failure reason: Stage failed because barrier task ResultTask(2, 1) finished"
        " unsuccessfully.",
        "org.apache.spark.shuffle.FetchFailedException: Connection refused",
        "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)",
        "io.delta.exceptions.ConcurrentAppendException: [DELTA_CONCURRENT_APPEND.WITHOUT_HINT]"
        " ConcurrentAppendException: Files were added to the root of the table by a concurrent"
        " update.",
        "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata of the Delta table has"
        " been changed by a concurrent update.",
    ],
)
def test_what_was_lost_on_the_way_is_tried_again(text):
    assert is_transient(RuntimeError(text))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0"
        ),
        RuntimeError("java.lang.OutOfMemoryError: Java heap space"),
        ValueError("as drawn"),
        AnalysisException("[UNRESOLVED_COLUMN.WITH_SUGGESTION] executor lost"),
        DataError("3 row(s) of 'loans' break its contract: Connection reset by peer"),
    ],
)
def test_what_would_end_the_same_way_is_not(error):
    assert not is_transient(error)


def test_a_lost_race_is_tried_again():
    assert is_transient(Conflict("'loans' was written at the same moment."))
