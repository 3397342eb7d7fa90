from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.report.layout import Box, layered_layout


@st.composite
def _graphs(draw):
    rows = draw(st.lists(st.integers(0, 7), min_size=1, max_size=24))
    widths = [draw(st.sampled_from([20.0, 90.0, 170.0])) for _ in rows]
    boxes = {
        f"box {i}": Box(row, width, 40.0 if row % 2 else 19.0)
        for i, (row, width) in enumerate(zip(rows, widths, strict=True))
    }
    down = [(a, b) for a in boxes for b in boxes if boxes[a].row < boxes[b].row]
    edges = draw(st.lists(st.sampled_from(down), max_size=40, unique=True)) if down else []
    return boxes, edges


@settings(max_examples=40, deadline=None)
@given(_graphs())
def test_boxes_never_overlap_and_edges_run_down_inside_the_drawing(graph):
    boxes, edges = graph
    layout = layered_layout(boxes, edges, gap=10.0, row_gap=20.0)
    for a, b in combinations(boxes, 2):
        (ax, ay), (bx, by) = layout.centres[a], layout.centres[b]
        aside = abs(ax - bx) >= (boxes[a].width + boxes[b].width) / 2 + 10 - 1e-6
        apart = abs(ay - by) >= (boxes[a].height + boxes[b].height) / 2 + 20 - 1e-6
        assert aside or apart
    for edge in edges:
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(layout.routes[edge]))
    for name, (x, y) in layout.centres.items():
        assert boxes[name].width / 2 - 1e-6 <= x <= layout.width - boxes[name].width / 2 + 1e-6
        assert boxes[name].height / 2 <= y <= layout.height - boxes[name].height / 2 + 1e-6


@settings(max_examples=20, deadline=None)
@given(_graphs())
def test_a_long_edge_crosses_a_row_beside_its_boxes(graph):
    boxes, edges = graph
    layout = layered_layout(boxes, edges, gap=10.0, row_gap=20.0)
    for edge in edges:
        for (x, top), (_, bottom) in zip(
            layout.routes[edge][1:-1:2], layout.routes[edge][2:-1:2], strict=True
        ):
            for name, (centre, y) in layout.centres.items():
                if top < y < bottom:
                    assert abs(x - centre) >= boxes[name].width / 2


def test_a_chain_is_straight():
    boxes = {name: Box(row, 50.0, 20.0) for row, name in enumerate("abc")}
    layout = layered_layout(boxes, [("a", "b"), ("b", "c")], gap=10.0, row_gap=20.0)
    assert {x for x, _ in layout.centres.values()} == {25.0}


def test_two_crossed_edges_are_uncrossed():
    boxes = {"a": Box(0, 50, 20), "b": Box(0, 50, 20), "c": Box(1, 50, 20), "d": Box(1, 50, 20)}
    layout = layered_layout(boxes, [("a", "d"), ("b", "c")], gap=10.0, row_gap=20.0)
    x = {name: centre[0] for name, centre in layout.centres.items()}
    assert (x["a"] < x["b"]) == (x["d"] < x["c"])


def test_nothing_takes_no_room():
    layout = layered_layout({}, [], gap=10.0, row_gap=20.0)
    assert (layout.width, layout.height) == (0.0, 0.0)


def test_an_edge_that_does_not_run_down_is_refused():
    boxes = {"a": Box(1, 50.0, 20.0), "b": Box(1, 50.0, 20.0)}
    with pytest.raises(ValueError, match=r"from 'a' \(row 1\) to 'b' \(row 1\) is not down"):
        layered_layout(boxes, [("a", "b")], gap=10.0, row_gap=20.0)
