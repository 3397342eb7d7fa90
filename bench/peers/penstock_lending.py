"""The five-node graph in penstock: the stages on a page, where data lie, and the parameters."""

from typing import Any

from bench.peers.stages import RAW_COLUMNS, add_features, clean_loans, decide, logistic
from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.nodes import Apply, Fit, Transform

GRAPH = Graph(
    "peers",
    (
        Transform(clean_loans, "raw_loans", "loans"),
        Transform(add_features, "loans", ("train", "heldout")),
        Fit(logistic, "train", "model"),
        Apply("model", "heldout", "scores"),
        Transform(decide, "scores", "decisions"),
    ),
    contracts={"raw_loans": Contract(RAW_COLUMNS)},
)

# `raw_loans` gets its path from the bench.
CATALOG: dict[str, dict[str, Any]] = {
    "releases": {"kind": "delta"},
    "raw_loans": {"kind": "csv"},
    "loans": {"kind": "delta"},
    "train": {"kind": "delta"},
    "heldout": {"kind": "delta"},
    "model": {"kind": "model", "name": "peers_pd"},
    "scores": {"kind": "delta"},
    "decisions": {"kind": "delta"},
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "add_features": {"train_until": "2016-12-31"},
    "logistic": {"regularisation": 0.001},
    "decide": {"cut_off": 0.2},
}
