import pytest

from penstock.engine.failures import translate
from penstock.engine.nodes import Transform
from penstock.errors import Conflict, DataError, GateClosed, NodeFailed


def make(raw):
    return raw


NODE = Transform(make, "raw", "loans")


def test_our_own_errors_keep_their_kind_and_name_the_node():
    told = translate(GateClosed("AUC 0.5 is below 0.6"), "Node 'make'", NODE)
    assert type(told) is GateClosed
    assert str(told) == "Node 'make': AUC 0.5 is below 0.6"


@pytest.mark.parametrize(
    "text",
    ["[DELTA_CONCURRENT_APPEND.WHOLE_TABLE] x", "io.delta.exceptions.ConcurrentWriteException: y"],
)
def test_a_lost_commit_is_a_conflict(text):
    told = translate(RuntimeError(text), "Node 'make'", NODE)
    assert isinstance(told, Conflict) and told.exit_code == 6
    assert "Node 'make' was written at the same moment as another run" in str(told)


def test_a_full_disk_is_told_apart():
    told = translate(OSError(28, "No space left on device"), "Node 'make'", NODE)
    assert isinstance(told, NodeFailed)
    assert "the disk is full. What is published is untouched" in str(told)


def test_of_a_java_trace_the_innermost_cause_is_told():
    trace = (
        "An error occurred while calling o1.save.\n"
        ": org.apache.spark.SparkException: Job aborted.\n"
        "\tat a.b.c(D.scala:1)\nCaused by: java.lang.IllegalStateException: the reason\n\tat e.f"
    )
    assert str(translate(RuntimeError(trace), "Node 'make'", NODE)).endswith(
        "IllegalStateException: the reason"
    )


def test_a_failure_of_the_function_names_file_and_line():
    def broken(raw):
        raise ZeroDivisionError("division by zero")

    node = Transform(broken, "raw", "loans")
    try:
        broken(None)
    except ZeroDivisionError as error:
        told = translate(error, "Node 'broken'", node)
    assert "Node 'broken' (test_failures.py, line" in str(told)
    assert "ZeroDivisionError: division by zero" in str(told)


def test_an_unknown_column_is_told_with_the_nearest(spark):
    loans = spark.createDataFrame([], "id STRING, amount INT, term INT")

    def wrong(raw):
        return raw.select("amunt")

    try:
        wrong(loans)
    except Exception as error:
        told = translate(error, "Node 'wrong'", Transform(wrong, "raw", "loans"))
    assert isinstance(told, DataError)
    assert "there is no column 'amunt'. Did you mean 'amount'?" in str(told)
