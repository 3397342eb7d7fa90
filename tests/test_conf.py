import datetime as dt
import re
from pathlib import Path

import pytest

from penstock.conf import AliasConf, CsvConf, DeltaConf, ParquetConf, RangeConf, load_conf
from penstock.errors import ConfigError

PROJECT_CONF = Path(__file__).parents[1] / "conf"

BASE = {
    "catalog.yaml": "loans: {kind: delta}\nnumbers: {kind: range, rows: 10}\n",
    "params.yaml": "common: {as_of: 2024-01-01}\nsplit: {test_from: 2020-01-01, folds: [1, 2]}\n",
    "spark.yaml": "spark.sql.ansi.enabled: true\n",
    "run.yaml": "{tables: '', tracking_uri: '', experiment: e, nodes_at_once: 2}\n",
}


@pytest.fixture
def conf_dir(tmp_path):
    for name, text in BASE.items():
        write(tmp_path, f"base/{name}", text)
    (tmp_path / "local").mkdir()
    return tmp_path


CSV = "catalog.loans={kind: csv, path: a.csv}"


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_the_base_alone_is_complete(conf_dir):
    conf = load_conf(conf_dir, "local")
    assert conf.catalog == {"loans": DeltaConf(), "numbers": RangeConf(rows=10)}
    assert conf.params["split"]["test_from"] == dt.date(2020, 1, 1)
    assert conf.spark == {"spark.sql.ansi.enabled": "true"}


def test_an_environment_merges_maps_and_replaces_the_rest(conf_dir):
    write(conf_dir, "local/params.yaml", "split: {folds: [3]}\n")
    assert load_conf(conf_dir, "local").params["split"] == {
        "test_from": dt.date(2020, 1, 1),
        "folds": [3],
    }


def test_an_environment_may_turn_a_table_into_a_file(conf_dir):
    write(conf_dir, "local/catalog.yaml", "loans: {kind: csv, path: a.csv}\n")
    assert load_conf(conf_dir, "local").catalog["loans"] == CsvConf(path="a.csv")


def test_set_comes_last_and_reaches_any_value(conf_dir):
    write(conf_dir, "local/params.yaml", "split: {folds: [3]}\n")
    overrides = [
        "params.split.folds=[7]",
        "catalog.numbers.rows=5",
        "spark.sql.shuffle.partitions=9",
    ]
    conf = load_conf(conf_dir, "local", overrides)
    assert conf.params["split"]["folds"] == [7]
    assert conf.catalog["numbers"] == RangeConf(rows=5)
    assert conf.spark["spark.sql.shuffle.partitions"] == "9"


def test_a_reference_takes_the_value_it_points_at(conf_dir):
    write(conf_dir, "local/catalog.yaml",
          "loans: {kind: csv, path: '${catalog.numbers.path}'}\n"
          "numbers: {kind: csv, path: x.csv}\n")  # fmt: skip
    assert load_conf(conf_dir, "local").catalog["loans"] == CsvConf(path="x.csv")
    with pytest.raises(ConfigError, match="points at a key that does not exist"):
        load_conf(conf_dir, "local", ["catalog.loans.path=${catalog.number.path}"])


def test_keys_of_a_map_that_is_a_reference_are_changed_alone(conf_dir):
    write(conf_dir, "base/catalog.yaml",
          "numbers: {kind: csv, path: x.csv, delimiter: ';', known_at: {post: [a]}}\n"
          "loans: '${catalog.numbers}'\n")  # fmt: skip
    later = ["catalog.loans.path=y.csv", "catalog.loans.known_at={decision: [b]}"]
    loans = load_conf(conf_dir, "local", [*later, "catalog.numbers.delimiter='|'"]).catalog["loans"]
    assert (loans.path, loans.delimiter) == ("y.csv", "|")
    assert loans.known_at == {"post": ["a"], "decision": ["b"]}
    again = load_conf(conf_dir, "local", [*later, "catalog.loans.path=z.csv"]).catalog["loans"]
    assert (again.path, again.delimiter) == ("z.csv", ";")


def test_a_dataset_of_another_kind_keeps_what_that_kind_knows_of(conf_dir):
    write(conf_dir, "base/catalog.yaml",
          "numbers: {kind: csv, path: x.csv, delimiter: ';', known_at: {post: [a]}}\n"
          "loans: '${catalog.numbers}'\nbase: {kind: model, name: m, version: 0}\n")  # fmt: skip
    parquet = ["catalog.numbers={kind: parquet, path: x.parquet}"]
    late = {"post": ["a"]}
    for changes, name, wanted in (
        (["catalog.base={kind: alias, model: m, alias: best}"], "base", AliasConf("m", "best")),
        (parquet, "numbers", ParquetConf("x.parquet", late)),
        (["catalog.loans={kind: parquet, path: y}"], "loans", ParquetConf("y", late)),
        (["catalog.loans.delimiter='|'", "catalog.loans.kind=parquet"], "loans",
         ParquetConf("x.csv", late)),
        ([*parquet, "catalog.loans={kind: csv, path: y}"], "loans", CsvConf("y", known_at=late)),
        (["catalog.loans={kind: csv, path: y}"], "loans", CsvConf("y", ";", known_at=late)),
    ):  # fmt: skip
        assert load_conf(conf_dir, "local", changes).catalog[name] == wanted
    with pytest.raises(ConfigError, match="catalog.numbers: unknown key 'delimiter'"):
        load_conf(
            conf_dir,
            "local",
            ["catalog.loans={kind: delta}", *parquet, "catalog.numbers.delimiter=;"],
        )


def test_a_reference_to_a_reference_takes_what_that_one_takes_and_a_circle_is_refused(conf_dir):
    write(conf_dir, "base/catalog.yaml",
          "a: '${catalog.b}'\nb: '${catalog.loans}'\nloans: {kind: csv, path: x.csv}\n"
          "numbers: {kind: delta}\n")  # fmt: skip
    assert load_conf(conf_dir, "local").catalog["a"] == CsvConf(path="x.csv")
    with pytest.raises(ConfigError, match=r"lead to each other: .*catalog.b} -> .*catalog.a}"):
        load_conf(conf_dir, "local", ["catalog.b=${catalog.a}"])


def test_a_reference_leads_through_a_map_that_is_a_reference_whoever_changed_it(conf_dir):
    write(conf_dir, "base/params.yaml",
          "common: {}\na: {x: 1, y: 2, z: 3, of: {p: {}}}\nb: '${params.a}'\n")  # fmt: skip
    for changes, b in (
        (["params.a.z=${params.b.y}"], {"x": 1, "z": 2}),
        (["params.b.x=7", "params.a.z=${params.b.y}"], {"x": 7, "z": 2}),
        (["params.b.x=${params.b.y}"], {"x": 2, "z": 3}),
        (["params.b.x=7", "params.a.z=${params.b.x}"], {"x": 7, "z": 7}),
    ):
        got = load_conf(conf_dir, "local", changes).params["b"]
        assert {key: got[key] for key in b} == b
    with pytest.raises(ConfigError, match="does not exist: there is no 'w' there"):
        load_conf(conf_dir, "local", ["params.a.z=${params.b.w}"])
    with pytest.raises(ConfigError, match="lead to each other"):
        load_conf(conf_dir, "local", ["params.a.x=${params.b.x}"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["params.splits.folds=1"], "unknown key 'params.splits'.*Did you mean 'split'"),
        (["params.split.fold=1"], "unknown key 'params.split.fold'.*Did you mean 'folds'"),
        (["catalog.loan.path=x"], "unknown key 'catalog.loan'.*Did you mean 'loans'"),
        (["catalog.loans.pth=x"], "catalog.loans: unknown key 'pth'.*Did you mean 'path'"),
        (["catalog.loans.kind=detla"], "catalog.loans.kind is 'detla'.*Did you mean 'delta'"),
        (["catalog.numbers.rows=many"], "catalog.numbers.rows is 'many'; it must be of type int"),
        (["catalog.numbers.rows=-1"], "catalog.numbers.rows is -1; it must be 0 or more"),
        (["catalog.loans={kind: model, name: ''}"], "name is ''; it must be a name, without / and"),
        (["catalog.loans={kind: alias, model: a/b}"], "model is 'a/b'; it must be a name, without"),
        (["catalog.loans={kind: model, name: m, version: -1}"], "version is -1; it must be 0 or"),
        (
            ["catalog.loans={kind: model, name: m, version: 2147483648}"],
            "version is 2147483648; it must be 0 or more, and a number that a version can have",
        ),
        (["run.nodes_at_once=0"], "run.nodes_at_once is 0; it must be 1 or more"),
        (["catalog.loans={kind: parquet, path: ''}"], "catalog.loans.path is ''; .* not be empty"),
        ([CSV, "catalog.loans.path=''"], "catalog.loans.path is ''; it must not be empty"),
        ([CSV, "catalog.loans.delimiter=''"], "delimiter is ''; it must be one character"),
        ([CSV, "catalog.loans.delimiter=;;"], "delimiter is ';;'; it must be one character"),
        ([CSV, "catalog.loans.encoding=utf-7"], "encoding is .* it must be UTF-8 or ISO-8859-1"),
        (["catalog.loans.kind=[csv]"], "catalog.loans.kind is .*; known kinds are delta"),
        (["catalog.loans={kind: csv}"], "catalog.loans: missing 1 required .* 'path'"),
        (["param.split.folds=1"], "starts with one of catalog, params.*Did you mean 'params'"),
        (["params.split.folds"], "write key=value"),
        (["params.split.folds=[1"], r"--set params.split.folds=\[1 is not valid YAML"),
        (["params="], "--set params=: 'params' is a whole section; name a key of it"),
    ],
)
def test_a_wrong_override_says_which_key_and_what_is_near(conf_dir, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_conf(conf_dir, "local", overrides)


def test_a_parameter_that_is_an_empty_map_takes_keys_of_any_name(conf_dir):
    write(conf_dir, "base/params.yaml", "common: {}\nbins: {trends: {}, sizes: {most: 5}}\n")
    write(conf_dir, "local/params.yaml", "bins: {trends: {age: ascending}}\n")
    loaded = load_conf(conf_dir, "local", ("params.bins.trends.ltv=descending",))
    assert loaded.params["bins"]["trends"] == {"age": "ascending", "ltv": "descending"}
    deep = ("params.bins.trends.ltv.low=1", "params.bins.trends.ltv.high=2")
    loaded = load_conf(conf_dir, "local", deep)
    assert loaded.params["bins"]["trends"] == {"age": "ascending", "ltv": {"low": 1, "high": 2}}
    for unknown in ("params.common.x=1", "params.bins.sizes.least=1"):
        with pytest.raises(ConfigError, match="unknown key"):
            load_conf(conf_dir, "local", (unknown,))


def test_an_empty_map_of_a_map_that_is_a_reference_takes_keys_of_any_name_too(conf_dir):
    write(conf_dir, "base/params.yaml", "common: {}\na: {names: {}}\nb: '${params.a}'\n")
    names = ("params.b.names.x=1", "params.b.names.y=2", "params.a.names.z=3")
    assert load_conf(conf_dir, "local", names).params["b"]["names"] == {"x": 1, "y": 2, "z": 3}


@pytest.mark.parametrize(("key", "told"), [("1", "1"), ("no", "false"), ("2020-01-01", "2020-01")])
def test_a_key_that_yaml_reads_as_no_text_is_refused(conf_dir, key, told):
    write(conf_dir, "base/params.yaml", "common: {}\nbins: {trends: {}}\n")
    with pytest.raises(ConfigError, match=f"bins.trends has the key {told}.* Put it in quotes"):
        load_conf(conf_dir, "local", [f"params.bins.trends={{{key}: ascending}}"])
    quoted = load_conf(conf_dir, "local", [f"params.bins.trends={{'{key}': ascending}}"])
    assert quoted.params["bins"]["trends"] == {key: "ascending"}


def test_an_unknown_key_of_an_environment_names_the_file(conf_dir):
    write(conf_dir, "local/params.yaml", "split: {tset_from: 2021-01-01}\n")
    with pytest.raises(
        ConfigError, match=r"local/params.yaml, line 1: unknown key 'params.split.tset_from'"
    ):
        load_conf(conf_dir, "local")


@pytest.mark.parametrize("delimiter", [";", "|", r"\t"])
def test_a_delimiter_in_single_quotes_is_taken_as_it_stands(conf_dir, delimiter):
    conf = load_conf(conf_dir, "local", [CSV, f"catalog.loans.delimiter='{delimiter}'"])
    assert conf.catalog["loans"] == CsvConf(path="a.csv", delimiter=delimiter)


def test_a_parameter_of_another_type_names_the_file_it_stands_in(conf_dir):
    write(conf_dir, "local/params.yaml", "split: {folds: 3}\n")
    message = (
        r"local/params.yaml, line 1: params.split.folds must be a list, as in conf/base, not 3\."
    )
    with pytest.raises(ConfigError, match=message):
        load_conf(conf_dir, "local")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("params.split=3", "params.split must be a map of keys to values, as in conf/base, not 3"),
        ("params.common.as_of=soon", "params.common.as_of must be a date such as .*, not 'soon'"),
        ("params.split.folds=${params.common.as_of}", "must be a list, .* not 2024-01-01"),
    ],
)
def test_a_parameter_of_another_type_names_the_set_it_stands_in(conf_dir, override, message):
    with pytest.raises(ConfigError, match=f"--set {re.escape(override)}: .*{message}"):
        load_conf(conf_dir, "local", [override])


def test_items_are_held_against_the_base_also_where_an_environment_emptied_the_list(conf_dir):
    write(conf_dir, "local/params.yaml", "split: {folds: []}\n")
    assert load_conf(conf_dir, "local").params["split"]["folds"] == []
    with pytest.raises(ConfigError, match=r"params.split.folds\[0\] must be a whole number"):
        load_conf(conf_dir, "local", ["params.split.folds=[a]"])


def test_a_reference_takes_the_type_of_what_it_points_at(conf_dir):
    conf = load_conf(conf_dir, "local", ["params.split.test_from=${params.common.as_of}"])
    assert conf.params["split"]["test_from"] == dt.date(2024, 1, 1)


def test_a_reference_may_be_an_item_of_a_list_but_no_part_of_a_text(conf_dir):
    write(conf_dir, "base/params.yaml", "common: {}\na: {x: 7, list: [1], text: ''}\n")
    conf = load_conf(conf_dir, "local", ["params.a.list=[2, '${params.a.x}']"])
    assert conf.params["a"]["list"] == [2, 7]
    with pytest.raises(ConfigError, match=r"\$\{params.a.x\} stands within 'x is \$.*whole value"):
        load_conf(conf_dir, "local", ["params.a.text='x is ${params.a.x}'"])
    kept = load_conf(conf_dir, "local", ["params.a.text='${HOME} is no reference'"])
    assert kept.params["a"]["text"] == "${HOME} is no reference"


def test_a_fault_is_told_of_the_layer_that_has_it_and_not_of_what_refers_to_it(conf_dir):
    write(conf_dir, "base/params.yaml", "common: {}\na: {x: '${params.b.x}'}\nb: {x: 1.0}\n")
    message = r"^--set params.b.x=.nan: params.b.x must be a finite number, not nan"
    with pytest.raises(ConfigError, match=message):
        load_conf(conf_dir, "local", ["params.b.x=.nan"])


def test_a_dataset_that_cannot_be_is_told_by_file_and_line(conf_dir):
    for said, line, fault in (
        ("loans:\n  kind: cvs\n", 2, "catalog.loans.kind is 'cvs'"),
        ("# ours\n\nnumbers: {rows: ten}\n", 3, "catalog.numbers.rows is 'ten'; .* type int"),
        ("loans:\n  partitions: [a]\n", 1, "catalog.loans: unknown key 'partitions'"),
    ):
        write(conf_dir, "local/catalog.yaml", said)
        file = f"{conf_dir}/local/catalog.yaml"
        with pytest.raises(ConfigError, match=f"^{file}, line {line}: {fault}"):
            load_conf(conf_dir, "local")


def test_the_place_of_a_value_is_where_it_is_said_last(conf_dir):
    write(conf_dir, "base/params.yaml",
          "common: {}\na:\n  x: 1\n  y: 1\n  items:\n    - {weight: 1}\n    - {weight: 2}\n"
          "b: '${params.a}'\nc: {of: '${params.b.items}', x: '${params.b.x}'}\n")  # fmt: skip
    write(conf_dir, "local/params.yaml", "# it is\na: {x: 2}\n")
    base, local = (f"{conf_dir}/{layer}/params.yaml, line" for layer in ("base", "local"))
    change = "params.b.y=7"
    origins = load_conf(conf_dir, "local", [change]).origins
    for steps, place in (
        (("a", "x"), f"{local} 2"),
        (("a", "y"), f"{base} 4"),
        (("a", "items", 1, "weight"), f"{base} 7"),
        (("a", "items", 1, "size"), f"{base} 7"),  # what is not there: where it would be
        (("a", "items", 9), f"{base} 5"),
        (("a", "z"), f"{local} 2"),
        (("b", "x"), f"{local} 2"),
        (("b", "y"), f"--set {change}"),
        (("b", "items"), f"{base} 5"),
        (("c", "of", 0, "weight"), f"{base} 6"),
        (("c", "x"), f"{local} 2"),
    ):
        assert origins.place(("params", *steps)) == place, steps
    for steps in (("a", "items", 1), ("b", "items", 1), ("c", "of", 1)):  # by what it refers to
        assert origins.told(("params", *steps)) == f"{base} 7: params.a.items[1]"
    assert origins.told(("params", "b", "z")) == f"{local} 2: params.a.z"
    whole = load_conf(conf_dir, "local", ["params.a.items=[{weight: 3}]"]).origins
    assert whole.place(("params", "b", "items", 0, "size")).startswith("--set params.a.items=")


def test_a_key_that_stands_twice_is_refused_with_its_line(conf_dir):
    write(conf_dir, "base/params.yaml", "common: {}\nsplit: {a: 1}\nsplit: {a: 2}\n")
    with pytest.raises(ConfigError, match=r"params.yaml, line 3: the key 'split' stands twice"):
        load_conf(conf_dir, "local")


def test_broken_yaml_and_a_missing_file_name_the_file(conf_dir):
    write(conf_dir, "base/params.yaml", "split: [1\n")
    with pytest.raises(ConfigError, match=r"params.yaml is not valid YAML"):
        load_conf(conf_dir, "local")
    (conf_dir / "base/params.yaml").unlink()
    with pytest.raises(ConfigError, match=r"params.yaml is missing"):
        load_conf(conf_dir, "local")


def test_an_unknown_environment_lists_the_known_ones(conf_dir):
    with pytest.raises(ConfigError, match="no environment 'locl'.*Did you mean 'local'"):
        load_conf(conf_dir, "locl")


@pytest.mark.parametrize("env", ["local", "lendingclub", "cluster"])
def test_the_environments_that_come_with_the_project_load(env):
    assert load_conf(PROJECT_CONF, env).env == env


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("catalog.loans.known_at={psot: [paid]}", "known_at names the moment 'psot'. Did you mean"),
        ("catalog.loans.known_at={post: paid}", "has 'paid' for 'post'; it must be a list"),
        ("catalog.loans.known_at=[paid]", r"known_at is \['paid'\]; it must be of type dict"),
        ("catalog.loans={kind: model, name: m, known_at: post}", "be application or decision"),
    ],
)
def test_clocks_that_cannot_be_meant_are_refused(conf_dir, change, fault):
    with pytest.raises(ConfigError, match=fault):
        load_conf(conf_dir, "local", [change])


def test_a_table_says_when_its_columns_are_known(conf_dir):
    late = "catalog.loans.known_at={post: [paid, last_*]}"
    loans = load_conf(conf_dir, "local", [late]).catalog["loans"]
    assert loans.known_at == {"post": ["paid", "last_*"]}
    assert repr(loans) == repr(DeltaConf())
