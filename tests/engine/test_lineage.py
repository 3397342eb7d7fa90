from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.catalyst.plan_columns import ROWS, PlanReader
from penstock.catalyst.stand_ins import columns_of, stand_in
from penstock.engine.lineage import LABEL, Lineage
from penstock.errors import UsageError

A = "id STRING, x INT, y DOUBLE, xs ARRAY<INT>, d DATE"
B = "id STRING, z INT, y DOUBLE"


class _Tables:
    """Two empty tables, and the lineage of what is made of them as text: "a.x a.y"."""

    def __init__(self, spark):
        from pyspark.sql.types import StructType

        self.spark = spark
        self.a = stand_in(spark, StructType.fromDDL(A), "a")
        self.b = stand_in(spark, StructType.fromDDL(B), "b")

    def of(self, result):
        found = columns_of(result, {"a": self.a, "b": self.b})
        return {name: _text(sources) for name, sources in found.items()}

    def sql(self, query):
        return self.of(self.spark.sql(query, a=self.a, b=self.b))


def _text(columns):
    return " ".join(sorted(".".join(column) for column in columns))


@pytest.fixture
def tables(spark):
    return _Tables(spark)


def test_a_column_comes_from_the_columns_its_expression_names(tables):
    from pyspark.sql import functions as F

    made = tables.a.select("id", (F.col("x") + F.length("id")).alias("n"), F.lit(1).alias("one"))
    again = made.withColumn("n", F.when(F.col("n") > 1, F.col("one")).otherwise(F.col("n")))
    assert tables.of(again) == {"id": "a.id", "n": "a.id a.x", "one": "", ROWS: ""}


def test_columns_of_one_name_are_told_apart(tables):
    a, b = tables.a, tables.b
    joined = a.join(b, a.id == b.id, "left").select(a.y.alias("left"), b.y.alias("right"))
    assert tables.of(joined) == {"left": "a.y", "right": "b.y", ROWS: "a.id b.id"}
    twice = a.join(b, a.id == b.id).select(a.y, b.y)
    assert tables.of(twice)["y"] == "a.y b.y"


def test_a_table_joined_with_itself_is_one_table(tables):
    from pyspark.sql import functions as F

    one, other = tables.a.alias("one"), tables.a.alias("other")
    joined = one.join(other, F.col("one.id") == F.col("other.id"))
    made = tables.of(joined.select(F.col("one.x").alias("l"), F.col("other.d").alias("r")))
    assert made == {"l": "a.x", "r": "a.d", ROWS: "a.id"}
    assert tables.of(tables.a.join(tables.a, "id"))["d"] == "a.d"


def test_what_decides_about_rows_stands_apart(tables):
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    a, b = tables.a, tables.b
    assert tables.of(a.where("y > 1").select("id")) == {"id": "a.id", ROWS: "a.y"}
    assert tables.of(a.orderBy("d").limit(3).select("x")) == {"x": "a.x", ROWS: "a.d"}
    assert tables.of(a.dropDuplicates(["id"]).select("x")) == {"x": "a.x", ROWS: "a.id"}
    assert tables.of(a.select("x", "y").distinct())[ROWS] == "a.x a.y"
    for how in ("left_semi", "left_anti"):
        kept = a.join(b.where("z > 1"), "id", how).select("x")
        assert tables.of(kept) == {"x": "a.x", ROWS: "a.id b.id b.z"}
    sums = a.groupBy("id").agg(F.sum("x").alias("s"), F.count("*").alias("n"))
    assert tables.of(sums) == {"id": "a.id", "s": "a.x", "n": "a.id", ROWS: "a.id"}
    window = Window.partitionBy("id").orderBy("d")
    ranked = a.select(F.sum("x").over(window).alias("s"), F.row_number().over(window).alias("n"))
    assert tables.of(ranked) == {"s": "a.x", "n": "a.d a.id", ROWS: "a.d a.id"}


def test_set_operations_go_by_position(tables):
    a, b = tables.a.select("id", "x"), tables.b.select("id", "z")
    assert tables.of(a.union(b)) == {"id": "a.id b.id", "x": "a.x b.z", ROWS: ""}
    assert tables.of(a.union(a).union(b))["x"] == "a.x b.z"
    assert tables.of(a.intersect(b)) == {"id": "a.id", "x": "a.x", ROWS: "a.id a.x b.id b.z"}
    known = tables.a.join(tables.b, tables.a.x == tables.b.z, "left_semi")
    assert tables.of(known.union(tables.a))["xs"] == "a.xs"
    by_name = tables.a.unionByName(tables.b, allowMissingColumns=True)
    found = tables.of(by_name)
    assert (found["y"], found["z"], found["x"]) == ("a.y b.y", "b.z", "a.x")


def test_exploded_pivoted_and_cubed_columns_are_followed(tables):
    from pyspark.sql import functions as F

    a = tables.a
    exploded = a.select("id", F.posexplode("xs").alias("place", "e"))
    assert tables.of(exploded) == {"id": "a.id", "place": "a.xs", "e": "a.xs", ROWS: "a.xs"}
    added = a.select("id", F.transform("xs", lambda v: v + F.col("x")).alias("t"))
    assert tables.of(added) == {"id": "a.id", "t": "a.x a.xs", ROWS: ""}
    pivoted = tables.of(a.groupBy("id").pivot("x", [1, 2]).sum("y"))
    assert (pivoted["id"], pivoted["1"], pivoted[ROWS]) == ("a.id", "a.x a.y", "a.id a.x")
    cubed = tables.of(a.cube("id", "d").agg(F.sum("x").alias("s")))
    assert (cubed["id"], cubed["d"], cubed["s"]) == ("a.id", "a.d", "a.x")
    molten = tables.of(a.unpivot("id", ["x", "y"], "name", "value"))
    assert {"a.x", "a.y"} <= set(molten["value"].split())


def test_sql_is_followed_into_subqueries_and_common_tables(tables):
    assert tables.sql(
        "WITH c AS (SELECT id, x + 1 AS q FROM {a}) "
        "SELECT l.q, r.id FROM c l JOIN c r ON l.id = r.id"
    ) == {"q": "a.x", "id": "a.id", ROWS: "a.id"}
    assert tables.sql(
        "SELECT id, (SELECT max(z) FROM {b} b WHERE b.id = a.id) AS m FROM {a} a"
    ) == {"id": "a.id", "m": "a.id b.z", ROWS: "a.id b.id"}
    assert tables.sql("SELECT id FROM {a} a WHERE x IN (SELECT z FROM {b})") == {
        "id": "a.id", ROWS: "a.x b.z",
    }  # fmt: skip
    assert tables.sql("SELECT x + 1 AS u, u * y AS v FROM {a}") == {
        "u": "a.x", "v": "a.x a.y", ROWS: "",
    }  # fmt: skip
    assert tables.sql(
        "SELECT t.q, a.d FROM {a} a, LATERAL (SELECT z + a.x AS q FROM {b} b WHERE b.id = a.id) t"
    ) == {"q": "a.x b.z", "d": "a.d", ROWS: "a.id b.id"}


def test_a_python_function_on_tables_computes_everything_from_what_it_is_given(tables):
    import pandas
    from pyspark.sql import functions as F

    given = tables.a.select("id", "x")
    mapped = given.mapInPandas(lambda frames: frames, "o STRING, k INT")
    assert tables.of(mapped) == {"o": "a.id a.x", "k": "a.id a.x", ROWS: "a.id a.x"}
    grouped = given.groupBy("id").applyInPandas(lambda frame: frame, "o STRING").select("o")
    assert tables.of(grouped) == {"o": "a.id a.x", ROWS: "a.id a.x"}
    both = given.groupBy("id").cogroup(tables.b.select("id", "z").groupBy("id"))
    assert tables.of(both.applyInPandas(lambda one, other: one, "o STRING"))["o"] == (
        "a.id a.x b.id b.z"
    )

    @F.pandas_udf("double")
    def half(values: pandas.Series) -> pandas.Series:
        return values / 2

    assert tables.of(tables.a.select(half("y").alias("h"), "x")) == {
        "h": "a.y", "x": "a.x", ROWS: "",
    }  # fmt: skip


def _operator(kind, **fields):
    return {"class": f"org.apache.spark.{kind}", "num-children": 1, **fields}


def _columns(*names):
    kind = {"class": "org.apache.spark.AttributeReference", "num-children": 0}
    return [[{**kind, "name": name, "exprId": {"id": ord(name)}}] for name in names]


STAND_IN = (
    _operator("Filter", condition=[{}, {"value": "a"}, {"value": "a"}]),
    {**_operator("LocalRelation", output=_columns("x", "y")), "num-children": 0},
)


def test_an_operator_nobody_knows_computes_everything_from_everything():
    reader = PlanReader(["a"])
    top = _operator("Project", projectList=_columns("x", "n"))
    of_x, of_new = reader.read([top, _operator("Enigma"), *STAND_IN])
    assert _text(of_x.sources) == _text(of_new.sources) == _text(reader.rows) == "a.x a.y"
    for unknown in (_operator("Enigma", output=_columns("n")), _operator("Project")):
        made = PlanReader(["a"]).read([unknown, *STAND_IN])
        assert {_text(column.sources) for column in made} == {"a.x a.y"}


def test_a_plan_of_thousands_of_operators_is_read():
    plan = [*[_operator("SubqueryAlias")] * 3000, *STAND_IN]
    assert _text(c for column in PlanReader(["a"]).read(plan) for c in column.sources) == "a.x a.y"


LENDING = Lineage(
    {
        ("loans", "fico"): frozenset({("raw", "fico_range_low")}),
        ("loans", "income"): frozenset({("raw", "annual_inc")}),
        ("loans", "is_bad"): frozenset({("raw", "loan_status")}),
        ("train", "fico"): frozenset({("loans", "fico")}),
        ("train", "is_bad"): frozenset({("loans", "is_bad")}),
        ("train", ROWS): frozenset({("loans", "issued")}),
        ("loans", "issued"): frozenset({("raw", "issue_d")}),
        ("model", ""): frozenset({("train", "fico")}),
        ("model", LABEL): frozenset({("train", "is_bad")}),
        ("applicants", "fico"): frozenset({("forms", "fico")}),
        ("scores", "pd"): frozenset({("model", ""), ("model", LABEL), ("applicants", "fico")}),
        ("scores", "as_of"): frozenset(),
    }
)


def test_a_score_is_traced_through_its_model_to_raw_fields():
    assert _text(LENDING.of("scores", "pd")) == "forms.fico raw.fico_range_low raw.loan_status"
    assert _text(LENDING.of("raw", "annual_inc")) == "raw.annual_inc"
    assert LENDING.of("scores", "as_of") == frozenset()
    # The rows the model learned from are those that the issue date chose.
    assert _text(LENDING.of("scores", ROWS)) == "raw.issue_d"


def test_a_raw_field_is_traced_to_all_that_it_feeds():
    assert (
        _text(LENDING.feeds("raw", "loan_status"))
        == "loans.is_bad model.(label) scores.pd train.is_bad"
    )
    assert _text(LENDING.feeds("raw", "issue_d")) == "loans.issued model.* scores.* train.*"


def test_lineage_is_plain_values_and_an_unknown_column_is_named():
    document = LENDING.to_json()
    assert document["scores"]["pd"] == {
        "from": [["applicants", "fico"], ["model", ""], ["model", LABEL]],
        "raw": [["forms", "fico"], ["raw", "fico_range_low"], ["raw", "loan_status"]],
    }
    assert document["scores"]["as_of"] == {"from": [], "raw": []}
    assert "raw" not in document
    assert LENDING.columns("loans") == ("fico", "income", "is_bad", "issued")
    with pytest.raises(UsageError, match=r"Did you mean 'scores.pd'\?"):
        LENDING.of("scores", "pdd")


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda e: e[0] < e[1])))
def test_backward_and_forward_agree(edges):
    names = [(f"t{i // 2}", f"c{i}") for i in range(8)]
    made_from = {}
    for source, made in edges:
        made_from.setdefault(names[made], set()).add(names[source])
    lineage = Lineage({made: frozenset(sources) for made, sources in made_from.items()})
    used = {names[i] for edge in edges for i in edge}
    raw = used - made_from.keys()
    for one, other in product(raw, used - raw):
        assert (one in lineage.of(*other)) == (other in lineage.feeds(*one))
