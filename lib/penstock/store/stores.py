"""All the stores of a job: the catalog's tables and files, MLflow's runs and models."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import SparkSession

from penstock.conf import Conf, ModelConf, RunConf
from penstock.errors import DataError
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from penstock.store.models import NO_MODEL, ModelVersion, Registry
from penstock.store.releases import Release, Releases
from penstock.store.tracking import Tracking, is_tracked, open_tracking


@dataclass(frozen=True)
class Stores:
    """The stores of a job. MLflow's is opened, and made, when it is first needed."""

    catalog: Catalog
    conf: RunConf

    @classmethod
    def of(cls, conf: Conf, home: Home) -> "Stores":
        """Return the stores that a configuration describes."""
        return cls(Catalog.of(conf, home), conf.run)

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow's experiment."""
        return open_tracking(self.conf, self.catalog.home)

    @property
    def registry(self) -> Registry:
        """MLflow's models."""
        return Registry(self.tracking.client, self.catalog.model_scratch)

    def is_there(self, name: str, version: str, spark: SparkSession, commit: str) -> bool:
        """Say whether a version of an output is still there; no Spark job on a local disk.

        Args:
            commit: The run and node that wrote it: a table deleted and made anew counts its
                versions from 0 again.
        """
        if self.catalog.kinds[name] not in ("model", "alias"):
            return self.catalog.is_there(name, version, spark, commit)
        model = ModelVersion(self.catalog.model_name(name), version)
        # An alias is given by another run than the one that made the model.
        maker = commit.partition("/")[0] if self.catalog.kinds[name] == "model" else ""
        return self._is_tracked and self.registry.has(model, maker)

    def model_version(
        self, name: str, pins: Mapping[str, str], may_lack: Collection[str] = ()
    ) -> str:
        """Return the version of a model that no node makes, as the catalog says; "none": no model.

        Args:
            name: A model, whose entry names the version, or an alias that releases move.
            pins: Dataset to its released version.
            may_lack: Aliases that are no model where no release has given them.

        Raises:
            DataError: Another alias was never given.
        """
        conf, location = self.catalog.entries[name], self.catalog.location(name)
        if isinstance(conf, ModelConf):
            if not conf.version:
                return NO_MODEL
            version = str(conf.version)
        else:
            kinds = self.catalog.kinds
            aliases = [n for n in pins if kinds.get(n) == "alias"]
            given = [pins[n] for n in aliases if self.catalog.location(n) == location]
            if not given and name in may_lack:
                return NO_MODEL
            if not given:
                raise DataError(
                    f"'{name}' is {location}, and no release has given that alias. Run the job "
                    f"that does, or name a version: catalog.{name}: {{kind: model, …}}."
                )
            version = given[0]
        return version

    def check_model(self, name: str, version: str) -> None:
        """Look whether the version that is to be read of a model or alias is there.

        Raises:
            DataError: The registry does not have it.
        """
        model, conf = ModelVersion(self.catalog.model_name(name), version), self.catalog.entries
        if version == NO_MODEL or (self._is_tracked and self.registry.has(model)):
            return
        cure = (
            "Train it again, or roll back to a release whose model is there. If it is only "
            f"compared with: --set 'catalog.{name}={{kind: model, name: {model.name}, version: 0}}'"
        )
        if str(getattr(conf[name], "version", "")) == version:
            cure = f"Name another version in catalog.{name}, or 0 for none."
        raise DataError(
            f"'{name}' is the model {model.label}, which the registry does not have. {cure}"
        )

    def check_not_outrun(self, alias: str, model: str, pins: Mapping[str, str]) -> None:
        """Look whether an alias has stayed behind its model: reports speak of the later version.

        Args:
            pins: Dataset to its released version.

        Raises:
            DataError: It has.
        """
        if pins.get(model, pins[alias]) != pins[alias]:
            raise DataError(
                f"'{alias}' ({self.catalog.location(alias)}) is version {pins[alias]}, and "
                f"'{model}' is {pins[model]} by now, which is what the reports speak of. Run the "
                f"job that moves '{alias}' first."
            )

    def model_parts(self, name: str, version: str | None) -> dict[str, str]:
        """Return the part of a fingerprint that says what a model's version is a version of.

        A model deleted and registered anew counts its versions from 1 again. Nothing if it is none.
        """
        if self.catalog.kinds[name] not in ("model", "alias") or version in (None, NO_MODEL):
            return {}
        return {f"model {name}": self.registry.model_id(self.catalog.model_name(name))}

    def lost_outputs(self, release: Release, spark: SparkSession) -> list[str]:
        """Name the outputs of a release that are not there any more."""
        lost = []
        for key, text in release.made.items():
            made, node = json.loads(text), key.partition(".")[2]
            for name, version in made["outputs"].items():
                is_pinned = release.pins.get(name) == version and name in self.catalog.entries
                commit = f"{made['run_id']}/{node}"
                if is_pinned and not self.is_there(name, version, spark, commit):
                    lost.append(name)
        return sorted(lost)

    def find_made(self, fingerprint: str) -> str | None:
        """Return the record of a finished node with this fingerprint, released or not, as JSON."""
        # A new project has no tracking store yet, and looking must not make one.
        return self.tracking.find_made(fingerprint) if self._is_tracked else None

    def follow(self, spark: SparkSession) -> None:
        """Point MLflow's aliases where the newest release says.

        The release is the truth and the aliases its mirror: a run that died between the two is
        made good by the next one. A run that publishes meanwhile is followed too, whichever of the
        two moves the aliases last. An alias that only releases gave that were taken back goes.
        """
        releases = Releases(self.catalog.delta("releases"))
        known, followed = releases.all(spark), None
        while known and known[-1].release_id != followed:
            release = known[-1]
            given = [name for name in release.pins if self.catalog.kinds.get(name) == "alias"]
            for name in given:
                model = ModelVersion(self.catalog.model_name(name), release.pins[name])
                self.registry.move_alias(model, self.catalog.alias(name))
            kept = {self.catalog.location(name) for name in given}
            for name in {name for earlier in known for name in earlier.pins} - release.pins.keys():
                is_alias = self.catalog.kinds.get(name) == "alias"
                if is_alias and self.catalog.location(name) not in kept:
                    self.registry.drop_alias(
                        self.catalog.model_name(name), self.catalog.alias(name)
                    )
            known, followed = releases.all(spark), release.release_id

    @property
    def _is_tracked(self) -> bool:
        return is_tracked(self.conf, self.catalog.home)
