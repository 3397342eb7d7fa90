"""Training: what each trainer of the challenger costs, and how well it ranks, on the same rows."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.result import Figure, Result
from bench.training_session import CATEGORICAL, CORES, NUMERIC, ROWS, Order, trained
from penstock.learn.challenger.settings import complete_settings

if TYPE_CHECKING:
    import pandas

LEAST_CPU_RATIO, MOST_WALL_RATIO = 5, 1.6
ON_ALL_CORES = {"num_workers": CORES}
XGBOOST = complete_settings("xgboost", ON_ALL_CORES)
GBT = complete_settings("gbt", {})
# The boosting of MLlib's GBT: as many trees of the same size and step, all columns for each. Its
# first tree counts in full, which is as many trees as a step goes into 1.
AS_GBT = {
    **ON_ALL_CORES,
    "n_estimators": GBT["maxIter"] + round(1 / GBT["stepSize"]),
    "learning_rate": GBT["stepSize"],
    "max_depth": GBT["maxDepth"],
    "max_bin": GBT["maxBins"],
    "subsample": GBT["subsamplingRate"],
    "colsample_bytree": 1.0,
}
BY_DEFAULT = "xgboost_by_default"  # one task of one core
OTHERS = ("random_forest", "logistic")  # one fit of each is measured, and ROUNDS of the rest
# Generated loans: 60 % to fit on, 20 % to calibrate, 20 % to judge by. The many are for the time of
# xgboost in Spark against xgboost alone.
FEW, MANY, ROUNDS = 200_000, (1_000_000, 2_000_000), 3


def measure() -> Result:
    """Fit each trainer in a process of its own on two cores, and xgboost without Spark."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        places = {n: Path(folder, str(n)) for n in (FEW, *MANY)}
        for n, place in places.items():
            place.mkdir()
            generated(n).to_parquet(place / ROWS)
        few = places[FEW]
        found = {
            "xgboost": trained(Order(few, "xgboost", ON_ALL_CORES, ROUNDS)),
            "xgboost_as_gbt": trained(Order(few, "xgboost", AS_GBT, ROUNDS)),
            BY_DEFAULT: trained(Order(few, "xgboost", {}, ROUNDS)),
            "gbt": trained(Order(few, "gbt", {}, ROUNDS)),
            **{trainer: trained(Order(few, trainer, {}, 1)) for trainer in OTHERS},
        }
        one_tree = trained(Order(few, "xgboost", {**ON_ALL_CORES, "n_estimators": 1}, ROUNDS))
        beside = [Beside(FEW, found["xgboost"], _native_seconds(few))]
        for n in MANY:
            of_many = trained(Order(places[n], "xgboost", ON_ALL_CORES, ROUNDS))
            beside.append(Beside(n, of_many, _native_seconds(places[n])))
    return result_of(found, beside, median(one_tree["stage_wall_s"]))


@dataclass(frozen=True)
class Native:
    """What xgboost takes without Spark, in seconds by round.

    Attributes:
        alone: Its fit, on rows encoded and in memory.
        whole: Reading the same file, encoding, the fit and Platt scaling of the calibration rows.
    """

    alone: list[float]
    whole: list[float]


@dataclass(frozen=True)
class Beside:
    """xgboost in Spark (`trained`) beside xgboost alone, on so many rows."""

    rows: int
    spark: dict[str, Any]
    native: Native


def generated(rows: int) -> "pandas.DataFrame":
    """Return loans whose log-odds bend, step and depend on pairs of columns, with gaps."""
    import pandas  # noqa: PLC0415

    random = np.random.default_rng(8)
    x = random.normal(0, 1, (rows, len(NUMERIC)))
    levels = {name: random.integers(0, 5 + 7 * n, rows) for n, name in enumerate(CATEGORICAL)}
    log_odds = (
        -2.2
        + 0.6 * x[:, 0]
        + 0.5 * np.sin(2 * x[:, 1])
        - 0.7 * (x[:, 2] > 1)
        + 0.5 * x[:, 3] * x[:, 4]
        + 0.2 * (levels["purpose"] - 2)
        + 0.3 * (levels["region"] % 3 == 0) * x[:, 5]
    )
    is_bad = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    x[random.random(x.shape) < 0.05] = np.nan  # noqa: PLR2004
    table = pandas.DataFrame(x, columns=list(NUMERIC))
    for name, level in levels.items():
        table[name] = pandas.Series(level).map("level {}".format)
    samples = np.array(["development"] * 3 + ["calibration", "judged"])
    return table.assign(
        number=np.arange(rows),
        is_bad=is_bad.astype("int32"),
        # Drawn, not counted off: the warm-up takes every tenth row, of all samples.
        sample=samples[random.integers(0, len(samples), rows)],
    )


def _native_seconds(folder: Path) -> Native:
    """Measure xgboost itself for the same trees, by threads on all cores, after a round to warm up.

    Platt scaling is scikit-learn's logistic regression of the label on the margin.
    """
    import pandas  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from xgboost import XGBClassifier  # noqa: PLC0415

    settings = {name: v for name, v in XGBOOST.items() if name != "num_workers"}
    native = Native([], [])
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        table = pandas.read_parquet(folder / ROWS)
        columns = [*NUMERIC, *CATEGORICAL]
        encoded = pandas.get_dummies(table[columns], columns=list(CATEGORICAL)).to_numpy("float32")
        fitted, held = (table["sample"] == part for part in ("development", "calibration"))
        rows, label = encoded[fitted], table["is_bad"][fitted].to_numpy()
        at_fit = time.perf_counter()
        model = XGBClassifier(n_jobs=CORES, tree_method="hist", **settings).fit(rows, label)
        native.alone.append(time.perf_counter() - at_fit)
        margin = model.predict(encoded[held], output_margin=True)
        LogisticRegression(C=np.inf).fit(margin[:, None], table["is_bad"][held])
        native.whole.append(time.perf_counter() - started)
    return Native(native.alone[1:], native.whole[1:])


def result_of(found: dict[str, dict[str, Any]], beside: list[Beside], one_tree_s: float) -> Result:
    """Return the figures.

    Args:
        found: Trainer to what was found of it (`trained`).
        beside: xgboost in Spark and alone, on few rows and on more and more.
        one_tree_s: What a fit of one tree takes in Spark.
    """
    figures = [
        *_beside_gbt(found),
        *_beside_native(beside),
        Figure("one_tree_s", one_tree_s, "a fit of one tree in Spark: what is fixed"),
        _whole_beside_native(beside[-1]),
        *(figure for trainer, each in found.items() for figure in _of_trainer(trainer, each)),
    ]
    return Result(tuple(figures), _notes(beside))


def _beside_gbt(found: dict[str, dict[str, Any]]) -> list[Figure]:
    """Return CPU and AUC of xgboost and MLlib's GBT, each figure also the other way round."""
    boosted, peer = found["xgboost_as_gbt"], found["gbt"]
    return [
        Figure(
            "cpu_ratio_mllib_gbt",
            median(peer["stage_cpu_s"]) / median(boosted["stage_cpu_s"]),
            "CPU of MLlib's GBT / that of xgboost, boosting as GBT does, the trainers alone",
        ),
        Figure(
            "cpu_of_mllib_gbt",
            median(boosted["stage_cpu_s"]) / median(peer["stage_cpu_s"]),
            "the same the other way round: CPU of xgboost / that of GBT",
            1 / LEAST_CPU_RATIO,
        ),
        Figure(
            "cpu_of_mllib_gbt_whole",
            median(boosted["cpu_s"]) / median(peer["cpu_s"]),
            "the same of the whole challenger_pd: checks, encoding and calibration are added",
        ),
        Figure(
            "auc_difference",
            boosted["auc"] - peer["auc"],
            "AUC of this xgboost less that of MLlib's GBT, on judged rows",
        ),
        Figure(
            "auc_below_mllib_gbt",
            peer["auc"] - boosted["auc"],
            "the same the other way round",
            0,
        ),
        Figure(
            "cpu_of_mllib_gbt_by_default",
            median(found[BY_DEFAULT]["stage_cpu_s"]) / median(peer["stage_cpu_s"]),
            "CPU of xgboost with all its defaults, in one task / that of MLlib's GBT",
            1 / LEAST_CPU_RATIO,
        ),
    ]


def _beside_native(beside: list[Beside]) -> list[Figure]:
    """Return the time of xgboost in Spark and alone; the target is of the most rows."""
    most = beside[-1]
    ratio = Figure(
        "wall_ratio_native",
        median(most.native.alone) / median(most.spark["stage_wall_s"]),
        f"{most.rows:,} rows: time of xgboost alone / xgboost in Spark, rows encoded and in memory",
    )
    return [
        ratio,
        *(_of_native(each, MOST_WALL_RATIO if each is most else None) for each in reversed(beside)),
    ]


def _whole_beside_native(most: Beside) -> Figure:
    return Figure(
        "wall_of_native_whole",
        median(most.spark["wall_s"]) / median(most.native.whole),
        f"{most.rows:,} rows: the whole challenger_pd / pandas, xgboost and Platt scaling by "
        "themselves",
    )


def _of_trainer(trainer: str, found: dict[str, Any]) -> list[Figure]:
    return [
        Figure(f"auc_{trainer}", found["auc"], f"AUC of {trainer} on judged rows"),
        Figure(f"seconds_{trainer}", median(found["wall_s"]), "the whole challenger_pd"),
        Figure(
            f"cpu_s_{trainer}", median(found["cpu_s"]), "CPU of JVM and Python's processes together"
        ),
    ]


def _of_native(beside: Beside, most: float | None) -> Figure:
    return Figure(
        f"wall_of_native_{beside.rows:.0e}".replace("+0", ""),
        median(beside.spark["stage_wall_s"]) / median(beside.native.alone),
        f"{beside.rows:,} rows: time of xgboost in Spark / xgboost alone",
        most,
    )


def _notes(beside: list[Beside]) -> tuple[str, ...]:
    alone = ", ".join(
        f"{median(each.native.alone):.1f} s of {each.rows:,} (from the file "
        f"{median(each.native.whole):.1f} s)"
        for each in beside
    )
    return (
        f"{beside[0].rows:,} generated rows where no other number stands, {len(NUMERIC)} numbers "
        f"with gaps and {len(CATEGORICAL)} categories, {CORES} cores; 60 % are fitted on. Medians, "
        "after a fit of a tenth of the rows to warm up.",
        "Each trainer has the defaults of challenger_pd, xgboost on all cores: "
        f"{_listed(XGBOOST)}; as MLlib's "
        f"GBT it has {_listed(AS_GBT)}: the first tree of GBT counts in full, as ten with its step "
        "do. "
        f"xgboost alone, with {CORES} threads, took {alone}.",
        "The whole challenger_pd checks and sorts the rows, encodes, fits and calibrates; ratios "
        "are of the trainers alone, on rows encoded and in memory, unless they say so. CPU is "
        "counted by the system for all processes of the bench, not by Spark, which does not see "
        "Python's.",
        "Most of what is fixed is waiting: xgboost in Spark meets at three barriers of Spark, at "
        "each of which a task looks once a second whether the others have come. The ratio to "
        "xgboost alone is therefore one of how many rows there are.",
    )


def _listed(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
