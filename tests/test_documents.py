"""Files below conf/ as the value of a parameter: equal if they say the same, with lines."""

import pytest

from penstock.document_files import read_documents, with_documents
from penstock.documents import Documents
from penstock.errors import ConfigError

TEXT = """\
# A comment.
name: one
rules:
  - when: a > 1
    value: 0.5
  - {when: b, day: 2025-01-01}
"""


@pytest.fixture
def conf_dir(tmp_path):
    folder = tmp_path / "conf" / "base" / "rules"
    folder.mkdir(parents=True)
    (folder / "b.yaml").write_text(TEXT)
    (folder / "a.yaml").write_text("name: two\n")
    (folder / "notes.md").write_text("Not YAML.")
    return tmp_path / "conf"


def test_a_reference_to_files_is_what_they_say_wherever_it_stands(conf_dir):
    params = {"x": {"rules": "${files:base/rules}", "of": ["${files:base/rules/a.yaml}", 1]}}
    read = with_documents(params, conf_dir)
    assert [file.path for file in read["x"]["rules"].files] == [
        "conf/base/rules/a.yaml",
        "conf/base/rules/b.yaml",
    ]
    assert read["x"]["of"] == [Documents("", (read["x"]["rules"].files[0],)), 1]
    assert read["x"]["rules"].files[1].value == {
        "name": "one",
        "rules": [{"when": "a > 1", "value": 0.5}, {"when": "b", "day": "2025-01-01"}],
    }
    assert repr(read["x"]["rules"]) == "conf/base/rules"


def test_comments_layout_and_the_order_of_keys_are_no_change_and_a_value_is(conf_dir):
    before = read_documents("base/rules", conf_dir)
    file = conf_dir / "base/rules/b.yaml"
    file.write_text(
        "rules: [{value: 0.5, when: a > 1}, {day: 2025-01-01, when: b}]  # as before\nname: one\n"
    )
    same = read_documents("base/rules", conf_dir)
    assert (same, str(same), hash(same)) == (before, str(before), hash(before))
    file.write_text(TEXT.replace("0.5", "0.6"))
    other = read_documents("base/rules", conf_dir)
    assert other != before and str(other) != str(before)


def test_a_value_is_told_by_its_line(conf_dir):
    document = read_documents("base/rules/b.yaml", conf_dir).files[0]
    told = [
        document.place(*steps).removeprefix("conf/base/rules/b.yaml, line ")
        for steps in [("name",), ("rules", 0, "value"), ("rules", 1), ("rules", 1, "x"), ("y",), ()]
    ]
    assert told == ["2", "5", "6", "6", "1", "1"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("base/rulse", "no YAML file conf/base/rulse, nor a folder.* Did you mean 'rules'"),
        ("base/rules/b.yml", "Did you mean 'b.yaml'"),
        ("base", "no YAML file conf/base, nor a folder with some"),
        ("../secrets.yaml", "lies outside of conf/"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(conf_dir, path, message):
    with pytest.raises(ConfigError, match=message):
        read_documents(path, conf_dir)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: .nan", "base/rules/a.yaml holds what is no plain value"),
        ("a: 1\nb: [", "base/rules/a.yaml is not valid YAML"),
        ("a: 1\na: 2", "base/rules/a.yaml, line 2: the key 'a' stands twice"),
        ("a: 1\n1: 2", "base/rules/a.yaml holds what is no plain value.*Keys are texts"),
    ],
)
def test_a_text_that_is_no_document_is_refused_with_its_file(conf_dir, text, message):
    (conf_dir / "base/rules/a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_documents("base/rules", conf_dir)
