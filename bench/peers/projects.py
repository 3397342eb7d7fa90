"""The projects: how each tool is used, and the changes and mistakes to plant in its project."""

from collections.abc import Mapping
from dataclasses import dataclass

SMALL = {
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}


@dataclass(frozen=True)
class Edit:
    """A piece of text in one file of a project, and what stands in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Tool:
    """How one tool is used.

    Attributes:
        name: As its makers write it.
        package: What carries its version.
        source: Folder of its project beside this file.
        stages: Where the stages belong in it.
        program: What starts it, seen from the environment of the peers.
        check: Arguments of the command that looks for mistakes without running.
        run: Arguments of the command that runs the graph.
        tables: Where its tables lie.
        completed: Regular expression for a node that ran through, in what the tool prints.
        settings: Spark settings besides `SMALL`.
        faults: Name of a mistake to the edit that plants it.
        features, cut_off, comment: The changes that runs are repeated with.
        notes: What the tool has no notion of, and what was done instead.
        releases: The table among its tables that says which version of the others is current;
            empty: the newest is.
    """

    name: str
    package: str
    source: str
    stages: str
    program: tuple[str, ...]
    check: tuple[str, ...]
    run: tuple[str, ...]
    tables: str
    completed: str
    settings: Mapping[str, str]
    faults: Mapping[str, Edit]
    features: Edit
    cut_off: Edit
    comment: Edit
    notes: tuple[str, ...]
    releases: str = ""


def _stage_faults(stages: str, *, edge: Edit, parameter: Edit, cycle: Edit) -> dict[str, Edit]:
    """Return the five mistakes: two in the stages, which all tools share, three in the wiring.

    Args:
        stages: Where the stages lie in a project.
        edge: Makes a node read a dataset that nobody writes.
        parameter: Takes a parameter away.
        cycle: Makes a node read what is made of its own output.
    """
    drop = "heldout = featured.where(~is_early)"
    return {
        "wrong column in features": Edit(stages, "F.log1p(income)", 'F.log1p(F.col("incme"))'),
        "wrong dataset name": edge,
        "missing parameter": parameter,
        "feature lost before scoring": Edit(stages, drop, f'{drop}.drop("debt_share")'),
        "cycle": cycle,
    }


_KEDRO_STAGES, _KEDRO_GRAPH = "src/kedro_lending/stages.py", "src/kedro_lending/pipeline.py"
_KEDRO_PARAMETERS = "conf/base/parameters.yml"
KEDRO = Tool(
    name="Kedro",
    package="kedro",
    source="kedro_lending",
    stages=_KEDRO_STAGES,
    program=("bin/kedro",),
    check=("registry", "describe"),
    run=("run",),
    tables="data",
    completed=r"Completed node: (\w+)",
    settings={},
    faults=_stage_faults(
        _KEDRO_STAGES,
        edge=Edit(_KEDRO_GRAPH, '["model", "heldout"]', '["model", "heldot"]'),
        parameter=Edit(_KEDRO_PARAMETERS, "cut_off: 0.2\n", ""),
        cycle=Edit(_KEDRO_GRAPH, '{"loans": "loans"', '{"loans": "scores"'),
    ),
    features=Edit(_KEDRO_PARAMETERS, "2016-12-31", "2015-12-31"),
    cut_off=Edit(_KEDRO_PARAMETERS, "cut_off: 0.2", "cut_off: 0.25"),
    comment=Edit(_KEDRO_STAGES, "    is_early =", "    # By the day of issue.\n    is_early ="),
    notes=(
        "The model is kept in memory, as Kedro's guide to PySpark says: its catalog has no dataset "
        "for a model of MLlib.",
        "No command of Kedro's checks datasets and parameters without a run; `registry describe` "
        "builds the graph. The catalog's validators (since 1.6) look at each table as it is saved.",
    ),
)

SDP_SPEC, _SDP_GRAPH = "spark-pipeline.yml", "transformations/lending.py"
SDP = Tool(
    name="Spark Declarative Pipelines",
    package="pyspark",
    source="sdp_lending",
    stages="stages.py",
    program=("bash", "lib/python{python}/site-packages/pyspark/bin/spark-pipelines"),
    check=("dry-run", "--remote", "local[2]"),
    run=("run", "--remote", "local[2]"),
    tables="warehouse",
    completed=r"Flow spark_catalog\.default\.(\w+) has COMPLETED",
    settings={
        # Not `format="delta"` on each table: see SDP_FORMAT.
        "spark.sql.sources.default": "delta",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": "{work}/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            "jdbc:derby:;databaseName={work}/metastore;create=true"
        ),
    },
    faults=_stage_faults(
        "stages.py",
        edge=Edit(_SDP_GRAPH, 'spark.table("heldout")', 'spark.table("heldot")'),
        parameter=Edit(SDP_SPEC, '  lending.cut_off: "0.2"\n', ""),
        cycle=Edit(_SDP_GRAPH, 'spark.table("loans")', 'spark.table("scores")'),
    ),
    features=Edit(SDP_SPEC, "2016-12-31", "2015-12-31"),
    cut_off=Edit(SDP_SPEC, 'cut_off: "0.2"', 'cut_off: "0.25"'),
    comment=Edit("stages.py", "    is_early =", "    # By the day of issue.\n    is_early ="),
    notes=(
        "A pipeline knows tables only, so the model is a table of one row of weights, fitted by a "
        "pandas aggregate: Newton's method in numpy instead of MLlib.",
        "All tables are materialized views, which every run makes anew. Streaming tables would "
        "read new rows only, but no old row again after a change of code or parameters.",
    ),
)
# A second run refuses tables whose definitions name Delta, which the first run takes.
SDP_FORMAT = Edit(
    _SDP_GRAPH,
    "@dp.materialized_view\ndef decisions",
    '@dp.materialized_view(format="delta")\ndef decisions',
)
# MLlib where a pipeline would need it.
SDP_ESTIMATOR = Edit(
    _SDP_GRAPH,
    'return spark.table("train").agg(fit("is_bad", *FEATURES).alias("weights"))',
    'from stages import fit_model\n\n    train = spark.table("train")\n'
    "    return fit_model(train, regularisation=0.1).transform(train)",
)

_OUR_STAGES, OUR_GRAPH = "lib/penstock/peers/stages.py", "lib/penstock/graphs/peers.py"
_OUR_PARAMETERS = "conf/base/params.yaml"
PENSTOCK = Tool(
    name="penstock",
    package="penstock",
    source="",
    stages=_OUR_STAGES,
    program=("bash", "{work}/spark-submit.sh"),
    check=("plan", "--graph", "peers"),
    run=("run", "--graph", "peers", "--json"),
    tables="var/tables",
    completed=r'"name": "(\w+)", "status": "done"',
    settings={},
    faults=_stage_faults(
        _OUR_STAGES,
        edge=Edit(OUR_GRAPH, 'Apply("model", "heldout"', 'Apply("model", "heldot"'),
        parameter=Edit(_OUR_PARAMETERS, "decide:\n  cut_off: 0.2\n", ""),
        cycle=Edit(
            OUR_GRAPH, 'Transform(add_features, "loans"', 'Transform(add_features, "scores"'
        ),
    ),
    features=Edit(_OUR_PARAMETERS, "2016-12-31", "2015-12-31"),
    cut_off=Edit(_OUR_PARAMETERS, "cut_off: 0.2", "cut_off: 0.25"),
    comment=Edit(_OUR_STAGES, "    is_early =", "    # By the day of issue.\n    is_early ="),
    notes=(
        "Its tables are read through the last release, as its own jobs do. Who reads the newest "
        "version of a table past the release sees what a killed run has written.",
    ),
    releases="releases",
)
