import ast
import io
import tokenize
from itertools import chain
from pathlib import Path

import penstock.engine

MODULES = list(Path(penstock.engine.__file__).parent.glob("*.py"))
NO_CODE = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
)  # fmt: skip


def lines_of_code(text: str) -> int:
    """Count the lines that are no blank, comment or docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = [range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in NO_CODE]
    told = [range(d.lineno, d.end_lineno + 1) for d in docstrings(ast.parse(text))]
    return len({*chain.from_iterable(spans)} - {*chain.from_iterable(told)})


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            yield node.body[0]


def test_lines_of_code_are_counted_without_blanks_comments_and_docstrings():
    text = '''"""A docstring
of two lines."""

X = (1,  # one
     2)
# why
def f():
    """Do."""
    return X
'''
    assert lines_of_code(text) == 4


def test_no_module_of_the_engine_is_longer_than_300_lines():
    lengths = {path.name: len(path.read_text().splitlines()) for path in MODULES}
    assert len(lengths) > 10
    assert {name for name, lines in lengths.items() if lines > 300} == set()


def test_the_engine_has_at_most_2000_lines_of_code():
    assert sum(lines_of_code(path.read_text()) for path in MODULES) <= 2000
