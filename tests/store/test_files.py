import gzip

import pytest

from penstock.conf import CsvConf, ParquetConf
from penstock.errors import DataError
from penstock.store.files import CORRUPT_RECORD, read_csv, read_parquet


def read(spark, path, text, **options):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(spark, "raw", CsvConf(str(path), **options))


def test_every_column_is_text_and_an_empty_field_is_null(spark, tmp_path):
    table = read(spark, tmp_path / "a.csv", 'id,amount,note\n1,2.50,"a ""b"", c"\n2,,\n')
    assert dict(table.dtypes) == dict.fromkeys(["id", "amount", "note", CORRUPT_RECORD], "string")
    assert [row[:3] for row in table.collect()] == [("1", "2.50", 'a "b", c'), ("2", None, None)]


def test_a_line_that_does_not_fit_the_header_keeps_its_text(spark, tmp_path):
    table = read(spark, tmp_path / "a.csv", "id,amount\n1,2\n3\n4,5,6\n")
    assert [row[CORRUPT_RECORD] for row in table.collect()] == [None, "3", "4,5,6"]
    # Also where only some of the columns are asked for.
    narrow = table.select("id", CORRUPT_RECORD).collect()
    assert [row[CORRUPT_RECORD] for row in narrow] == [None, "3", "4,5,6"]


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


def test_a_parquet_file_keeps_its_types(spark, tmp_path):
    spark.range(3).write.parquet(str(tmp_path / "numbers"))
    table = read_parquet(spark, "raw", ParquetConf(str(tmp_path / "numbers")))
    assert table.dtypes == [("id", "bigint")] and table.count() == 3


def test_a_file_that_is_no_parquet_is_named(spark, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="'raw' cannot be read as Parquet from .*empty"):
        read_parquet(spark, "raw", ParquetConf(str(tmp_path / "empty")))
