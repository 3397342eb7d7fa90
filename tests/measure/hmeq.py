"""Real scores with many ties: columns of the home equity loans, if beside the repository."""

import pandas

from tests.shared_data import shared


def hmeq_loans() -> pandas.DataFrame:
    """Return the loans as they are published, one row each, with the outcome `BAD`."""
    return pandas.read_csv(shared("hmeq/hmeq.csv.gz"))


def hmeq_scores(*columns: str) -> list:
    """Return the columns as scores, in their order, and the labels, of loans that have all."""
    loans = hmeq_loans().dropna(subset=list(columns))
    return [loans[name].to_numpy() for name in (*columns, "BAD")]
