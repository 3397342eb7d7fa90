"""The effect of reject inference: the model with it beside the model of accepted loans alone."""

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from penstock.annotations import Positive
from penstock.errors import DataError
from penstock.evidence import Evidence, Table
from penstock.learn.logistic import coefficient_table, logistic_pd
from penstock.learn.pd_columns import LABEL, PD, SAMPLE
from penstock.learn.reject_inference import REJECTED, Bands, Method
from penstock.measure.intervals import CONFIDENCE
from penstock.measure.paired import (
    PairCounts,
    auc_metrics,
    count_by_pair,
    delong_difference,
)

DECIMALS = 6
WITHOUT, WITH = "without", "with"

# What they are, how many, their bad rate, mean PDs without and with reject inference.
PopulationRow = tuple[str, int, float | None, float, float]

WARNINGS = (
    "Every judged loan was accepted. They cannot tell whether the PDs of applicants like those "
    "rejected are better: that takes outcomes of some of them, of loans granted for the test.",
    "A difference of AUC here is what the option costs or gains where outcomes are known.",
    "The PDs of rejected rows follow from what was supposed of them, which no outcome bears out.",
)


def show_reject_inference(
    train: DataFrame,
    test: DataFrame,
    model: PipelineModel,
    *,
    numeric: list[str],
    categorical: list[str],
    regularisation: float,
    elastic_net: float,
    max_iterations: int,
    reject_inference: Method,
    reject_bands: Bands,
    reject_risk: Positive,
) -> Evidence:
    """Show what reject inference has changed, on judged loans and on the rejected rows.

    Without reject inference it runs nothing; else it fits the model of accepted loans, and runs two
    Spark queries more.

    Args:
        train: The sample that the model was fitted on, with its rejected rows.
        test: Loans that judge it, all of them accepted: features and `is_bad`.
        model: Fitted by `logistic_pd` with these parameters, which are told there.

    Returns:
        Metrics auc_without, auc_with, auc_difference (with less without; also _low and _high),
        rejected, rejected_beyond (rejected rows of a greater PD than any accepted loan of the
        sample, where all is extrapolation), and the bad_rate_judged; tables populations (mean PDs
        beside the bad rate), coefficients, and warnings. Without reject inference: one table that
        says so.

    Raises:
        DataError: The sample has no rejected row, or judged loans cannot be compared.
    """
    if reject_inference == "none":
        said = "No rejected application has a part in the model (reject_inference: none)."
        return Evidence({}, {"none": Table.of_texts("No reject inference", "note", [said])})
    without = logistic_pd(
        numeric=numeric,
        categorical=categorical,
        regularisation=regularisation,
        elastic_net=elastic_net,
        max_iterations=max_iterations,
        reject_inference="none",
        reject_bands=reject_bands,
        reject_risk=reject_risk,
    ).fit(train)
    models = {WITHOUT: without, WITH: model}
    pairs = count_by_pair(
        _by_both(models, test), score_a=WITH, score_b=WITHOUT, label=LABEL, decimals=DECIMALS
    )
    rejected = _rejected(_by_both(models, train))
    populations = (
        _judged(pairs),
        ("rejected", rejected["rows"], None, float(rejected[WITHOUT]), float(rejected[WITH])),
    )
    return Evidence(
        metrics={
            **auc_metrics(
                delong_difference(pairs, level=CONFIDENCE), auc_a="auc_with", auc_b="auc_without"
            ),
            "bad_rate_judged": populations[0][2],
            "rejected": float(rejected["rows"]),
            "rejected_beyond": float(rejected["beyond"]),
        },
        tables={
            "populations": Table(
                f"Mean PDs without and with reject inference ({reject_inference})",
                ("population", "rows", "bad rate", "without", "with"),
                populations,
            ),
            "coefficients": _coefficients(models),
            "warnings": Table.of_texts("What this cannot tell", "warning", WARNINGS),
        },
    )


def _by_both(models: dict[str, PipelineModel], rows: DataFrame) -> DataFrame:
    for name, model in models.items():
        rows = model.transform(rows).withColumnRenamed(PD, name)
    return rows


def _judged(pairs: PairCounts) -> PopulationRow:
    n = pairs.n_good + pairs.n_bad
    loans = int(n.sum())
    bad_rate = float(pairs.n_bad.sum() / loans) if loans else None
    weights = n / max(loans, 1)
    without, by_inference = float(weights @ pairs.score_b), float(weights @ pairs.score_a)
    return ("judged, accepted", loans, bad_rate, without, by_inference)


def _rejected(scored: DataFrame) -> Row:
    """Count the rejected rows, and those beyond all accepted ones, with their mean PDs."""
    is_rejected = F.col(SAMPLE).isin(*REJECTED.values())
    trained = scored.select(SAMPLE, WITHOUT, WITH)
    most = trained.where(~is_rejected).agg(F.max(WITHOUT).alias("most"))
    [found] = (
        trained.where(is_rejected)
        .crossJoin(most)
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.avg(F.round(WITHOUT, DECIMALS).cast("decimal(10,6)")).alias(WITHOUT),
            F.avg(F.round(WITH, DECIMALS).cast("decimal(10,6)")).alias(WITH),
            F.count_if(F.col(WITHOUT) > F.col("most")).alias("beyond"),
        )
        .collect()
    )
    if not found["rows"]:
        raise DataError(
            "No row of this sample is a rejected one, so that the model was fitted on another "
            "sample. Train it again, on this one."
        )
    return found


def _coefficients(models: dict[str, PipelineModel]) -> Table:
    by_model = {
        name: {row[:2]: row[2] for row in coefficient_table(model).rows}
        for name, model in models.items()
    }
    slots = dict.fromkeys(slot for found in by_model.values() for slot in found)
    rows = tuple((*slot, *(found.get(slot) for found in by_model.values())) for slot in slots)
    known = tuple(row for row in rows if row[2] or row[3])
    return Table("Coefficients, before Platt scaling", ("feature", "level", *by_model), known)
