"""The engine beside other tools: what each finds before a run, does on rerun, leaves when killed.

They want an environment of their own, which is downloaded once.
"""

import tempfile
from pathlib import Path

from bench.peers.measure import measure_kedro, measure_penstock, measure_sdp
from bench.peers.table import notes_of
from bench.result import Figure, Result


def measure() -> Result:
    """Observe each tool on the same graph of five nodes, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        tools = [
            observed(Path(folder) / observed.__name__)
            for observed in (measure_penstock, measure_kedro, measure_sdp)
        ]
    figures = [
        Figure(
            f"first_run_{tool.tool.lower().replace(' ', '_')}_s",
            tool.first_seconds,
            f"first run of the five nodes by {tool.tool}",
        )
        for tool in tools
    ]
    return Result(tuple(figures), notes_of(tools))
