import re

from penstock.report.mermaid import mermaid
from tests.report.plans import plan_document

KEY = r"[nd]\d+"
STATEMENT = re.compile(
    rf'flowchart TD|{KEY}(\["[^"]*"\]|\(\["[^"]*"\]\))|{KEY} --> {KEY}'
    rf"|classDef [a-z]+ [\w#:, -]+|class {KEY}(,{KEY})* [a-z]+"
)
GRAPH_KEYS = ("name", "kind", "inputs", "outputs")


def _keys(text, name):
    """Return the labels of the boxes in a class."""
    [members] = re.findall(rf"^ *class (\S+) {name}$", text, re.MULTILINE) or [""]
    labels = dict(re.findall(rf'^ *({KEY})\(?\["([^"<]*)', text, re.MULTILINE))
    return [labels[key] for key in members.split(",") if key]


def _graph():
    nodes = [{key: node[key] for key in GRAPH_KEYS} for node in plan_document()["nodes"]]
    return {"graph": "lending", "nodes": nodes}


def test_every_line_is_a_statement_of_a_flowchart():
    for document in (plan_document(), _graph(), _graph() | {"nodes": []}):
        for line in mermaid(document).splitlines():
            assert STATEMENT.fullmatch(line.strip()), line


def test_nodes_are_classed_by_what_would_happen_to_them():
    document = plan_document()
    text = mermaid(document)
    for action in ("run", "skip"):
        expected = [node["name"] for node in document["nodes"] if node["action"] == action]
        assert _keys(text, action) == expected
    assert _keys(text, "unselected") == [
        "candidate", "pd_verdict", "deploy_candidate", "pd_gate", "deploy_champion"
    ]  # fmt: skip


def test_every_edge_is_there_once():
    document = plan_document()
    everything = [*document["nodes"], *document["left_out"]]
    edges = sum(len(node["inputs"]) + len(node["outputs"]) for node in everything)
    drawn = re.findall(rf"{KEY} --> {KEY}", mermaid(document))
    assert len(drawn) == len(set(drawn)) == edges


def test_a_node_that_would_run_tells_its_first_cause():
    text = mermaid(plan_document())
    assert (
        '"split_by_issue_date<br/>transform · RUN<br/>'
        'parameter test_from 2010-10-01 -#62; 2011-01-01 and more"' in text
    )
    assert '"generate_book<br/>transform · skip"' in text


def test_a_graph_without_a_plan_is_drawn_plain():
    text = mermaid(_graph())
    assert _keys(text, "node") == [node["name"] for node in _graph()["nodes"]]
    assert "RUN" not in text
    assert "run fill" not in text


def test_no_name_ends_its_label_or_becomes_code():
    name = '"] --> x; `md` #quot; <b>%%{init}%% end\n subgraph a:b'
    node = _graph()["nodes"][0] | {"name": name, "inputs": [name], "outputs": ["out"]}
    text = mermaid({"graph": "g", "nodes": [node]})
    assert all(STATEMENT.fullmatch(line.strip()) for line in text.splitlines())
    [shown] = re.findall(r'n0\["(.*)<br/>transform"\]', text)
    assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), shown) == name
    assert not set(re.sub(r"#\d+;", "", shown)) & set('"`#;:<>%{}[]\n')
