"""What readers of a state folder see: everything goes through the newest release."""

from mlflow.tracking import MlflowClient

from penstock.store.delta import DeltaTable
from penstock.store.releases import Releases


def mlflow_of(home):
    uri = f"sqlite:///{home}/mlflow/mlflow.db"
    return MlflowClient(uri, uri)


def release_of(spark, home):
    return Releases(DeltaTable("releases", str(home / "tables/releases"))).current(spark)


def table_of(spark, home, name):
    version = release_of(spark, home).pins[name]
    return DeltaTable(name, str(home / "tables" / name)).read(spark, version)


def everything(spark, home):
    """Return the release, the rows of the scores and the champion, to be compared."""
    champion = mlflow_of(home).get_model_version_by_alias("lending_pd", "champion").version
    scores = sorted(map(tuple, table_of(spark, home, "scores").collect()))
    return release_of(spark, home), scores, str(champion)
