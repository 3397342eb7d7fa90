"""A layered, top-down layout of a directed acyclic graph: rows, order within rows, positions.

Knows boxes and edges only; `graph_drawing` decides what a box looks like. The method is the usual
one: Sugiyama, Tagawa, Toda, «Methods for Visual Understanding of Hierarchical System Structures»
(1981): rows are given, long edges get a waypoint in each row they cross, barycentres order the
rows, and positions are the least-squares answer to "sit over your neighbours, without overlap".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple, TypeAlias

ORDERING_SWEEPS = 12
PLACING_SWEEPS = 200
WAYPOINT_WIDTH = 10.0
# Pull along an edge piece by how many of its two ends are waypoints: Gansner, Koutsofios, North
# and Vo, «A Technique for Drawing Directed Graphs» (1993), section 4.
STRAIGHTNESS = (1.0, 2.0, 8.0)


@dataclass(frozen=True)
class Box:
    """What to place: its row (0 is the top) and its size in pixels."""

    row: int
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where everything lies, in pixels from the top left corner.

    Attributes:
        centres: Box name to the (x, y) of its centre.
        routes: Edge to the points it runs through, from the lower rim of its upper box to the upper
            rim of its lower box: bends between two rows, straight across each row.
        width: Of the whole drawing.
        height: Of the whole drawing.
    """

    centres: dict[str, tuple[float, float]]
    routes: dict[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


class Waypoint(NamedTuple):
    """Where a long edge crosses a row."""

    upper: str
    lower: str
    row: int


Place: TypeAlias = str | Waypoint  # a box by its name, or a waypoint


def layered_layout(
    boxes: Mapping[str, Box], edges: Iterable[tuple[str, str]], *, gap: float, row_gap: float
) -> Layout:
    """Place boxes in their rows so that edges run down and cross little.

    Args:
        boxes: Name to box, in the order that breaks ties.
        edges: Pairs of names; the first lies in a higher row than the second.
        gap: Least distance between neighbours in a row, in pixels.
        row_gap: Distance between rows, in pixels.

    Returns:
        The layout; boxes of one row never overlap, and rows never overlap.

    Raises:
        ValueError: An edge does not run down.
    """
    paths = {edge: _path(boxes, *edge) for edge in edges}
    rows = _rows(boxes, paths)
    above, below = _neighbours(paths)
    _order(rows, above, below)
    widths = {p: boxes[p].width if isinstance(p, str) else WAYPOINT_WIDTH for r in rows for p in r}
    x = _place(rows, above, below, widths, gap)
    y, heights = _row_bands(boxes, len(rows), row_gap)
    left = min((x[p] - widths[p] / 2 for p in x), default=0.0)
    right = max((x[p] + widths[p] / 2 for p in x), default=0.0)
    points = {p: (x[p] - left, y[i]) for i, row in enumerate(rows) for p in row}
    return Layout(
        centres={name: points[name] for name in boxes},
        routes={edge: _route(path, boxes, points, heights) for edge, path in paths.items()},
        width=right - left,
        height=max((c + h / 2 for c, h in zip(y, heights, strict=True)), default=0.0),
    )


def _path(boxes: Mapping[str, Box], upper: str, lower: str) -> list[Place]:
    first, last = boxes[upper].row, boxes[lower].row
    if first >= last:
        raise ValueError(
            f"The edge from '{upper}' (row {first}) to '{lower}' (row {last}) is not down."
        )
    return [upper, *(Waypoint(upper, lower, row) for row in range(first + 1, last)), lower]


def _rows(
    boxes: Mapping[str, Box], paths: Mapping[tuple[str, str], list[Place]]
) -> list[list[Place]]:
    rows: list[list[Place]] = [
        [] for _ in range(max((b.row for b in boxes.values()), default=-1) + 1)
    ]
    for name, box in boxes.items():
        rows[box.row].append(name)
    for place in (place for path in paths.values() for place in path):
        if isinstance(place, Waypoint):
            rows[place.row].append(place)
    return rows


def _neighbours(
    paths: Mapping[tuple[str, str], list[Place]],
) -> tuple[dict[Place, list[Place]], dict[Place, list[Place]]]:
    above: dict[Place, list[Place]] = defaultdict(list)
    below: dict[Place, list[Place]] = defaultdict(list)
    for path in paths.values():
        for upper, lower in pairwise(path):
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _order(
    rows: list[list[Place]],
    above: Mapping[Place, list[Place]],
    below: Mapping[Place, list[Place]],
) -> None:
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(ORDERING_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            rank = {place: i for r in rows for i, place in enumerate(r)}
            neighbours = above if downwards else below
            middles = {p: _mean([rank[n] for n in neighbours.get(p, [])], rank[p]) for p in row}
            row.sort(key=middles.__getitem__)
        if (crossings := _crossings(rows, below)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _crossings(rows: Sequence[Sequence[Place]], below: Mapping[Place, list[Place]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        rank = {place: i for i, place in enumerate(lower)}
        ends = [end for place in upper for end in sorted(rank[n] for n in below.get(place, []))]
        total += sum(left > right for i, left in enumerate(ends) for right in ends[i + 1 :])
    return total


def _place(
    rows: Sequence[Sequence[Place]],
    above: Mapping[Place, list[Place]],
    below: Mapping[Place, list[Place]],
    widths: Mapping[Place, float],
    gap: float,
) -> dict[Place, float]:
    bands = [(row, _offsets([widths[p] for p in row], gap)) for row in rows]
    pulls = {p: _pulls(p, (*above.get(p, ()), *below.get(p, ()))) for row in rows for p in row}
    x: dict[Place, float] = {}
    for row, offsets in bands:
        x |= zip(row, _spread([(0.0, 1.0)] * len(row), offsets), strict=True)
    for sweep in range(PLACING_SWEEPS):
        for row, offsets in bands if sweep % 2 == 0 else reversed(bands):
            x |= zip(row, _spread([_wish(x, *pulls[p]) for p in row], offsets), strict=True)
    return x


def _pulls(place: Place, neighbours: Sequence[Place]) -> tuple[list[tuple[Place, float]], float]:
    """Return how strongly each neighbour pulls at a place, and all: long edges like it straight."""
    ends = [(n, sum(isinstance(p, Waypoint) for p in (place, n))) for n in neighbours]
    pulls = [(n, STRAIGHTNESS[waypoints]) for n, waypoints in ends] or [(place, 1.0)]
    return pulls, sum(pull for _, pull in pulls)


def _wish(
    x: Mapping[Place, float], pulls: Sequence[tuple[Place, float]], total: float
) -> tuple[float, float]:
    """Return where a place would like to lie and how strongly."""
    return sum([pull * x[neighbour] for neighbour, pull in pulls]) / total, total


def _offsets(widths: Sequence[float], gap: float) -> list[float]:
    """Return how far the centres of a row lie from its first one, as close as they may be."""
    steps = ((left + right) / 2 + gap for left, right in pairwise(widths))
    return [*accumulate(steps, initial=0.0)]


def _spread(wishes: Sequence[tuple[float, float]], offsets: Sequence[float]) -> list[float]:
    """Return the centres nearest to the (wish, weight) pairs that keep order and distance."""
    # With the offsets taken off, "no overlap" is "never falling": pool adjacent violators.
    pools: list[tuple[float, float, int]] = []
    for (wish, pull), offset in zip(wishes, offsets, strict=False):
        mean, weight, size = wish - offset, pull, 1
        while pools and pools[-1][0] > mean:
            other, pulled, count = pools.pop()
            mean = (mean * weight + other * pulled) / (weight + pulled)
            weight, size = weight + pulled, size + count
        pools.append((mean, weight, size))
    levels = [mean for mean, _, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=False)]


def _row_bands(boxes: Mapping[str, Box], rows: int, gap: float) -> tuple[list[float], list[float]]:
    heights = [
        max((b.height for b in boxes.values() if b.row == r), default=0) for r in range(rows)
    ]
    centres, top = [], 0.0
    for height in heights:
        centres.append(top + height / 2)
        top += height + gap
    return centres, heights


def _route(
    path: Sequence[Place],
    boxes: Mapping[str, Box],
    points: Mapping[Place, tuple[float, float]],
    heights: Sequence[float],
) -> tuple[tuple[float, float], ...]:
    rims = []
    for place in path:
        x, y = points[place]
        half = (heights[place.row] if isinstance(place, Waypoint) else boxes[place].height) / 2
        rims += [(x, y - half), (x, y + half)]
    return tuple(rims[1:-1])


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
