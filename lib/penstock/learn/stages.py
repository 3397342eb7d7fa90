"""The stages of a fitted pipeline."""

from typing import TypeVar

from pyspark.ml import PipelineModel, Transformer

Stage = TypeVar("Stage")


def stages_of(fitted: Transformer) -> list[Transformer]:
    """Return the stages of a fitted pipeline; of any other model, the model itself."""
    return list(fitted.stages) if isinstance(fitted, PipelineModel) else [fitted]


def until(model: PipelineModel, stage: Transformer) -> PipelineModel:
    """Return the model up to one of its stages, which is the last."""
    return PipelineModel(model.stages[: model.stages.index(stage) + 1])


def stage_of(model: PipelineModel, kind: type[Stage]) -> Stage:
    """Return the first stage of a kind, from a model that is known to have one."""
    return next(stage for stage in model.stages if isinstance(stage, kind))
