import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from penstock.errors import DataError
from penstock.measure.comparison import compare_pds, comparison_of
from penstock.measure.paired import PairCounts, delong_difference
from penstock.measure.profit import Stake

PARAMETERS = {
    "decimals": 6,
    "confidence": 0.95,
    "approval_rates": [0.8, 0.5],
    "approval_rate": 0.5,
    "profit_of_good": 1.0,
    "loss_of_bad": 5.0,
}
N = 400


@pytest.fixture(scope="module")
def pds():
    random = np.random.default_rng(4)
    risk = random.normal(0, 1, N)
    is_bad = (random.random(N) < 1 / (1 + np.exp(1 - 2 * risk))).astype(int)
    old, new = (1 / (1 + np.exp(1 - risk - random.normal(0, s, N))) for s in (2.0, 0.3))
    return is_bad, old.round(6), new.round(6)


def tables(spark, is_bad, old, new):
    schema = "row_id STRING, is_bad INT, pd DOUBLE"
    return [
        spark.createDataFrame(
            [(str(n), int(is_bad[n]), float(pds[n])) for n in range(len(pds))], schema
        )
        for pds in (old, new)
    ]


def test_a_better_challenger_shows_in_auc_and_swap_set(spark, pds):
    is_bad, old, new = pds
    champion, challenger = tables(spark, *pds)
    found = compare_pds(champion, challenger.orderBy("pd"), **PARAMETERS)
    assert found.metrics["champion_auc"] == pytest.approx(roc_auc_score(is_bad, old))
    assert found.metrics["challenger_auc"] == pytest.approx(roc_auc_score(is_bad, new))
    expected = delong_difference(PairCounts.of(new, old, is_bad), level=0.95)
    assert found.metrics["auc_difference"] == pytest.approx(expected.difference)
    assert found.metrics["auc_difference_low"] == pytest.approx(expected.low)
    assert found.metrics["auc_difference_low"] > 0
    assert (found.metrics["loans"], found.metrics["bads"]) == (N, is_bad.sum())
    halves = found.tables["swap_set"].rows[0]
    approved_old, approved_new = (pds_ <= np.sort(pds_)[N // 2 - 1] for pds_ in (old, new))
    assert halves == (
        0.5,
        pytest.approx(is_bad[approved_old].mean()),
        pytest.approx(is_bad[approved_new].mean()),
        (approved_new & ~approved_old).sum(),
        pytest.approx(is_bad[approved_new & ~approved_old].mean()),
        pytest.approx(is_bad[approved_old & ~approved_new].mean()),
    )
    assert [series.x for series in found.figures["swap_set"].series] == [(0.5, 0.8)] * 2
    earned = [np.where(is_bad, -5, 1)[of].sum() / N for of in (approved_old, approved_new)]
    assert found.tables["profit"].rows[0][:4] == pytest.approx(
        (0.5, *earned, earned[1] - earned[0])
    )
    assert found.metrics["profit_difference"] == pytest.approx(earned[1] - earned[0])
    assert found.metrics["profit_difference_low"] > 0


def test_a_loan_that_only_one_model_has_scored_is_refused(spark, pds):
    champion, challenger = tables(spark, *(values[:9] for values in pds))
    with pytest.raises(DataError, match="2 rows with champion_pd or challenger_pd null"):
        compare_pds(
            champion.where("row_id <> '3'"), challenger.where("row_id <> '5'"), **PARAMETERS
        )


def test_one_class_alone_has_no_difference():
    pairs = PairCounts.of([0.1, 0.2], [0.2, 0.1], [0, 0])
    found = comparison_of(
        pairs, confidence=0.95, approval_rates=[0.5], approval_rate=0.5, stake=Stake(1, 5)
    )
    assert found.metrics["auc_difference"] is None
    assert found.metrics["profit_difference"] == 0


def test_no_loan_is_no_comparison(spark, pds):
    champion, challenger = tables(spark, *(values[:2] for values in pds))
    with pytest.raises(DataError, match="no loans to compare"):
        compare_pds(champion.where("false"), challenger.where("false"), **PARAMETERS)
