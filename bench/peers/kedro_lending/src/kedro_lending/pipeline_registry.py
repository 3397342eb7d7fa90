"""The pipelines of the project."""

from kedro.pipeline import Pipeline

from kedro_lending.pipeline import create_pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Return the one pipeline."""
    return {"__default__": create_pipeline()}
