"""Models: fitted pipelines in the MLflow registry, and the aliases that point at versions."""

import os
import warnings
from dataclasses import dataclass, field
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame

from penstock.errors import DataError
from penstock.evidence import Attempt

# On integer columns with nulls, which Spark's own types do not need. Once for all threads: Python's
# `catch_warnings` is not made for two of them.
warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")

NO_MODEL = "none"  # the version of a model that is not there, and need not be


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model; `fitted` is there if this process fitted or loaded it."""

    name: str
    version: str
    fitted: Any = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str:
        """How people and score tables name it: "lending_pd/3"."""
        return f"{self.name}/{self.version}"

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What the fitted model was chosen from, as its stages tell."""
        stages = getattr(self.fitted, "stages", ())
        return tuple(found for stage in stages for found in getattr(stage, "attempts", ()))


@dataclass(frozen=True)
class Registry:
    """The models of one MLflow registry; `scratch` is a folder for Spark's temporary copies."""

    client: MlflowClient
    scratch: str

    def save(self, fitted: Any, name: str, *, run_id: str, example: DataFrame) -> ModelVersion:
        """Log a fitted model to the run `run_id` and register it as the next version of `name`.

        Args:
            example: The training table; its schema and the scored one make the signature.
        """
        signature = infer_signature(example, fitted.transform(example))
        # log_model takes the run from the thread, and only from there.
        with mlflow.start_run(run_id=run_id):
            # MLflow asks pip for the model's requirements unless told, tens of seconds long.
            info = mlflow.spark.log_model(
                fitted,
                artifact_path="model",
                dfs_tmpdir=self.scratch,
                signature=signature,
                pip_requirements=[f"pyspark=={_version('pyspark')}"],
            )
        self._ensure_registered(name)
        version = self.client.create_model_version(
            name, info.model_uri, run_id, model_id=info.model_id
        )
        return ModelVersion(name, str(version.version), fitted)

    def load(self, model: ModelVersion) -> Any:
        """Return the fitted model of a version, from memory if this process has it.

        Raises:
            DataError: The registry does not have that version, or its files are gone.
        """
        if model.fitted is not None:
            return model.fitted
        try:
            local = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{model.name}/{model.version}"
            )
        except (MlflowException, OSError) as error:
            raise DataError(
                f"The model {model.label} cannot be read from the registry: {error}. "
                "Train it again, or roll back to a release whose model is there."
            ) from error
        return PipelineModel.load(os.path.join(local, "sparkml"))

    def has(self, model: ModelVersion, run_id: str = "") -> bool:
        """Say whether a version is in the registry and its files are where it says.

        Args:
            run_id: The run of ours that made it: a registry made anew counts from 1 again.
        """
        try:
            tags = self.client.get_model_version(model.name, model.version).tags
            if run_id and tags.get("run", run_id) != run_id:
                return False
            files = mlflow.artifacts.list_artifacts(
                artifact_uri=f"models:/{model.name}/{model.version}"
            )
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False
        return any(file.path.endswith("MLmodel") for file in files)

    def model_id(self, name: str) -> str:
        """Return what tells a registered model from another that had its name before."""
        return str(self.client.get_registered_model(name).creation_timestamp)

    def tag(self, model: ModelVersion, tags: dict[str, str]) -> None:
        """Write facts about a version beside it: its evidence, its run, its gate."""
        for key, value in tags.items():
            self.client.set_model_version_tag(model.name, model.version, key, value)

    def add_texts(self, model: ModelVersion, texts: dict[str, str]) -> None:
        """Add texts to the MLflow run that made a version, as its artefacts: file name to text."""
        run_id = self.client.get_model_version(model.name, model.version).run_id
        assert run_id is not None  # `save` registers no version without its run
        for file, text in texts.items():
            self.client.log_text(run_id, text, file)

    def move_alias(self, model: ModelVersion, alias: str) -> None:
        """Point `alias` at the version; pointing twice is pointing once."""
        self.client.set_registered_model_alias(model.name, alias, model.version)

    def drop_alias(self, name: str, alias: str) -> None:
        """Take an alias from a model; one that it does not have is none to take."""
        try:
            self.client.delete_registered_model_alias(name, alias)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise

    def _ensure_registered(self, name: str) -> None:
        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _version(package: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version(package)
