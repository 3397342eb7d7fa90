import pytest

from penstock.errors import ConfigError, DataError
from penstock.learn.observations import read_observations
from penstock.learn.protected import read_protected
from tests.learn.described import DESCRIBED

PARAMETERS = {
    "key": ["id"],
    "protected": ["sex", "age"],
    "bands": {"age": [25, 60]},
    "missing": ["NA"],
}
ROWS = [
    ("a", " f ", "24.9"), ("b", "m", "25"), ("c", "NA", "59"), ("d", "m", "60"), ("e", "m", "old"),
    ("f", "m", None), ("g", "m", "NaN"),
]  # fmt: skip


@pytest.fixture(scope="module")
def table(spark):
    return spark.createDataFrame(ROWS, "id STRING, sex STRING, age STRING")


def test_attributes_are_groups_and_numbers_are_in_bands(table):
    read = {row.row_id: row.protected for row in read_protected(table, **PARAMETERS).collect()}
    assert {name: of["age"] for name, of in read.items()} == {
        "a": "below 25", "b": "25 to 60", "c": "25 to 60", "d": "60 and above", "e": None,
        "f": None, "g": None,
    }  # fmt: skip
    assert [read[name]["sex"] for name in "abc"] == ["f", "m", None]


def test_no_attribute_is_an_empty_map(table):
    none = read_protected(table, **PARAMETERS | {"protected": [], "bands": {}})
    assert none.schema["protected"].dataType.simpleString() == "map<string,string>"
    assert [row.protected for row in none.collect()] == [{}] * len(ROWS)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"key": ["idd"]}, DataError, "no column 'idd'.*Did you mean 'id'"),
        ({"protected": ["sxe"], "bands": {}}, DataError, "no column 'sxe'.*Did you mean 'sex'"),
        ({"protected": ["sex"]}, ConfigError, "bands for 'age', which is not among"),
        ({"bands": {"age": [60, 25]}}, ConfigError, r"\[60, 25\]; they must rise"),
        ({"bands": {"age": []}}, ConfigError, "they must rise, one at least"),
    ],
)
def test_what_cannot_be_meant_is_refused(table, changes, error, said):
    with pytest.raises(error, match=said):
        read_protected(table, **PARAMETERS | changes)


@pytest.mark.parametrize("place", ["key", "group"])
def test_a_protected_column_is_not_stored_as_key_or_group_either(table, place):
    described = DESCRIBED | {"protected": ["sex"], place: ["id", "sex"]}
    with pytest.raises(ConfigError, match="can be neither key nor group: sex"):
        read_observations(table, **described)


def test_a_protected_column_is_no_feature(table):
    described = DESCRIBED | {"numeric": ["age"], "categorical": ["sex"], "protected": ["sex"]}
    with pytest.raises(ConfigError, match="Protected columns cannot be features: sex"):
        read_observations(table, **described)
