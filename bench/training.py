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

if TYPE_CHECKING:
    import pandas

LEAST_CPU_RATIO, MOST_WALL_RATIO = 5, 1.6
# Boosting is compared at the same trees.
ROUNDS, DEPTH, RATE, BINS = 50, 4, 0.1, 64
SETTINGS: dict[str, dict[str, Any]] = {
    "xgboost": {
        "n_estimators": ROUNDS,
        "max_depth": DEPTH,
        "learning_rate": RATE,
        "max_bin": BINS,
        "num_workers": CORES,
    },
    "gbt": {"maxIter": ROUNDS, "maxDepth": DEPTH, "stepSize": RATE, "maxBins": BINS},
    "random_forest": {},
    "logistic": {},
}


def measure(rows: int = 200_000, rounds: int = 3) -> Result:
    """Fit each trainer in a process of its own on two cores, and xgboost without Spark.

    Args:
        rows: Generated loans: 60 % to fit on, 20 % to calibrate, 20 % to judge by.
        rounds: Fits of each trainer that are measured.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        generated(rows).to_parquet(Path(folder) / ROWS)
        found = {
            trainer: trained(Order(Path(folder), trainer, settings, rounds))
            for trainer, settings in SETTINGS.items()
        }
        native = native_seconds(Path(folder), rounds)
    return result_of(found, native, rows)


@dataclass(frozen=True)
class Native:
    """What xgboost takes without Spark, in seconds by round.

    Attributes:
        alone: Its fit, on rows encoded and in memory.
        whole: Reading the same file, encoding, the fit and Platt scaling of the calibration rows.
    """

    alone: list[float]
    whole: list[float]


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


def native_seconds(folder: Path, rounds: int) -> Native:
    """Measure xgboost itself for the same trees, by threads on all cores, after a round to warm up.

    Platt scaling is scikit-learn's logistic regression of the label on the margin.
    """
    import pandas  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from xgboost import XGBClassifier  # noqa: PLC0415

    settings = {name: v for name, v in SETTINGS["xgboost"].items() if name != "num_workers"}
    native = Native([], [])
    for _ in range(rounds + 1):
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


def result_of(found: dict[str, dict[str, Any]], native: Native, rows: int) -> Result:
    """Return the figures from what was found of each trainer (`trained`) and of xgboost alone."""
    boosted, peer = found["xgboost"], found["gbt"]
    figures = [
        Figure(
            "cpu_ratio_mllib_gbt",
            median(peer["stage_cpu_s"]) / median(boosted["stage_cpu_s"]),
            f"CPU of MLlib's GBT / xgboost's, the same trees; target: at least {LEAST_CPU_RATIO}",
        ),
        Figure(
            "cpu_ratio_mllib_gbt_whole",
            median(peer["cpu_s"]) / median(boosted["cpu_s"]),
            "the same of the whole challenger_pd: checks, encoding and calibration are added",
        ),
        Figure(
            "auc_difference",
            boosted["auc"] - peer["auc"],
            "AUC of xgboost less that of MLlib's GBT, on judged rows; target: at least 0",
        ),
        Figure(
            "wall_ratio_native",
            median(boosted["stage_wall_s"]) / median(native.alone),
            "time of xgboost in Spark / xgboost alone, rows encoded and in memory",
            MOST_WALL_RATIO,
        ),
        Figure(
            "wall_ratio_native_whole",
            median(boosted["wall_s"]) / median(native.whole),
            "time of the whole challenger_pd / pandas, xgboost and Platt scaling by themselves",
        ),
    ]
    for trainer, each in found.items():
        figures += [
            Figure(f"auc_{trainer}", each["auc"], f"AUC of {trainer} on judged rows"),
            Figure(f"seconds_{trainer}", median(each["wall_s"]), "the whole challenger_pd"),
            Figure(
                f"cpu_s_{trainer}",
                median(each["cpu_s"]),
                "CPU of JVM and Python's processes together",
            ),
        ]
    return Result(tuple(figures), _notes(rows, native))


def _notes(rows: int, native: Native) -> tuple[str, ...]:
    return (
        f"{rows:,} generated rows, {len(NUMERIC)} numbers with gaps and {len(CATEGORICAL)} "
        "categories; medians, after a fit of a tenth of the rows to warm up.",
        f"xgboost and GBT: {ROUNDS} trees of depth {DEPTH}, learning rate {RATE}, {BINS} bins; the "
        "forest and the logistic regression with their defaults.",
        "The whole challenger_pd checks and sorts the rows, encodes, fits and calibrates; ratios "
        "are of the trainers alone, on rows encoded and in memory, unless they say so. CPU is "
        "counted by the system for all processes of the bench, not by Spark, which does not see "
        f"Python's. xgboost alone took {median(native.alone):.1f} s, from the file "
        f"{median(native.whole):.1f} s.",
    )
