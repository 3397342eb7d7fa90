"""Assets: from past returns to the weights of a portfolio, on a page.

The returns may be those of pools of loans. Where they lie stands in `conf/<env>/catalog.yaml` under
`raw_returns`, what is sought in `params.yaml` under `optimise_assets`.
"""

from penstock.engine.contract import Contract
from penstock.engine.graph import Graph
from penstock.engine.nodes import Solve, Transform
from penstock.portfolio.asset_returns import RETURN_COLUMNS, read_returns
from penstock.portfolio.assets import WEIGHT_COLUMNS, optimise_assets
from penstock.synthetic.returns import generate_returns

GRAPH = Graph(
    "assets",
    (
        # Where the catalog names a file for its output, this node is cut.
        Transform(generate_returns, "month_numbers", "raw_returns"),
        Transform(read_returns, "raw_returns", "asset_returns"),
        Solve(optimise_assets, "asset_returns", ("asset_weights", "asset_report")),
    ),
    contracts={
        "asset_returns": Contract(RETURN_COLUMNS, is_open=True),
        "asset_weights": Contract(WEIGHT_COLUMNS, key=("asset",)),
    },
    jobs={},
)
