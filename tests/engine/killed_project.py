"""A small but complete graph, and the process of its own in which a test runs it, to kill it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from penstock.conf import AliasConf, DeltaConf, ModelConf, ReportConf
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Transform
from penstock.evidence import Evidence
from tests.engine.small_project import SmallProject
from tests.processes import PATIENCE_S

PROJECT = Path(__file__).parents[2]
MODEL = "paid"


def clean(raw):
    return raw.selectExpr(
        "id", "try_cast(amount AS INT) AS amount", "try_cast(paid AS INT) AS paid", "amount AS raw"
    )


def band(loans):
    def bands(frames):  # nested, so that the workers get it by value and import nothing of tests
        for frame in frames:
            time.sleep(0.3)  # a worker can be met at work
            yield frame.assign(band=frame.amount // 100)[["id", "band"]]

    return loans.mapInPandas(bands, "id STRING, band BIGINT")


def count_bands(banded):
    return banded.groupBy("band").count()


def fit_paid():
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    features = VectorAssembler(inputCols=["amount"], outputCol="features")
    return Pipeline(stages=[features, LinearRegression(labelCol="paid", solver="normal")])


def measure_paid(scored):
    sums = scored.selectExpr("sum(paid) AS paid", "sum(prediction) AS predicted").first()
    return Evidence(metrics={"paid": float(sums.paid), "predicted": float(sums.predicted)})


def judge(paid_report):
    off = abs(paid_report.metrics["paid"] - paid_report.metrics["predicted"])
    return [] if off < 1e-6 else [f"the sums differ by {off}"]


GRAPH = Graph(
    "killed",
    (
        Transform(clean, "raw", "loans"),
        Transform(band, "loans", "banded"),
        Transform(count_bands, "banded", "bands"),
        Fit(fit_paid, "loans", "paid_model"),
        Apply("paid_model", "loans", "scored"),
        Measure(measure_paid, "scored", "paid_report"),
        Gate(judge, "paid_report", "paid_verdict"),
        Deploy("paid_model", "champion", after="paid_verdict"),
    ),
    contracts={
        "raw": Contract("id STRING, amount STRING, paid STRING"),
        "loans": Contract(
            "id STRING, amount INT, paid INT",
            key=("id",),
            checks={"amount_is_a_number": "amount IS NOT NULL"},
            quarantine="loans_quarantine",
            min_rows=1,
        ),
        "scored": Contract("id STRING, paid INT, prediction DOUBLE, model_version STRING"),
    },
)
# A chain: a table, a model, what it says of the table, an alias.
SHORT = Graph(
    "killed",
    (
        *GRAPH.only(["clean", "fit_paid", "apply_paid_model_to_loans"]).nodes,
        Deploy("paid_model", "champion", after="scored"),
    ),
    GRAPH.contracts,
)
ENTRIES = {
    **{name: DeltaConf() for name in ("banded", "bands", "scored")},
    "paid_model": ModelConf(MODEL),
    "champion": AliasConf(MODEL),
    "paid_report": ReportConf(),
    "paid_verdict": ReportConf(),
}


@dataclass
class KilledProject(SmallProject):
    """The graph over a CSV file of the state folder."""

    @classmethod
    def of(cls, spark, home, *, file="raw.csv", runs=0):
        project = cls(spark, home, home.root / file, runs=runs)
        project.graph, project.more = GRAPH, ENTRIES
        project.params = {"common": {"as_of": "2024-01-01"}}
        return project

    def write_input(self, seed):
        """Write 60 loans, the seventh of them broken; other seeds, other loans in every table."""
        draw = random.Random(seed)
        rows = [(f"l{seed}-{n}", draw.randrange(1000), draw.randrange(100)) for n in range(60)]
        rows[6] = (f"l{seed}-6", "oops", 1)
        self.csv.write_text("id,amount,paid\n" + "".join(f"{i},{a},{p}\n" for i, a, p in rows))


def run_rounds(folder, name, first, rounds=1):
    """Run the graph, in rounds at the same moment as another process; tell how each run went.

    Args:
        name: Of the input file. Alone, a process reads `raw`; of two, each has its own.
        first: Number of the first run; two processes number theirs odd and even.
    """
    from py4j.protocol import Py4JError

    from penstock.session import start_test_session
    from penstock.store.home import Home

    spark = start_test_session(folder / f"spark-{name}")
    is_alone, error = name == "raw", None
    for number in range(first, first + 2 * rounds, 2):
        project = KilledProject.of(spark, Home(folder), runs=number - 1, file=f"{name}.csv")
        if not is_alone:
            project.write_input(number)
        tell(begins=time.time())
        runner = project.runner()
        if not is_alone:
            meet(folder, f"planned-{(number + 1) // 2}", name)
        record, error = runner.run()
        tell(
            run=record.run_id,
            status=record.status,
            release=record.release,
            error=str(error or ""),
            reasons={node.name: node.reason for node in record.nodes},
            notes=[note for node in record.nodes for note in node.notes],
            ended=time.time(),
        )
        if not is_alone:
            meet(folder, f"ended-{(number + 1) // 2}", name)
    with suppress(Py4JError, OSError):  # of a JVM that was killed
        spark.stop()
    sys.exit(error.exit_code if error and is_alone else 0)


def run_until(folder, number, moment):
    """Run the short graph in another process's JVM, and be killed at a moment.

    Args:
        moment: The node that is written down as finished, or "release": it is committed.
    """
    from penstock.engine.journal import Journal
    from penstock.store.home import Home
    from penstock.store.stores import Stores

    add = Journal.add

    def add_and_die(journal, node, record, made):
        add(journal, node, record, made)
        if node.name == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.add = add_and_die
    Stores.follow = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    project = KilledProject.of(joined_session(), Home(folder), runs=number - 1)
    project.graph = SHORT
    project.run()


def joined_session():
    """Return the session of the process whose JVM the environment names: a start takes seconds."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    gateway = launch_gateway()
    there = gateway.jvm.org.apache.spark.SparkContext.getOrCreate()
    context = gateway.jvm.JavaSparkContext.fromSparkContext(there)
    conf = SparkConf(_jconf=context.getConf())
    return SparkSession(SparkContext(conf=conf, gateway=gateway, jsc=context))


def tell(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def meet(folder, moment, name):
    """Wait for the other process."""
    (folder / f"{moment}-{name}").touch()
    while len(list(folder.glob(f"{moment}-*"))) < 2:
        time.sleep(0.001)


def start(folder, name, first, rounds=1):
    """Start `run_rounds` in a process group that can be killed whole."""
    words = (folder, name, first, rounds)
    return subprocess.Popen(
        [sys.executable, "-m", __name__, *map(str, words)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'lib'}:{PROJECT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_at(spark, folder, number, moment):
    """Let a process `run_until` a moment; return how it ended and what it said."""
    gateway = spark.sparkContext._gateway.gateway_parameters
    joined = {"PORT": str(gateway.port), "SECRET": gateway.auth_token}
    done = subprocess.run(
        [sys.executable, "-m", __name__, *map(str, (folder, "until", number, moment))],
        env={
            **os.environ,
            "PYTHONPATH": f"{PROJECT / 'lib'}:{PROJECT}",
            **{f"PYSPARK_GATEWAY_{name}": value for name, value in joined.items()},
        },
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stderr


if __name__ == "__main__":
    # Imported under its own name: a run in the tests' process knows the functions by that one.
    from tests.engine import killed_project  # noqa: PLW0406

    folder, name, number, last = sys.argv[1:]
    if name == "until":
        killed_project.run_until(Path(folder), int(number), last)
    else:
        killed_project.run_rounds(Path(folder), name, int(number), int(last))
