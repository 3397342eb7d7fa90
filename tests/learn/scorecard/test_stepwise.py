import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from penstock.errors import DataError
from penstock.learn.scorecard import held_out
from penstock.learn.scorecard.constraints import Constraints
from penstock.learn.scorecard.design import check_design
from penstock.learn.scorecard.stepwise import choose_stepwise
from tests.learn.scorecard.loans import COLUMNS, LOANS, rows_of

TRUE = {"age", "income", "debt", "region"}
PARAMETERS = {
    "constraints": Constraints(),
    "ridge": 0.0,
    "forced": (),
    "significance": 0.01,
    "direction": "forward",
}


@pytest.fixture(scope="module")
def loans(spark):
    rows, design = rows_of(spark)
    yield rows, design
    rows.unpersist()


@pytest.fixture(scope="module")
def choice(loans):
    return choose_stepwise(*loans, **PARAMETERS)


def held_out_loss(columns, loans=LOANS):
    """Loss on each fold of scikit-learn's regression on the other folds, averaged over loans."""
    total = 0.0
    for fold in range(5):
        out = loans.fold == fold
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500)
        model.fit(loans.loc[~out, columns], loans.is_bad[~out])
        pd = model.predict_proba(loans.loc[out, columns])[:, 1]
        total -= np.log(np.where(loans.is_bad[out] == 1, pd, 1 - pd)).sum()
    return total / len(loans)


def test_the_true_columns_are_found_and_noise_is_refused(choice):
    assert set(choice.columns) == TRUE
    assert set(choice.reasons) == {"noise", "echo", "copy"}
    assert all("adds nothing" in why or "sign" in why for why in choice.reasons.values())


def test_the_first_score_statistic_is_that_of_a_table_of_means(choice):
    # Without other columns Rao's statistic is n r^2, with r the correlation of column and label.
    first = choice.steps[0]
    r2 = {name: np.corrcoef(LOANS[name], LOANS.is_bad)[0, 1] ** 2 for name in COLUMNS}
    assert first.column == max(r2, key=r2.get)
    assert first.chi_square == pytest.approx(len(LOANS) * r2[first.column], rel=1e-9)


def test_the_gain_is_that_of_regressions_fitted_without_each_fold(choice):
    for place, step in enumerate(choice.steps[1:], start=1):
        before, after = list(choice.columns[:place]), list(choice.columns[: place + 1])
        gain = held_out_loss(before) - held_out_loss(after)
        assert step.gain == pytest.approx(gain, rel=1e-3)
        assert step.action == "in"


def test_what_fits_by_chance_is_refused_by_the_loans_held_out(loans):
    # Of a level of 90 % noise is tried, and loans held out decide.
    choice = choose_stepwise(*loans, **PARAMETERS | {"significance": 0.9})
    refused = [step for step in choice.steps if step.action == "refused"]
    assert refused
    for step in refused:
        assert step.gain <= 0
        assert step.column not in choice.columns
        assert "loans held out become less likely" in choice.reasons[step.column]


def test_a_column_with_the_wrong_sign_is_not_tried_unless_it_is_free(spark):
    loans = LOANS.assign(age=-LOANS.age)
    rows, design = rows_of(spark, loans, ("age", "income"))
    choice = choose_stepwise(rows, design, **PARAMETERS)
    assert choice.columns == ("income",)
    assert choice.reasons["age"].startswith("sign: beside the chosen columns its coefficient would")
    free = Constraints.parse({"age": "free"}, ("age", "income"))
    again = choose_stepwise(rows, design, **PARAMETERS | {"constraints": free})
    rows.unpersist()
    assert set(again.columns) == {"age", "income"}


def test_a_forced_column_is_in_from_the_start(loans):
    rows, design = loans
    some = design.only(("age", "noise"))
    choice = choose_stepwise(rows, some, **PARAMETERS | {"forced": ("noise",), "direction": "both"})
    assert choice.columns == ("noise", "age")


def test_a_column_that_others_make_needless_leaves(spark):
    # The sum of two causes is the best single column, and nothing once both of them are in.
    random = np.random.default_rng(5)
    loans = LOANS[["is_bad", "fold", "age", "debt"]].assign(
        both=LOANS.age + LOANS.debt + random.normal(0, 0.25, len(LOANS))
    )
    rows, design = rows_of(spark, loans, ("age", "debt", "both"))
    forward = choose_stepwise(rows, design, **PARAMETERS)
    assert forward.steps[0].column == "both"
    both_ways = choose_stepwise(rows, design, **PARAMETERS | {"direction": "both"})
    rows.unpersist()
    assert set(both_ways.columns) == {"age", "debt"}
    assert "no longer needed" in both_ways.reasons["both"] or "sign" in both_ways.reasons["both"]


def test_a_strong_column_of_rare_bads_enters_though_a_whole_newton_step_overshoots(spark):
    # From 1 % of bads, all else unknown, a step as for a quadratic loss takes PDs beyond the data.
    random = np.random.default_rng(2)
    loans = LOANS[["fold"]].assign(late=np.where(random.random(len(LOANS)) < 0.02, -4.0, 0.1))
    pd = np.where(loans.late < 0, 0.5, 0.002)
    loans["is_bad"] = (random.random(len(LOANS)) < pd).astype(float)
    rows, design = rows_of(spark, loans, ("late",))
    choice = choose_stepwise(rows, design, **PARAMETERS)
    rows.unpersist()
    assert choice.columns == ("late",)
    [step] = choice.steps
    share = np.array([loans.is_bad[loans.fold != fold].mean() for fold in range(5)])
    base = share[loans.fold]
    without = -np.log(np.where(loans.is_bad == 1, base, 1 - base)).mean()
    assert step.gain == pytest.approx(without - held_out_loss(["late"], loans), rel=1e-3)


def test_one_fold_is_refused(spark):
    rows, _ = rows_of(spark, LOANS[:50].assign(fold=3), ("age",))
    with pytest.raises(DataError, match="All rows are in one fold"):
        choose_stepwise(rows, check_design(rows), **PARAMETERS)


def test_of_many_columns_those_not_tried_are_left_aside_and_the_choice_is_the_same(
    loans, monkeypatch
):
    parameters = PARAMETERS | {"significance": 0.9, "direction": "both"}
    choice = choose_stepwise(*loans, **parameters)
    assert {"in", "refused"} <= {step.action for step in choice.steps}
    monkeypatch.setattr(held_out, "MANY_COLUMNS", 1)
    seen = []
    real = held_out.likelihoods
    monkeypatch.setattr(
        held_out, "likelihoods", lambda *of: seen.append(len(of[1].columns)) or real(*of)
    )
    apart = choose_stepwise(*loans, **parameters)
    assert apart.columns == choice.columns and apart.reasons == choice.reasons
    assert [(s.column, s.action) for s in apart.steps] == [
        (s.column, s.action) for s in choice.steps
    ]
    np.testing.assert_allclose(apart.theta, choice.theta, rtol=1e-12)
    whole = [number == len(COLUMNS) for number in seen]
    assert 0 < sum(whole) < len(whole) / 2
