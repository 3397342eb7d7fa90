"""The graphs that the engine's own costs are measured on, and a place for them to be run at.

They are made for measuring: forty nodes of the usual kinds, and a chain of nodes that do nothing.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from penstock.binding import bind_parameters
from penstock.conf import CsvConf, DatasetConf, DeltaConf, MemoryConf, ModelConf, RangeConf, RunConf
from penstock.display import QuietProgress
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.journal import Order
from penstock.engine.nodes import Apply, Fit, Node, Transform
from penstock.engine.plan import Plan, Request
from penstock.engine.planner import Planner
from penstock.engine.runner import Runner
from penstock.record import RunRecord
from penstock.store.catalog import Catalog
from penstock.store.home import Home, write_text
from penstock.store.releases import Releases
from penstock.store.stores import Stores

BRANCHES = 12  # three nodes each; with four more at both ends, forty
ROWS = 200
RAW = "id STRING, branch STRING, day STRING, amount STRING, income STRING"
FEATURES = ("log_amount", "log_income", "share", "earlier", "above")


def clean(raw: DataFrame) -> DataFrame:
    """Give the columns their types."""
    return raw.select(
        "id",
        F.col("branch").try_cast("int").alias("branch"),
        F.col("day").try_cast("date").alias("day"),
        F.col("amount").try_cast("double").alias("amount"),
        F.col("income").try_cast("double").alias("income"),
    )


def featured(loans: DataFrame, *, branch: int, cap: float) -> DataFrame:
    """Make the features of one branch."""
    amount, income = F.col("amount"), F.col("income")
    return loans.where(F.col("branch") <= branch).select(
        "id",
        "day",
        "amount",
        F.log1p(amount).alias("log_amount"),
        F.log1p(income).alias("log_income"),
        F.least(amount / income, F.lit(cap)).alias("share"),
        F.when(amount > income, 1.0).otherwise(0.0).alias("above"),
    )


def before(features: DataFrame, *, days: int) -> DataFrame:
    """Count the earlier loans of each loan."""
    earlier = Window.orderBy("day", "id").rowsBetween(-days, -1)
    return features.withColumn("earlier", F.count("amount").over(earlier).cast("double"))


def with_means(history: DataFrame, features: DataFrame) -> DataFrame:
    """Join the mean amount of each day."""
    means = features.groupBy("day").agg(F.avg("amount").alias("mean_amount"))
    joined = history.join(means, "day", how="left")
    is_bad = (F.col("amount") > F.col("mean_amount")).cast("double")
    return joined.withColumn("is_bad", is_bad)


def sample(joined: DataFrame) -> DataFrame:
    """Leave out what cannot be learnt from."""
    return joined.select(*FEATURES, "is_bad").dropna()


def logistic(*, regularisation: float) -> Pipeline:
    """Return the unfitted model."""
    assembler = VectorAssembler(inputCols=list(FEATURES), outputCol="features")
    model = LogisticRegression(labelCol="is_bad", regParam=regularisation, maxIter=5)
    return Pipeline(stages=[assembler, model])


def forty() -> Graph:
    """Return a graph of forty nodes: 38 Transforms, a Fit and an Apply."""
    nodes: list[Node] = [Transform(clean, "raw", "loans")]
    for n in range(BRANCHES):
        features, history, joined = f"features_{n}", f"history_{n}", f"joined_{n}"
        nodes += [
            Transform(featured, "loans", features, name=f"featured_{n}"),
            Transform(before, features, history, name=f"before_{n}"),
            Transform(with_means, (history, features), joined, name=f"join_{n}"),
        ]
    nodes += [
        Transform(sample, f"joined_{BRANCHES - 1}", "train"),
        Fit(logistic, "train", "model"),
        Apply("model", "joined_0", "scores"),
    ]
    return Graph("forty", tuple(nodes), contracts={"raw": Contract(RAW)})


FORTY_PARAMS: dict[str, dict[str, Any]] = {
    **{f"featured_{n}": {"branch": n, "cap": 1.5} for n in range(BRANCHES)},
    **{f"before_{n}": {"days": 30} for n in range(BRANCHES)},
    "logistic": {"regularisation": 0.01},
}


def forty_catalog(raw: str) -> dict[str, DatasetConf]:
    """Return where its data lie: a file, memory, and a table at the end of each branch."""
    entries: dict[str, DatasetConf] = {
        name: MemoryConf() if name.startswith(("features_", "history_")) else DeltaConf()
        for name in (*forty().datasets, "releases")
    }
    return entries | {"raw": CsvConf(raw), "model": ModelConf("forty")}


def write_raw(path: Path) -> None:
    """Write the file that the graph of forty nodes reads."""
    rows = [
        f"L{n},{n % BRANCHES},2020-01-{n % 28 + 1:02d},{1000 + n * 37 % 900},{900 + n * 53 % 800}"
        for n in range(ROWS)
    ]
    write_text(path, "\n".join(["id,branch,day,amount,income", *rows, ""]))


def nothing(table: DataFrame) -> DataFrame:
    """Hand on what was given."""
    return table


def chain(levels: int) -> Graph:
    """Return a chain of nodes that do nothing, each a level of its own."""
    names = ["numbers", *(f"level_{n}" for n in range(levels))]
    nodes = [Transform(nothing, a, b, name=f"to_{b}") for a, b in pairwise(names)]
    return Graph("chain", tuple(nodes))


def chain_catalog(graph: Graph) -> dict[str, DatasetConf]:
    """Return a catalog that stores nothing."""
    entries: dict[str, DatasetConf] = {name: MemoryConf() for name in graph.datasets}
    return entries | {"numbers": RangeConf(rows=1), "releases": DeltaConf()}


@dataclass
class Place:
    """A graph in a state folder of its own."""

    spark: SparkSession
    home: Home
    graph: Graph
    entries: dict[str, DatasetConf]
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: int = 0

    @property
    def stores(self) -> Stores:
        """The stores of the folder, opened anew."""
        catalog = Catalog(self.entries, self.home, str(self.home.tables))
        return Stores(catalog, RunConf("", "", "bench", 4))

    @property
    def _next_run(self) -> str:
        return f"run-{self.runs + 1}"

    def plan(self, *, skips: bool = True, spark: SparkSession | None = None) -> Plan:
        """Plan the whole graph as it stands."""
        stores, spark = self.stores, spark or self.spark
        request = Request(
            graph=self.graph,
            whole=self.graph,
            params=bind_parameters(self.graph, self.params),
            base=Releases(stores.catalog.delta("releases")).current(spark),
            token=self._next_run,  # a plan bears the id of the run that it becomes
            pinned={},
            skips=skips,
        )
        return Planner(request, spark, stores).plan()

    def run(self, plan: Plan) -> RunRecord:
        """Run a plan.

        Raises:
            PenstockError: It failed.
        """
        run_id = self._next_run
        self.runs += 1
        order = Order(
            run_id=run_id,
            env="bench",
            as_of="2025-07-01",
            config={},
            params=bind_parameters(self.graph, self.params),
            command="bench",
            user="bench",
            git_commit="",
            git_dirty=False,
            versions={},
            nodes_at_once=4,
        )
        record, error = Runner(order, plan, self.spark, self.stores, QuietProgress()).run()
        if error:
            raise error
        return record
