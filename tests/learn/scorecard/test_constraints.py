import numpy as np
import pytest

from penstock.errors import ConfigError
from penstock.learn.scorecard.constraints import Constraints

COLUMNS = ("age", "income", "debt")


def test_safer_never_raises_risk_unless_the_column_is_free():
    constraints = Constraints.parse({"income": "free", "debt": "free, <= 2"}, COLUMNS)
    assert constraints.bound("age") == (-np.inf, 0)
    assert constraints.bound("income") == (-np.inf, np.inf)
    assert constraints.bound("debt") == (-np.inf, 2)


def test_numbers_bound_within_the_sign_rule():
    constraints = Constraints.parse({"age": ">= -1.5", "income": "= -1", "debt": "<= 3"}, COLUMNS)
    assert constraints.bound("age") == (-1.5, 0)
    assert constraints.bound("income") == (-1, -1)
    assert constraints.bound("debt") == (-np.inf, 0)


def test_inequalities_say_what_the_words_say():
    constraints = Constraints.parse(
        {"age": ">= -1, >= income", "income": "free", "debt": "free, = age"}, COLUMNS
    )

    def allowed(*coefficients):
        sides, limits = constraints.inequalities(COLUMNS)
        return bool((sides @ np.array([5.0, *coefficients]) >= limits).all())

    assert allowed(-0.5, -0.6, -0.5)
    assert not allowed(-1.1, -1.2, -1.1)  # age below its bound
    assert not allowed(-0.5, -0.4, -0.5)  # income above age
    assert not allowed(-0.5, -0.6, -0.4)  # debt beside age
    assert not allowed(0.1, -0.6, 0.1)  # age against the sign rule


def test_an_order_counts_once_both_columns_are_there():
    constraints = Constraints.parse({"age": "<= income"}, COLUMNS)
    sides, limits = constraints.inequalities(("age", "debt"))
    assert sides.tolist() == [[0, -1, 0], [0, 0, -1]]
    assert limits.tolist() == [0, 0]


def test_contradictions_are_refused():
    below = Constraints.parse({"age": "free, >= 1", "income": ">= age"}, COLUMNS)
    below.check(("age", "debt"))
    with pytest.raises(ConfigError, match="constraints on age, income together: loosen one"):
        below.check(COLUMNS)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"age": "about 2"}, "Constraint 'about 2' on column 'age' is not understood"),
        ({"age": "<= nan"}, "names column 'nan', which the scorecard does not read"),
        ({"agee": "free"}, "names column 'agee'.*Did you mean 'age'"),
        ({"age": ">= incom"}, "names column 'incom'.*Did you mean 'income'"),
    ],
)
def test_what_is_not_understood_is_named(conditions, said):
    with pytest.raises(ConfigError, match=said):
        Constraints.parse(conditions, COLUMNS)
