"""Real scores with many ties: columns of the home equity loans, if beside the repository."""

from pathlib import Path

import pandas
import pytest

HMEQ = Path("shared/data/hmeq/hmeq.csv.gz")


def hmeq_scores(*columns: str) -> list:
    """Return the columns as scores, in their order, and the labels, of loans that have all."""
    path = Path(__file__).resolve().parents[3] / HMEQ
    if not path.exists():
        pytest.skip(f"the home equity loans are not at ../{HMEQ}, beside the repository")
    loans = pandas.read_csv(path).dropna(subset=list(columns))
    return [loans[name].to_numpy() for name in (*columns, "BAD")]
