"""The part of the training bench that needs Spark: one trainer is fitted on two cores.

A process of its own for each trainer, so that its time and its CPU are its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bench.challenger import challenger
from bench.command import cpu_seconds, run_module
from bench.session import own_session
from penstock.learn.challenger.classifier import ChallengerClassifier
from penstock.learn.challenger.weighted import CLASS_WEIGHT, WeightedClassifier
from penstock.learn.encoding import FEATURES
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import auc

CORES = 2
NUMERIC = tuple(f"x{number}" for number in range(18))
CATEGORICAL = ("purpose", "region")
ROWS = "rows.parquet"


@dataclass(frozen=True)
class Order:
    """What one process fits: a trainer with its settings, some rounds, in a folder."""

    folder: Path
    trainer: str
    settings: dict[str, Any]
    rounds: int


def trained(order: Order) -> dict[str, Any]:
    """Fit a trainer in a process of its own.

    Returns:
        "wall_s" and "cpu_s" of each round of the whole challenger_pd, "stage_wall_s" and
        "stage_cpu_s" of the trainer alone, on rows that are encoded and cached, and "auc" on the
        judged rows.

    Raises:
        NodeFailed: It did not get through; with its last words.
    """
    out = order.folder / f"{order.trainer}.json"
    words = [str(order.folder), order.trainer, json.dumps(order.settings), str(order.rounds)]
    run_module("bench.training_session", *words)
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found


def main(order: Order) -> None:
    """Fit, judge, and write the figures into the folder."""
    memory = {"spark.driver.memory": "2g"}
    with own_session("training", f"local[{CORES}]", order.folder, memory) as spark:
        table = spark.read.parquet(str(order.folder / ROWS))
        estimator = challenger(
            numeric=list(NUMERIC),
            categorical=list(CATEGORICAL),
            trainer=order.trainer,
            settings=order.settings,
        )
        estimator.fit(table.where("number % 10 = 0"))
        models: list[PipelineModel] = []
        wall, cpu = _measured(lambda: models.append(estimator.fit(table)), order.rounds)
        stage_wall, stage_cpu = _measured(_alone(estimator, models[-1], table), order.rounds)
        found = {
            "wall_s": wall,
            "cpu_s": cpu,
            "stage_wall_s": stage_wall,
            "stage_cpu_s": stage_cpu,
            "auc": _judged(models[-1], table),
        }
    (order.folder / f"{order.trainer}.json").write_text(json.dumps(found), "utf-8")


def _judged(model: PipelineModel, table: DataFrame) -> float:
    scored = model.transform(table.where("sample = 'judged'")).select("pd", "is_bad").toPandas()
    found = auc(ScoreCounts.of(scored["pd"], scored["is_bad"]))
    assert found is not None
    return found


def _alone(
    estimator: ChallengerClassifier, model: PipelineModel, table: DataFrame
) -> Callable[[], object]:
    """Return the fit of the trainer, the last stage, on rows that are encoded and cached."""
    weighted = estimator.classifier.classifier
    assert isinstance(weighted, WeightedClassifier)
    trainer: Any = weighted.classifier.getStages()[-1]
    encoded = PipelineModel(model.stages[:-2]).transform(table.where("sample = 'development'"))
    rows = encoded.select(FEATURES, "is_bad", F.lit(1.0).alias(CLASS_WEIGHT))
    rows = rows.repartition(CORES).persist()
    rows.count()
    return lambda: trainer.fit(rows)


def _measured(fit: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds and the CPU seconds of each round."""
    wall, cpu = [], []
    for _ in range(rounds):
        started, spent = time.perf_counter(), cpu_seconds(os.getpid())
        fit()
        wall.append(time.perf_counter() - started)
        cpu.append(cpu_seconds(os.getpid()) - spent)
    return wall, cpu


if __name__ == "__main__":
    main(Order(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])))
