"""The stages of the five-node graph, which every tool under comparison runs as they are here.

clean -> features -> fit -> score -> decide. Plain functions: before `*` tables and models, after it
parameters. They work with classic Spark and with Spark Connect alike.
"""

from pyspark.ml import Model, Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

RAW_COLUMNS = (
    "loan_id STRING, issue_date STRING, amount STRING, income STRING, purpose STRING, is_bad STRING"
)
FEATURES = ("log_amount", "log_income", "debt_share", "for_business")


def clean_loans(raw_loans: DataFrame) -> DataFrame:
    """Give the columns their types and leave out the rows that have none.

    Grain: one row per well-formed row of the CSV; `amount` and `income` in USD, > 0.
    """
    typed = raw_loans.select(
        "loan_id",
        F.col("issue_date").try_cast("date").alias("issue_date"),
        F.col("amount").try_cast("double").alias("amount"),
        F.col("income").try_cast("double").alias("income"),
        "purpose",
        F.col("is_bad").try_cast("double").alias("is_bad"),
    )
    return typed.dropna().where((F.col("amount") > 0) & (F.col("income") > 0))


def add_features(loans: DataFrame, *, train_until: str) -> tuple[DataFrame, DataFrame]:
    """Make the features, and split by the day of issue into training and held-out loans."""
    amount, income = F.col("amount"), F.col("income")
    featured = loans.select(
        "loan_id",
        "issue_date",
        F.log1p(amount).alias("log_amount"),
        F.log1p(income).alias("log_income"),
        F.least(amount / income, F.lit(5.0)).alias("debt_share"),
        (F.col("purpose") == "business").cast("double").alias("for_business"),
        "is_bad",
    )
    is_early = F.col("issue_date") <= F.lit(train_until).cast("date")
    train = featured.where(is_early)
    heldout = featured.where(~is_early)
    return train, heldout


def logistic(*, regularisation: float) -> Pipeline:
    """Return the unfitted model: MLlib's logistic regression on the features."""
    return Pipeline(
        stages=[
            VectorAssembler(inputCols=list(FEATURES), outputCol="features"),
            LogisticRegression(labelCol="is_bad", regParam=regularisation),
        ]
    )


def fit_model(train: DataFrame, *, regularisation: float) -> Model:
    """Fit the model, where the tool itself does not."""
    return logistic(regularisation=regularisation).fit(train)


def score_loans(model: Model, heldout: DataFrame) -> DataFrame:
    """Apply the model, where the tool itself does not."""
    return model.transform(heldout).select("loan_id", "probability")


def decide(scores: DataFrame, *, cut_off: float) -> DataFrame:
    """Approve below the cut-off, with the reason.

    Args:
        scores: Needs `loan_id` and `probability` (vector: P(good), P(bad)).
        cut_off: Highest probability of default to accept, 0-1.
    """
    return decide_by_pd(
        scores.select("loan_id", vector_to_array(F.col("probability"))[1].alias("pd")),
        cut_off=cut_off,
    )


def decide_by_pd(scores: DataFrame, *, cut_off: float) -> DataFrame:
    """Approve below the cut-off, where the score is a plain column `pd` (0-1)."""
    is_approved = F.col("pd") < cut_off
    return scores.select(
        "loan_id",
        "pd",
        F.when(is_approved, "approve").otherwise("decline").alias("decision"),
        _reason(is_approved, cut_off),
    )


def _reason(is_approved: Column, cut_off: float) -> Column:
    return (
        F.when(is_approved, f"pd is below {cut_off}")
        .otherwise(f"pd is {cut_off} or more")
        .alias("reason")
    )
