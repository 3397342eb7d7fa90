"""The scheduler: runs each node when what it reads is there, independent ones side by side.

It knows neither Spark nor data: the work on a node is a function it is given.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from penstock.engine.graph import Graph
from penstock.engine.nodes import Node

T = TypeVar("T")


def run_graph(
    graph: Graph,
    work: Callable[[Node], T],
    *,
    has_failed: Callable[[T], bool],
    not_run: Callable[[Node, Node], T],
    threads: int,
) -> dict[str, T]:
    """Run every node once, in dependency order, by completion.

    A failed node does not stop the others; what hangs behind it is not run.

    Args:
        work: Does a node and returns its outcome; it must not raise.
        has_failed: Says whether an outcome is a failure.
        not_run: Makes the outcome of a node from (node, the failed node it hangs behind).
        threads: Nodes at work at once.

    Returns:
        Node name to outcome, every node of the graph.
    """
    nodes = graph.order()
    producers = graph.producers
    waits_for = {
        node.name: {producers[name].name for name in node.inputs if name in producers}
        for node in nodes
    }
    outcomes: dict[str, T] = {}
    running: dict[Future[T], Node] = {}
    pool = ThreadPoolExecutor(threads, thread_name_prefix="node")
    try:
        while len(outcomes) < len(nodes):
            for node in nodes:
                is_at_work = any(node is other for other in running.values())
                if node.name not in outcomes and not is_at_work and not waits_for[node.name]:
                    running[pool.submit(work, node)] = node
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                node = running.pop(future)
                outcomes[node.name] = future.result()
                if has_failed(outcomes[node.name]):
                    for behind in graph.behind(node.outputs):
                        if behind.name not in outcomes:
                            outcomes[behind.name] = not_run(behind, node)
                for names in waits_for.values():
                    names.discard(node.name)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return outcomes
