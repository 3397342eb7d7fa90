import numpy as np

from penstock.learn.scorecard.filters import filter_columns
from penstock.learn.scorecard.moments import ColumnMoments

NAMES = ("age", "income", "debt", "sum", "flat", "weak")


def moments(**iv):
    """Columns of which "sum" is nearly age + income + debt, and "debt" is much like "income"."""
    correlation = np.eye(6)
    correlation[:4, :4] = [
        [1, 0.1, 0.1, 0.55],
        [0.1, 1, 0.72, 0.69],
        [0.1, 0.72, 1, 0.69],
        [0.55, 0.69, 0.69, 1],
    ]
    values = {"age": 0.3, "income": 0.2, "debt": 0.1, "sum": 0.15, "flat": 0.0, "weak": 0.01} | iv
    return ColumnMoments(
        columns=NAMES,
        weight=100.0,
        bad_rate=0.1,
        varies=np.array([name != "flat" for name in NAMES]),
        iv=np.array([values[name] for name in NAMES]),
        correlation=correlation,
    )


LIMITS = {
    "iv_floor": 0.02, "max_correlation": 0.7, "max_vif": 5.0, "forced": (), "forbidden": ()
}  # fmt: skip


def test_each_column_left_out_has_its_reason():
    kept, reasons = filter_columns(moments(), **LIMITS)
    assert kept == ("age", "income", "sum")
    assert reasons == {
        "flat": "its WoE is the same for all loans",
        "weak": "information value 0.0100 is below 0.02",
        "debt": "correlation +0.720 with income, which tells more",
    }


def test_of_two_alike_the_one_that_tells_less_goes():
    kept, reasons = filter_columns(moments(debt=0.25), **LIMITS)
    assert kept == ("age", "debt", "sum")
    assert reasons["income"] == "correlation +0.720 with debt, which tells more"


def test_of_those_inflated_beyond_the_limit_the_one_that_tells_least_goes():
    all_four = moments().vif(("age", "income", "debt", "sum"))
    assert (all_four > 1.5).all()
    kept, reasons = filter_columns(
        moments(), **LIMITS | {"max_correlation": 0.8, "max_vif": 1.5, "iv_floor": 0.05}
    )
    assert reasons["debt"] == f"variance inflation {all_four[2]:.1f} is above 1.5"
    assert (moments().vif(kept) <= 1.5).all()


def test_vif_by_hand_of_two_columns():
    # 1 / (1 - 0.72^2)
    np.testing.assert_allclose(moments().vif(("income", "debt")), 1 / (1 - 0.5184), rtol=1e-12)


def test_a_column_at_a_limit_is_kept():
    limits = LIMITS | {"iv_floor": 0.01, "max_correlation": 0.72, "max_vif": 1e6}
    kept, reasons = filter_columns(moments(), **limits)
    assert kept == ("age", "income", "sum", "debt", "weak")
    assert list(reasons) == ["flat"]


def test_forced_columns_stay_and_are_preferred_and_forbidden_ones_go():
    kept, reasons = filter_columns(
        moments(), **LIMITS | {"forced": ("weak", "debt"), "forbidden": ("age",)}
    )
    assert kept == ("debt", "weak", "sum")
    assert reasons["age"] == "forbidden by configuration"
    assert reasons["income"] == "correlation +0.720 with debt, which tells more"
