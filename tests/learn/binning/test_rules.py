import pytest

from penstock.errors import ConfigError
from penstock.learn.binning.rules import BinningRules


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"trend": "ascendign"}, r"trend is 'ascendign'; .* Did you mean 'ascending'\?"),
        ({"min_bin": 0.1}, "Binning has no rule 'min_bin'"),
        ({"max_bin": 3}, r"Did you mean 'max_bins'\?"),
        ({"min_share": 0}, r"min_share is 0; it must be in \(0, 0.5\]"),
        ({"max_bins": 0}, "max_bins is 0; it must be at least 1, or null"),
        ({"max_prebins": 1}, "max_prebins is 1"),
        ({"min_category_share": 1e-6}, "min_category_share is 1e-06"),
        ({"time_limit": 0}, "time_limit is 0; it must be above 0"),
        ({"splits": [1, 1]}, r"splits is \(1.0, 1.0\); it must be finite and ascending, each once"),
        ({"groups": [["a"], ["b", "a"]]}, "must be not empty and without a category twice"),
        ({"groups": [["a"], []]}, "must be not empty"),
        ({"groups": ["car", "tv"]}, r"groups is \('car', 'tv'\); it must be a list of lists of"),
        ({"splits": [1, float("inf")]}, "must be finite"),
    ],
)
def test_a_wrong_rule_is_refused(document, message):
    with pytest.raises(ConfigError, match=message):
        BinningRules.from_json(document)


def test_rules_survive_json_and_a_lone_special_value_is_a_list_of_one():
    rules = BinningRules.from_json(
        {"specials": {"none": -9, "old": [-8, -7]}, "splits": [1, 2], "groups": [["a"], ["b"]]}
    )
    assert rules.specials == {"none": (-9,), "old": (-8, -7)}
    assert BinningRules.from_json(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("document", "is_text", "message"),
    [
        ({"splits": [1]}, True, "'age' is read as text, which has no splits"),
        ({"trend": "peak"}, True, "no trend but 'auto' or 'none'"),
        ({"groups": [["a"]]}, False, "'age' is a number, which has splits, not groups"),
        ({"specials": {"none": "-"}}, False, r"special code 'none' of 'age' is \['-'\]"),
    ],
)
def test_a_rule_for_the_other_kind_of_column_is_refused(document, is_text, message):
    with pytest.raises(ConfigError, match=message):
        BinningRules.from_json(document).check_column("age", is_text=is_text)
