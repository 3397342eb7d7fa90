import io

import pytest

from penstock.errors import ConfigError
from penstock.strict_yaml import load_yaml


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "0.1e-2", "+1e-3"])
def test_a_power_of_ten_is_a_number(text):
    assert load_yaml(text, "a") == 0.001


@pytest.mark.parametrize("text", ["e3", "1e", "1e3x", "'1e3'"])
def test_what_only_resembles_a_power_of_ten_is_a_text(text):
    assert load_yaml(text, "a") == text.strip("'")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "a.yaml, line 2: the key 'c' stands twice"),
        ("{[a]: b}", r"a.yaml, line 1: \['a'\] cannot be a key"),
        ("{{a: b}: c}", "a.yaml, line 1: {'a': 'b'} cannot be a key"),
        ("[1", "a.yaml is not valid YAML"),
        ("2024-13-01", "a.yaml is not valid YAML: month must be in 1..12"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_name_of_the_text(text, message):
    for source in (text, io.StringIO(text)):
        with pytest.raises(ConfigError, match=message):
            load_yaml(source, "a.yaml")
