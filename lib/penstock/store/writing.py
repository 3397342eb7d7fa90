"""What cannot be written down of a run, told as that."""

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.errors import SetupError, first_cause
from penstock.store.spark_errors import outside_fault


@contextmanager
def written_down(who: str = "it") -> Iterator[None]:
    """Within: `run.json` and MLflow's runs are written. Their faults are none of the node's.

    Args:
        who: Of what, as the sentence begins; "it" where others say so before it.

    Raises:
        SetupError: Something could not be written; with what was raised first. A full disk and an
            ended JVM are raised as they are: `outside_fault` knows them.
    """
    try:
        yield
    except Exception as error:
        if outside_fault(error, ""):
            raise
        raise SetupError(
            f"{who} could not be written down, in MLflow or as run.json in the state folder: "
            f"{first_cause(error)}. What is published is untouched. See that both can be written, "
            "then resume."
        ) from error
