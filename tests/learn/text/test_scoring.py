import numpy as np
import pandas
import pytest
from pyspark.ml import PipelineModel
from sklearn.metrics import roc_auc_score

from penstock.errors import DataError
from penstock.learn.text.scoring import TEXT_PD, text_score

N = 400


def letters() -> pandas.DataFrame:
    """Bads write of debts, goods of weddings, most of the time; a tenth writes nothing."""
    random = np.random.default_rng(5)
    is_bad = random.random(N) < 0.4
    tells = random.random(N) < 0.8
    text = np.where(is_bad == tells, "old Debts to pay", "a Wedding in spring")
    empty = random.random(N) < 0.1
    return pandas.DataFrame(
        {
            "row": np.arange(N),
            "desc": np.where(empty, None, text),
            "title": np.where(random.random(N) < 0.5, "loan", None),
            "is_bad": is_bad.astype(float),
        }
    )


ROWS = letters()


@pytest.fixture(scope="module")
def model(spark):
    return text_score(["desc", "title"], label="is_bad").fit(spark.createDataFrame(ROWS))


def scores(spark, model, *texts: tuple[str | None, str | None]) -> list[float | None]:
    rows = spark.createDataFrame(
        [(n, *both) for n, both in enumerate(texts)], "n INT, desc STRING, title STRING"
    )
    scored = model.transform(rows)
    assert scored.columns == ["n", "desc", "title", TEXT_PD]
    return [row[TEXT_PD] for row in scored.orderBy("n").collect()]


def test_words_that_tell_are_read_and_the_columns_between_are_gone(spark, model):
    scored = model.transform(spark.createDataFrame(ROWS)).toPandas()
    assert list(scored) == [*ROWS, TEXT_PD]
    known = scored.dropna(subset=[TEXT_PD])
    told = known.dropna(subset="desc")
    assert roc_auc_score(told.is_bad, told[TEXT_PD]) > 0.75
    assert set(scored.row[scored[TEXT_PD].isna()]) == set(
        ROWS.row[ROWS.desc.isna() & ROWS.title.isna()]
    )


def test_markup_letters_and_the_lenders_mark_are_no_difference(spark, model):
    plain, marked, other = scores(
        spark,
        model,
        ("old debts to pay", "loan"),
        ("Borrower added on 12/31/10 > OLD<br/>debts &amp; to pay!", "Loan"),
        ("a wedding in spring", "loan"),
    )
    assert plain == marked
    assert plain > other


def test_no_word_is_a_gap_and_an_unknown_word_is_none(spark, model):
    nothing, blank, digits, foreign = scores(
        spark, model, (None, None), ("  <br> ", ""), ("12 - 7", None), ("Überweisung fällig", None)
    )
    assert (nothing, blank, digits) == (None, None, None)
    assert foreign is not None and 0 < foreign < 1


def test_a_saved_model_scores_the_same(spark, model, tmp_path):
    model.save(str(tmp_path / "model"))
    rows = spark.createDataFrame(ROWS)
    again = PipelineModel.load(str(tmp_path / "model")).transform(rows)
    pandas.testing.assert_frame_equal(again.toPandas(), model.transform(rows).toPandas())


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_texts_of_one_class_are_refused(spark, label):
    rows = spark.createDataFrame(ROWS[ROWS.is_bad == label])
    with pytest.raises(DataError, match="both are needed. Take them out of 'text'"):
        text_score(["desc"], label="is_bad").fit(rows)
