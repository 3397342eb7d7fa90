import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from penstock.learn.text.cross_fitted import FOLDS
from penstock.learn.text.scoring import TEXT_PD, text_score
from penstock.learn.tuning.held_out import HeldOut

pytestmark = pytest.mark.slow

N = 300


@pytest.fixture(scope="module")
def rows(spark):
    """Each text is on six rows, has a word of its own, and that tells nothing of another text."""
    random = np.random.default_rng(11)
    words = ["".join(random.choice(list("abcdefghij"), 6)) for _ in range(N)]
    frame = pandas.DataFrame(
        {
            "row": np.arange(6 * N),
            # As often as a word must be there to count.
            "desc": [word for word in words for _ in range(6)],
            "is_bad": np.repeat((random.random(N) < 0.4).astype(float), 6),
            "fold": np.repeat(random.integers(2, size=N).astype("int32"), 6),
        }
    )
    return spark.createDataFrame(frame).coalesce(2).persist()


@pytest.fixture(scope="module")
def words(spark):
    return text_score(["desc"], label="is_bad")


def auc_of(scored) -> float:
    known = scored.select("is_bad", TEXT_PD).toPandas()
    return float(roc_auc_score(known.is_bad, known[TEXT_PD]))


def test_what_is_learnt_by_heart_does_not_reach_a_classifier(rows, words):
    assert auc_of(words.fit(rows).transform(rows)) > 0.95
    unseen = words.unseen(rows)
    assert unseen.columns == [*rows.columns, TEXT_PD]
    assert abs(auc_of(unseen) - 0.5) < 0.1
    assert [row.row for row in unseen.collect()] == [row.row for row in rows.collect()]


def test_a_row_has_the_value_of_the_model_that_was_fitted_without_its_fold(rows, words):
    fold = F.pmod(F.xxhash64("desc"), F.lit(FOLDS))
    without = words.fit(rows.where(fold != 2)).transform(rows.where(fold == 2))
    here = words.unseen(rows).where(fold == 2)
    assert sorted(map(tuple, here.collect())) == sorted(map(tuple, without.collect()))


def test_no_value_hangs_on_the_outcome_of_a_row_held_out(rows, words):
    """The labels of the fold held out are turned round, and no value anywhere moves."""
    is_held_out = F.col("fold") == 1
    turned = rows.withColumn(
        "is_bad", F.when(is_held_out, 1 - F.col("is_bad")).otherwise(F.col("is_bad"))
    )
    found = []
    for table in (rows, turned):
        held_out = HeldOut.of(table, label="is_bad", fold="fold", by_time=False, cross_fitted=words)
        with held_out:
            known = held_out.known(1)
            assert known.storageLevel.useMemory
            # A search asks for it at every trial.
            assert held_out.known(1) is known
            found.append({row.row: row[TEXT_PD] for row in known.collect()})
        assert not known.storageLevel.useMemory
    assert found[0] == found[1]
    assert len(set(found[0].values())) > 2
