from dataclasses import asdict, replace
from xml.etree import ElementTree

from penstock.record import NodeRecord
from penstock.report.graph_drawing import MARKS, draw_graph, kind_class


def _classes(svg):
    return [e.get("class") for e in ElementTree.fromstring(svg).iter() if e.get("class")]


def test_every_node_and_dataset_is_drawn_once_and_every_edge(nodes_of_a_big_graph):
    svg = draw_graph([asdict(node) for node in nodes_of_a_big_graph])
    classes = _classes(svg)
    edges = sum(len(node.inputs) + len(node.outputs) for node in nodes_of_a_big_graph)
    assert sum(name.startswith("node ") for name in classes) == 40
    assert classes.count("pill") == 40
    assert classes.count("edge") == edges


def test_the_order_of_the_records_does_not_have_to_be_the_order_of_the_graph(lending_run):
    assert "score_applications" in draw_graph(lending_run["nodes"][::-1])


def test_a_node_is_marked_by_kind_and_status(failed_run):
    classes = _classes(draw_graph(failed_run["nodes"]))
    assert "node kind-fit is-failed" in classes
    assert "node kind-gate is-not-run" in classes
    assert "node kind-transform is-skipped" in classes


def test_a_graph_is_laid_out_alike_whatever_becomes_of_its_nodes(nodes_of_a_big_graph):
    def places(status, ms):
        records = [replace(node, status=status, ms=ms) for node in nodes_of_a_big_graph]
        svg = ElementTree.fromstring(draw_graph([asdict(record) for record in records]))
        assert len(places := [e.get("transform") for e in svg.iter() if e.get("transform")]) == 80
        return svg.get("viewBox"), places

    as_planned = places("not selected", 0)
    assert all(places(status, 0) == as_planned for status in MARKS if status)
    assert places("done", 3_599_000) == as_planned


def test_hovering_tells_rows_quarantine_and_version(lending_run):
    svg = draw_graph(lending_run["nodes"])
    titles = [e.text for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("title")]
    assert (
        "clean_loans (transform): done\ntook 3.2 s\n126 rows quarantined\n"
        "loans: 19,874 rows, version 0" in titles
    )
    assert "loans: 19,874 rows, version 0" in titles


def test_a_hostile_name_and_an_unknown_kind_stay_text():
    name = '"><script>alert(1)</script>'
    node = NodeRecord(name, name, (name + "in",), (name + "out",), "done")
    svg = draw_graph([asdict(node)])
    assert "<script" not in svg
    assert kind_class(name) == "kind-other"
    ElementTree.fromstring(svg)


def test_a_long_name_is_cut_and_stands_whole_in_the_title():
    node = NodeRecord("n" * 80, "fit", (), ("d" * 80,), "done")
    svg = draw_graph([asdict(node)])
    assert f">{'n' * 29}…<" in svg
    assert f"{'n' * 80} (fit): done" in svg
