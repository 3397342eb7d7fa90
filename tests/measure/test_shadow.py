import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from penstock.annotations import check_annotations
from penstock.errors import ConfigError, DataError
from penstock.measure.shadow import SHADOWED_COLUMNS, compare_shadow

PARAMETERS = {"decimals": 3, "approval_rates": [0.8, 0.5]}
N = 200


@pytest.fixture(scope="module")
def tables(spark):
    random = np.random.default_rng(6)
    risk = random.random(N)
    pds = [(0.1 + 0.5 * (risk + noise * random.random(N))).round(3) / 2 for noise in (0.0, 0.6)]
    frames = [
        spark.createDataFrame(
            [(str(n), float(pd)) for n, pd in enumerate(of_model)], SHADOWED_COLUMNS
        ).persist()
        for of_model in pds
    ]
    return *frames, *(np.array(of_model).round(3) for of_model in pds)


def promised_auc(pds):
    """AUC of loans that are each PD bads and 1 - PD goods, by scikit-learn."""
    labels = np.repeat([1, 0], len(pds))
    return roc_auc_score(labels, np.tile(pds, 2), sample_weight=np.append(pds, 1 - pds))


def test_agreement_is_that_of_scipy_and_of_a_cut_by_hand(tables):
    champion, shadow, old, new = tables
    found = compare_shadow(champion, shadow.orderBy("pd"), **PARAMETERS)
    assert found.metrics == {
        "loans": N,
        "mean_pd": pytest.approx(old.mean(), abs=5e-4),
        "shadow_mean_pd": pytest.approx(new.mean(), abs=5e-4),
        "estimated_auc": pytest.approx(promised_auc(old), abs=5e-4),
        "shadow_estimated_auc": pytest.approx(promised_auc(new), abs=5e-4),
        "rank_correlation": pytest.approx(spearmanr(old, new).statistic, abs=1e-3),
    }
    half, most = found.tables["swapped"].rows
    assert half[:2] == (0.5, 100.0) and most[:2] == (0.8, 160.0)
    first, second = (set(np.argsort(pds, kind="stable")[:100]) for pds in (old, new))
    assert half[2] == pytest.approx(len(second - first), abs=2)
    assert found.figures["swapped"].series[0].y[0] == pytest.approx(2 * half[2] / N)


def test_a_model_with_one_pd_for_all_has_no_ranks(tables):
    champion, shadow, *_ = tables
    flat = shadow.selectExpr("row_id", "0.2D AS pd")
    found = compare_shadow(champion, flat, **PARAMETERS).metrics
    assert found["rank_correlation"] is None
    assert found["shadow_estimated_auc"] == pytest.approx(0.5, abs=1e-12)


def test_nothing_scored_and_a_loan_that_one_model_left_out_are_refused(tables):
    champion, shadow, *_ = tables
    with pytest.raises(DataError, match="nothing was scored"):
        compare_shadow(champion.where("false"), shadow.where("false"), **PARAMETERS)
    with pytest.raises(DataError, match="1 rows with champion_pd or shadow_pd null"):
        compare_shadow(champion, shadow.where("row_id <> '3'"), **PARAMETERS)


def test_without_an_approval_rate_there_is_nothing_to_compare_at():
    with pytest.raises(ConfigError, match="approval_rates is .*at least 1 item"):
        check_annotations(
            compare_shadow,
            {"decimals": 3, "approval_rates": []},
            {name: ("compare_shadow", name) for name in ("decimals", "approval_rates")},
        )
