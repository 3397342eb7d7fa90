import datetime as dt
import gzip
from decimal import Decimal

import pandas
import pyarrow
import pyarrow.parquet
import pytest

from penstock.catalyst.internals import count_jobs
from penstock.columns import BROKEN_LINE
from penstock.conf import CsvConf, ParquetConf
from penstock.errors import DataError
from penstock.store.files import (
    _first_line_by_spark,
    csv_first_line,
    parquet_schema,
    read_csv,
    read_parquet,
)


def read(spark, path, text, **options):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(spark, "raw", CsvConf(str(path), **options))


def test_every_column_is_text_and_an_empty_field_is_null(spark, tmp_path):
    table = read(spark, tmp_path / "a.csv", 'id,amount,note\n1,2.50,"a ""b"", c"\n2,,\n')
    assert dict(table.dtypes) == dict.fromkeys(["id", "amount", "note", BROKEN_LINE], "string")
    assert [row[:3] for row in table.collect()] == [("1", "2.50", 'a "b", c'), ("2", None, None)]


def test_a_line_that_does_not_fit_the_header_keeps_its_text(spark, tmp_path):
    table = read(spark, tmp_path / "a.csv", "id,amount\n1,2\n3\n4,5,6\n")
    assert [row[BROKEN_LINE] for row in table.collect()] == [None, "3", "4,5,6"]
    # Also where only some of the columns are asked for.
    narrow = table.select("id", BROKEN_LINE).collect()
    assert [row[BROKEN_LINE] for row in narrow] == [None, "3", "4,5,6"]


def test_files_with_different_headers_are_not_read_as_one(spark, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.csv").write_text("id,amount\n1,2\n")
    (folder / "b.csv").write_text("amount,id\n2,1\n")
    table = read_csv(spark, "raw", CsvConf(str(folder)))
    with pytest.raises(Exception, match="CSV header does not conform to the schema"):
        table.collect()


def test_a_filter_a_delimiter_and_gzip_are_read(spark, tmp_path):
    packed = gzip.compress(b"id;amount\n1;2\n3;4\n")
    table = read(spark, tmp_path / "a.csv.gz", packed, delimiter=";", filter="amount > '2'")
    assert [row.id for row in table.collect()] == ["3"]


def test_names_of_the_catalog_stand_for_a_header_that_is_not_there_or_not_fit(spark, tmp_path):
    names = {"columns": ("id", "amount")}
    bare = read(spark, tmp_path / "a.csv", "1 2\n3\n", delimiter=" ", header=False, **names)
    assert [tuple(row) for row in bare.collect()] == [("1", "2", None), ("3", None, "3")]
    [row] = read(spark, tmp_path / "b.csv", ",x-y\n1,2\n", **names).collect()
    assert (row.id, row.amount) == ("1", "2")
    with pytest.raises(DataError, match=r"catalog.raw has no header and no columns: name .* 1, 2"):
        read(spark, tmp_path / "a.csv", "1 2\n", delimiter=" ", header=False)
    with pytest.raises(
        DataError, match=r"catalog.raw.columns names 2 columns, and .* has 3: 1, 2, 3"
    ):
        read(spark, tmp_path / "a.csv", "1,2,3\n", header=False, **names)
    with pytest.raises(DataError, match=r"catalog.raw.columns for .* names a column twice: 'id'"):
        read(spark, tmp_path / "a.csv", "1,2\n", header=False, columns=("id", "ID"))


def test_a_column_that_stands_twice_is_named(spark, tmp_path):
    message = r"The header of .*a.csv of 'raw' names a column twice: 'purpose'\. Rename or drop"
    with pytest.raises(DataError, match=message):
        read(spark, tmp_path / "a.csv", "id,Purpose,term,purpose\n1,2,3,4\n")


def test_names_that_end_in_their_place_are_as_good_as_others(spark, tmp_path):
    [row] = read(spark, tmp_path / "a.csv", "x0,x1\n1,2\n").collect()
    assert (row.x0, row.x1) == ("1", "2")


def test_a_column_without_a_name_is_told_by_its_place(spark, tmp_path):
    with pytest.raises(DataError, match="Column 1 of .*a.csv of 'raw' has no name"):
        read(spark, tmp_path / "a.csv", ",id\n0,1\n")


@pytest.mark.parametrize(
    ("separator", "written"), [(";", ";"), ("\t", r"\t"), ("|", "|"), (",", ",")]
)
def test_a_header_with_another_delimiter_says_how_to_set_it(spark, tmp_path, separator, written):
    delimiter = ";" if separator == "," else ","
    with pytest.raises(DataError) as refusal:
        read(spark, tmp_path / "a.csv", f"id{separator}b\n", delimiter=delimiter)
    assert f"""--set "catalog.raw.delimiter='{written}'".""" in str(refusal.value)


def test_a_tab_may_be_written_with_a_backslash(spark, tmp_path):
    [row] = read(spark, tmp_path / "a.csv", "id\tb\n1\t2\n", delimiter=r"\t").collect()
    assert row.b == "2"


def test_another_encoding_is_read(spark, tmp_path):
    text = "id,name\n1,café\n".encode("latin-1")
    [row] = read(spark, tmp_path / "a.csv", text, encoding="ISO-8859-1").collect()
    assert row.name == "café"


def test_a_header_in_an_encoding_that_was_not_named_says_what_to_do(spark, tmp_path):
    for encoding in ("utf-16", "utf-16-le", "latin-1"):
        text = "café,id\nx,1\n".encode(encoding)
        said = "'raw' is no UTF-8: it has 'c.*set catalog.raw.encoding.*UTF-16"
        with pytest.raises(DataError, match=said if encoding != "utf-16" else "is no UTF-8"):
            read(spark, tmp_path / "a.csv", text)


def test_a_parquet_file_keeps_its_types(spark, tmp_path):
    spark.range(3).write.parquet(str(tmp_path / "numbers"))
    table = read_parquet(spark, "raw", ParquetConf(str(tmp_path / "numbers")))
    assert table.dtypes == [("id", "bigint")] and table.count() == 3


def test_a_file_that_is_no_parquet_is_named(spark, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="'raw' cannot be read as Parquet from .*empty"):
        read_parquet(spark, "raw", ParquetConf(str(tmp_path / "empty")))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("id,amount\n1,2\n", {}),
        ("\n  \nid , amount\r\n1,2\r\n", {}),
        ("id,amount\r1,2\r", {}),
        ('"a ""b""",\'c\',d"e\n', {}),
        ('a,"b, c", "d"\n', {}),
        ("\ufeffid,amount\n", {}),
        ("#id,amount,\n", {}),
        (",,a,a,A,x\n", {}),
        ('"",x\n', {}),
        ("id\\,x\n", {}),
        ("id;a,b\n", {"delimiter": ";"}),
        ("id\ta\n", {"delimiter": r"\t"}),
        ("id|a\n", {"delimiter": "|"}),
        ("id,caf\u00e9\n".encode("latin-1"), {"encoding": "ISO-8859-1"}),
        ("id,caf\u00e9\n".encode("latin-1"), {}),
        ("", {}),
        ("\n \n", {}),
    ],
)
def test_a_header_is_read_as_spark_reads_it(spark, tmp_path, text, options):
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    conf = CsvConf(str(path), **options)
    assert csv_first_line(conf) == _first_line_by_spark(spark, conf)


def test_of_several_files_the_first_that_has_one_gives_the_header(tmp_path):
    (tmp_path / "_old.csv").write_text("x,y\n")
    (tmp_path / ".a.csv.crc").write_text("x")
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"id,amount\n1,2\n"))
    for path in (tmp_path, tmp_path / "?.csv*", f"file://{tmp_path}"):
        assert csv_first_line(CsvConf(str(path))) == ["id", "amount"]


def test_a_header_that_only_spark_can_read_is_left_to_it(tmp_path):
    (tmp_path / "part" / "day=1").mkdir(parents=True)
    (tmp_path / "part" / "day=1" / "a.csv").write_text("id\n")
    (tmp_path / "a.csv").write_text('id,"open\n')
    (tmp_path / "a.csv.bz2").write_bytes(b"x")
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    remote = ("s3://bucket/a.csv", "hdfs://host/a.csv")
    local = ("part", "a.csv", "a.csv.bz2", "a.csv.gz", "{a,b}.csv", "[a].csv", "none*.csv")
    for path in (*remote, *(str(tmp_path / name) for name in local)):
        assert csv_first_line(CsvConf(path)) is None, path
    (tmp_path / "b.csv").write_text("id\n")
    for odd in ({"encoding": "UTF-16"}, {"encoding": "no-such"}, {"delimiter": "::"}):
        assert csv_first_line(CsvConf(str(tmp_path / "b.csv"), **odd)) is None, odd


def test_to_open_a_csv_file_costs_no_job(spark, tmp_path):
    before = count_jobs(spark)
    table = read(spark, tmp_path / "a.csv", "x0,x1\n1,2\n", filter="x0 > '0'")
    assert count_jobs(spark) == before
    assert len(table.collect()) == 1


def test_blank_lines_before_the_header_are_skipped(spark, tmp_path):
    [row] = read(spark, tmp_path / "a.csv", "\n \t\nid,amount\n1,2\n").collect()
    assert (row.id, row.amount) == ("1", "2")


def test_an_empty_file_is_named(spark, tmp_path):
    with pytest.raises(DataError, match="a.csv of 'raw' is empty"):
        read(spark, tmp_path / "a.csv", " \n")


EVERY_TYPE = """
    SELECT true AS flag, 1Y AS byte, 1S AS short, 1 AS int, id AS long, 1.5F AS float,
      1.5D AS double, 1.50BD AS price, 'x' AS text, X'00' AS raw, DATE'2024-01-01' AS day,
      current_timestamp() AS at, TIMESTAMP_NTZ'2024-01-01 00:00:00' AS local,
      array(struct(1 AS a, 'b' AS b)) AS items, map('k', array(1.0D)) AS notes,
      named_struct('x', 1, 'y', struct('z' AS z)) AS deep
    FROM range(2)
"""


def test_the_schema_of_parquet_written_by_spark_is_what_spark_reads(spark, tmp_path):
    spark.sql(EVERY_TYPE).write.parquet(str(tmp_path / "t"))
    conf = ParquetConf(str(tmp_path / "t"))
    before = count_jobs(spark)
    known = parquet_schema(conf)
    assert count_jobs(spark) == before
    assert known == read_parquet(spark, "raw", conf).schema


def test_the_schema_of_parquet_written_by_pandas_and_arrow_is_what_spark_reads(spark, tmp_path):
    frame = pandas.DataFrame(
        {"id": [1, 2], "x": [0.5, None], "name": ["a", None], "ok": [True] * 2}
    )
    frame["at"] = pandas.Series([pandas.Timestamp("2024-01-01")] * 2).astype("datetime64[us]")
    frame["utc"] = frame["at"].dt.tz_localize("Europe/Berlin")
    frame.to_parquet(tmp_path / "pandas.parquet")
    rows = {
        "price": [Decimal("1.50")],
        "day": [dt.date(2024, 1, 1)],
        "raw": [b"x"],
        "items": [[{"a": 1, "b": [1.5]}]],
        "notes": pyarrow.array([[("k", 1)]], pyarrow.map_("str", "i4")),
        "small": pyarrow.array([1], "int8"),
        "milli": pyarrow.array([1], pyarrow.timestamp("ms", "UTC")),
        "long": pyarrow.array(["x"], "large_string"),
    }
    strict = pyarrow.field("strict", "i8", nullable=False, metadata={"comment": "x"})
    table = pyarrow.table(rows).append_column(strict, pyarrow.array([1], "i8"))
    pyarrow.parquet.write_table(table, tmp_path / "arrow.parquet")
    for name in ("pandas", "arrow"):
        conf = ParquetConf(str(tmp_path / f"{name}.parquet"))
        assert parquet_schema(conf) == read_parquet(spark, "raw", conf).schema


@pytest.mark.parametrize(
    "values",
    [
        pyarrow.array([1], "uint32"),
        pyarrow.array([1], pyarrow.timestamp("ns")),
        pyarrow.array([1], pyarrow.time64("us")),
        pyarrow.array([[1]], pyarrow.large_list(pyarrow.int64())),
        pyarrow.array(["x"]).dictionary_encode(),
        pyarrow.nulls(1),
        pyarrow.array([{"a": [1]}], pyarrow.struct([("a", pyarrow.list_(pyarrow.uint8()))])),
    ],
    ids=lambda values: str(values.type),
)
def test_parquet_types_that_spark_takes_its_own_way_are_left_to_it(tmp_path, values):
    pyarrow.parquet.write_table(pyarrow.table({"x": values}), tmp_path / "a.parquet")
    assert parquet_schema(ParquetConf(str(tmp_path / "a.parquet"))) is None


def test_parquet_in_partitions_or_elsewhere_is_left_to_spark(tmp_path):
    (tmp_path / "day=1").mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), tmp_path / "day=1" / "a.parquet")
    (tmp_path / "no.parquet").write_text("no parquet")
    for path in (tmp_path, tmp_path / "no.parquet", tmp_path / "none.parquet", "s3://bucket/a"):
        assert parquet_schema(ParquetConf(str(path))) is None
