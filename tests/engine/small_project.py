"""A five-node graph on a state folder of its own, for the tests of the engine."""

import datetime as dt
import sys
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from penstock.binding import bind_parameters
from penstock.conf import CsvConf, DeltaConf, MemoryConf, ReportConf, RunConf
from penstock.display import QuietProgress
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.journal import Order
from penstock.engine.nodes import Gate, Measure, Transform
from penstock.engine.plan import Request
from penstock.engine.planner import Planner
from penstock.engine.runner import Runner
from penstock.evidence import Evidence
from penstock.store.catalog import Catalog
from penstock.store.home import Home
from penstock.store.releases import Releases, rolled_back
from penstock.store.stores import Stores


def clean(raw):
    return raw.selectExpr("id", "try_cast(amount AS INT) AS amount", "amount AS raw_amount")


def double(loans):
    return loans.selectExpr("id", "2 * amount AS doubled")


def total(doubled):
    return doubled.selectExpr("sum(doubled) AS total")


def measure(totals):
    return Evidence(metrics={"total": float(totals.first().total)})


def gate(report, *, at_least):
    value = report.metrics["total"]
    return [] if value >= at_least else [f"total {value:g} is below {at_least:g} (at_least)"]


def publish(totals, verdict):
    return totals


CONTRACTS = {
    "raw": Contract("id STRING, amount STRING"),
    "loans": Contract(
        "id STRING, amount INT COMMENT 'USD'",
        key=("id",),
        checks={"amount_is_a_number": "amount IS NOT NULL", "amount_is_positive": "amount > 0"},
        quarantine="loans_quarantine",
        min_rows=1,
    ),
}


def graph_of(stages: Any) -> Graph:
    """Return the small graph with the stage functions of a module."""
    nodes = (
        Transform(stages.clean, "raw", "loans"),
        Transform(stages.double, "loans", "doubled"),
        Transform(stages.total, "doubled", "totals"),
        Measure(stages.measure, "totals", "report"),
        Gate(stages.gate, "report", "verdict"),
        Transform(stages.publish, ("totals", "verdict"), "published"),
    )
    return Graph("small", nodes, CONTRACTS)


SETTINGS = {"spark.sql.session.timeZone": "UTC"}
GRAPH = graph_of(sys.modules[__name__])


@dataclass
class SmallProject:
    """The small graph over a CSV file that a test writes."""

    spark: Any
    home: Home
    csv: Path
    graph: Graph = GRAPH
    params: dict[str, Any] = field(
        default_factory=lambda: {"common": {"as_of": "2024-01-01"}, "gate": {"at_least": 0}}
    )
    more: dict[str, Any] = field(default_factory=dict)
    nodes_at_once: int = 4
    runs: int = 0

    @property
    def catalog(self):
        delta = ("releases", "loans", "loans_quarantine", "totals")
        entries = {name: DeltaConf() for name in delta}
        entries |= {"raw": CsvConf(str(self.csv)), "doubled": MemoryConf()}
        entries |= {"published": MemoryConf()}
        entries |= {"report": ReportConf(), "verdict": ReportConf()}
        return Catalog(entries | self.more, self.home, str(self.home.tables))

    @property
    def stores(self):
        return Stores(self.catalog, RunConf("", "", "tests", 4))

    def request(self, part=None, **wishes):
        """Return what is asked of the planner as the project stands now."""
        return Request(
            graph=part or self.graph,
            whole=self.graph,
            params=bind_parameters(self.graph, self.params),
            base=wishes.pop("base", self.current),
            token=wishes.pop("token", token_hex(8)),  # no two plans share it
            pinned=wishes.pop("pinned", {}),
            settings=wishes.pop("settings", SETTINGS),
            **wishes,
        )

    def plan(self, part=None, **wishes):
        return Planner(self.request(part, **wishes), self.spark, self.stores).plan()

    def runner(self, part=None, **wishes):
        """Return a runner for the graph (or a part of it) as the project stands now."""
        self.runs += 1
        order = Order(
            run_id=f"run-{self.runs}",
            env="test",
            as_of="2024-01-01",
            config={"params": self.params},
            params=bind_parameters(self.graph, self.params),
            command="./spark-submit.sh run",
            user="tester",
            git_commit="abc",
            git_dirty=False,
            versions={},
            nodes_at_once=self.nodes_at_once,
        )
        self.home.prepare()
        stores, plan = self.stores, self.plan(part, token=order.run_id, **wishes)
        return Runner(order, plan, self.spark, stores, QuietProgress())

    def run(self, part=None, **wishes):
        return self.runner(part, **wishes).run()

    def causes(self, part=None, **wishes):
        """Return the nodes that a plan would run, with the cause of each."""
        planned = self.plan(part, **wishes).nodes
        return {p.node.name: p.cause for p in planned if p.action == "run"}

    def grow(self, *nodes, contracts=None, **entries):
        """Add nodes to the graph and datasets to the catalog; a contract replaces another."""
        self.more = self.more | entries
        kept = tuple(n for n in self.graph.nodes if n.name not in {new.name for new in nodes})
        contracts = {**self.graph.contracts, **(contracts or {})}
        self.graph = Graph("small", (*kept, *nodes), contracts)

    @property
    def current(self):
        return Releases(self.catalog.delta("releases")).current(self.spark)

    def unended(self):
        """Return the names of MLflow's runs that have not ended."""
        tracking = self.stores.tracking
        runs = tracking.client.search_runs([tracking.experiment_id])
        return [run.info.run_name for run in runs if run.info.status == "RUNNING"]

    def roll_back(self, release_id):
        """Make an earlier release current again."""
        releases, base = Releases(self.catalog.delta("releases")), self.current
        target = releases.numbered(self.spark, release_id)
        now = dt.datetime.now(dt.UTC)
        back = rolled_back(base, target, run_id="back", user="tester", now=now)
        releases.publish(self.spark, back, base)

    def released(self, name):
        """Return the rows of a table as readers see them: through the release."""
        version = self.current.pins[name]
        return self.catalog.delta(name).read(self.spark, version).collect()
