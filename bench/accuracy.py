"""Accuracy on public data sets, beside what the same splits gave single-node tools.

`PENSTOCK_DATA` names the folder in which the data sets lie; those that are not there are told.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.result import Figure, Result
from penstock.conf import Conf, load_conf
from penstock.errors import UsageError
from penstock.evidence import Evidence
from penstock.job import PROJECT
from penstock.learn.binning.leaks import find_leaks
from penstock.learn.folds import fold_by_group
from penstock.learn.observations import DATE, ROW_ID, read_observations
from penstock.learn.pd_columns import LABEL

if TYPE_CHECKING:
    import pandas
    from pyspark.sql import DataFrame, SparkSession

DATA = "PENSTOCK_DATA"
WITH_TEXT = "_with_text"
FOLDS, SEED = 5, 42
MOST_BELOW = 0.005  # AUC, what the issue that asked for the models allows
MOST_ECE = 0.005
PLACE = "place_in_file"
MOST_TEXT_GAIN = 0.01  # AUC; more would be suspect
FIRST_OUT_OF_TIME, LAST_OUT_OF_TIME, LAST_FITTED = "2011-01-01", "2011-09-30", "2010-09-30"

GERMAN_NUMBERS = "duration, amount, instalment_rate, residence, credits, dependants"
GERMAN_KINDS = (
    "status, history, purpose, savings, employment, guarantors, property, other_plans, housing, "
    "job, telephone"
)

Places = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class DataSet:
    """A data set, how it is split, and the AUC that single-node tools reached on that split.

    Attributes:
        env: Environment that describes it.
        file: Its file, below the folder of all.
        split: Rows (`row_id`, `is_bad`, `group`, `observed_on`) to places to fit on and to judge
            by, once or several times.
        said: How it is split, for the notes.
        references: Model to AUC, on the judged rows; the mean of several folds.
        settings: What the environment is given here, as by `--set`.
        ece: Model whose PDs are held against outcomes too, calibrated out of fold.
        text: Columns in the applicant's words: each model is fitted once more with their score.
    """

    env: str
    file: str
    split: Callable[["pandas.DataFrame"], Places]
    said: str
    references: dict[str, float]
    settings: tuple[str, ...] = ()
    ece: str = ""
    text: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """What is fitted: each of the models, and the same with texts."""
        with_text = (f"{name}{WITH_TEXT}" for name in self.references if self.text)
        return (*self.references, *with_text)


def _once(rows: "pandas.DataFrame") -> Places:
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    places = np.arange(len(rows))
    yield tuple(train_test_split(places, test_size=0.3, stratify=rows[LABEL], random_state=SEED))


def _folds(rows: "pandas.DataFrame") -> Places:
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    yield from StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, rows[LABEL])


def _grouped(rows: "pandas.DataFrame") -> Places:
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    yield from folds.split(rows, rows[LABEL], rows["group"])


def _out_of_time(rows: "pandas.DataFrame") -> Places:
    day = rows[DATE].astype(str)
    is_judged = day.between(FIRST_OUT_OF_TIME, LAST_OUT_OF_TIME)
    yield np.flatnonzero(day <= LAST_FITTED), np.flatnonzero(is_judged)


DATA_SETS = (
    DataSet(
        "lendingclub",
        "lendingclub/loans_2007-06_to_2011-09.csv.gz",
        _out_of_time,
        f"fitted to {LAST_FITTED}, judged {FIRST_OUT_OF_TIME} to {LAST_OUT_OF_TIME}",
        {"scorecard": 0.697, "logistic": 0.703, "xgboost": 0.701},
        text=("desc", "title", "emp_title"),
    ),
    DataSet(
        "give_me_some_credit",
        "give_me_some_credit/cs-training.csv.gz",
        _once,
        f"70 / 30, stratified, seed {SEED}",
        {"scorecard": 0.858, "logistic": 0.859, "xgboost": 0.866},
        ece="xgboost",
    ),
    DataSet(
        "german_credit",
        "german_credit/german.data.gz",
        _folds,
        f"{FOLDS} folds, stratified, seed {SEED}, with the columns that the environment protects",
        {"scorecard": 0.787, "logistic": 0.790, "xgboost": 0.790},
        settings=(
            "params.read_observations.protected=[]",
            f"params.read_observations.numeric=[{GERMAN_NUMBERS}, age]",
            f"params.read_observations.categorical=[{GERMAN_KINDS}, sex_and_status, "
            "foreign_worker]",
        ),
    ),
    DataSet(
        "hmeq",
        "hmeq/hmeq.csv.gz",
        _grouped,
        f"{FOLDS} folds, stratified, copies of a row in one fold, seed {SEED}; xgboost by a search "
        "of depth, trees and weight of a leaf on folds of the rows that are fitted on",
        {"scorecard": 0.907, "logistic": 0.904, "xgboost": 0.949},
        settings=(
            "params.challenger_pd.search={max_depth: {low: 3, high: 7}, "
            "n_estimators: {low: 200, high: 600, step: 100}, "
            "min_child_weight: {low: 1.0, high: 5.0}}",
            "params.challenger_pd.trials=8",
        ),
    ),
    DataSet(
        "credit_approval",
        "credit_approval/crx.data.gz",
        _folds,
        f"{FOLDS} folds, stratified, seed {SEED}",
        {"scorecard": 0.932, "logistic": 0.930, "xgboost": 0.940},
    ),
)


def measure() -> Result:
    """Fit every model on every split of the data sets that are there, in one session.

    Raises:
        UsageError: `PENSTOCK_DATA` names no folder.
    """
    given = os.environ.get(DATA)
    if not given:
        return Result((), (f"Nothing was measured: {DATA} names no folder of data sets.",))
    if not Path(given).is_dir():
        raise UsageError(f"{DATA} is '{given}', and there is no such folder.")
    # Imported here: `make bench` starts no Spark for the benches that need none.
    from penstock.session import start_test_session  # noqa: PLC0415

    figures: list[Figure] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        spark = start_test_session(Path(folder))
        try:
            for data_set in DATA_SETS:
                file = Path(given, data_set.file)
                if file.exists():
                    found, judged = _accuracies(spark, data_set, file)
                    figures += _figures(data_set, found)
                    notes.append(_note(data_set, found, judged))
                else:
                    notes.append(f"{data_set.env} was not measured: it is not in the folder.")
        finally:
            spark.stop()
    return Result(tuple(figures), tuple(notes))


def _accuracies(
    spark: "SparkSession", data_set: DataSet, file: Path
) -> tuple[dict[str, list[float]], list[int]]:
    """Return what was found on the judged rows of all splits, and their labels.

    Found is each model's AUC, split by split, and under "ece" the ECE of one of them.
    """
    settings = [
        f"catalog.raw_table.path={file}",
        f"params.read_observations.text=[{', '.join(data_set.text)}]",
        *data_set.settings,
    ]
    conf = load_conf(PROJECT / "conf", data_set.env, settings)
    observations = _observations(spark, conf).persist()
    rows = observations.select(ROW_ID, LABEL, "group", DATE).toPandas()
    rows = rows.sort_values(ROW_ID, key=lambda ids: ids.astype(int), ignore_index=True)
    found: dict[str, list[float]] = {name: [] for name in data_set.models}
    judged: list[int] = []
    for of_fit, of_judgement in data_set.split(rows):
        judged += rows[LABEL].iloc[of_judgement].tolist()
        places = {"fitted": of_fit, "judged": of_judgement}
        samples = {name: rows[ROW_ID].iloc[place] for name, place in places.items()}
        parts = {name: _part(observations, ids).persist() for name, ids in samples.items()}
        fitted = _as_sample(parts["fitted"])
        leaks = find_leaks(fitted, **conf.params["find_leaks"])
        for name in data_set.models:
            scored = _estimator(name, conf, leaks).fit(fitted).transform(parts["judged"])
            found[name].append(_auc(scored))
        if data_set.ece:
            once = fitted.where("sample = IF(fold = 0, 'calibration', 'development')")
            model = _estimator(data_set.ece, conf, leaks, "out_of_fold").fit(once)
            found.setdefault("ece", []).append(_ece(model.transform(parts["judged"])))
        for part in parts.values():
            part.unpersist()
    observations.unpersist()
    return found, judged


def _observations(spark: "SparkSession", conf: Conf) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: PLC0415

    from penstock.store.catalog import Catalog  # noqa: PLC0415
    from penstock.store.home import Home  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        raw = Catalog.of(conf, Home(Path(folder))).read_file(spark, "raw_table")
    # Where a row stands in its file, which is one part: the references were split by that.
    placed = raw.withColumn(PLACE, F.monotonically_increasing_id())
    as_of = conf.params["common"]["as_of"]
    described = {**conf.params["read_observations"], "key": [PLACE], "as_of": as_of}
    read = read_observations(placed, **described)
    return read.where(f"fault IS NULL AND {LABEL} IS NOT NULL").drop("fault", "raw")


def _part(observations: "DataFrame", ids: "pandas.Series[str]") -> "DataFrame":
    wanted = observations.sparkSession.createDataFrame(ids.to_frame())
    return observations.join(wanted, ROW_ID, how="left_semi")


def _as_sample(fitted: "DataFrame") -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: PLC0415

    # Calibration, which needs rows too, moves no rank: it gets the same ones.
    samples = F.explode(F.array(F.lit("development"), F.lit("calibration")))
    folds = fold_by_group("group", folds=FOLDS, seed=SEED)
    return fitted.withColumn("sample", samples).withColumn("fold", folds)


def _estimator(model: str, conf: Conf, leaks: Evidence, calibration: str = "held_out") -> Any:
    from penstock.learn.challenger.pd import challenger_pd  # noqa: PLC0415
    from penstock.learn.scorecard.pd import scorecard_pd  # noqa: PLC0415

    name = model.removesuffix(WITH_TEXT)
    once: dict[str, Any] = {"calibration": calibration}
    if name == model:
        once["text"] = []
    if name == "scorecard":
        return scorecard_pd(**{**conf.params["scorecard_pd"], **once})
    if name != conf.params["challenger_pd"]["trainer"]:
        once["search"] = {}
    challenger = challenger_pd(**{**conf.params["challenger_pd"], **once, "trainer": name})
    challenger.begin_from(leaks, None)
    return challenger


def _auc(scored: "DataFrame") -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    loans = scored.select(LABEL, "pd").toPandas()
    return float(roc_auc_score(loans[LABEL], loans["pd"]))


def _ece(scored: "DataFrame") -> float:
    from penstock.measure.calibration import ece  # noqa: PLC0415
    from penstock.measure.counts import count_by_score  # noqa: PLC0415

    return ece(count_by_score(scored, score="pd", label=LABEL, by=None, decimals=6), bins=10)


def _figures(data_set: DataSet, found: dict[str, list[float]]) -> list[Figure]:
    figures = []
    for name, reference in data_set.references.items():
        auc = fmean(found[name])
        told = f"AUC of the {name}, {data_set.env}"
        figures += [
            Figure(f"{data_set.env}_{name}_auc", auc, f"{told}; single node {reference:g}"),
            Figure(
                f"{data_set.env}_{name}_below",
                reference - auc,
                "how far it lies below the single-node reference",
                MOST_BELOW,
            ),
        ]
        if data_set.text:
            figures.append(
                Figure(
                    f"{data_set.env}_{name}_text_gain",
                    fmean(found[f"{name}{WITH_TEXT}"]) - auc,
                    f"AUC that the score of {', '.join(data_set.text)} adds; more is suspect",
                    MOST_TEXT_GAIN,
                )
            )
    if data_set.ece:
        told = f"ECE of the {data_set.ece}, {data_set.env}, in ten bins; single node 0.003"
        figures.append(Figure(f"{data_set.env}_ece", fmean(found["ece"]), told, MOST_ECE))
    return figures


def _note(data_set: DataSet, found: dict[str, list[float]], judged: list[int]) -> str:
    each = "; ".join(
        f"{name} {', '.join(f'{auc:.4f}' for auc in aucs)}" for name, aucs in found.items()
    )
    rows = f"{len(judged):,} judged rows, {fmean(judged):.1%} of them bad"
    return f"{data_set.env}: {data_set.said}; {rows}. AUC of each split: {each}."
