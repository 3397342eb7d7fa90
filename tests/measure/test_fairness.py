import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError
from penstock.measure import decisions
from penstock.measure.decisions import DecisionCounts, count_decisions
from penstock.measure.fairness import compare_groups

COLUMNS = "sex STRING, age STRING, is_approved BOOLEAN, is_bad INT, pd DOUBLE"
BY = {"approved": "is_approved", "label": "is_bad", "pd": "pd"}
PARAMETERS = {"reference": None, "min_loans": 1, "level": 0.95}


def simulated(loans, seed):
    """Applications of which every third has no label; women get lower PDs, the young higher."""
    random = np.random.default_rng(seed)
    sex, age = random.choice(["f", "m"], loans), random.choice(["old", "young", "mid"], loans)
    pd = (random.beta(2, 8, loans) + 0.05 * (sex == "m") + 0.1 * (age == "young")).round(6)
    approved = random.random(loans) > pd * 2
    is_bad = (random.random(loans) < pd).astype(float)
    is_bad[::3] = np.nan
    columns = {"sex": sex, "age": age, "is_approved": approved, "is_bad": is_bad, "pd": pd}
    return pandas.DataFrame(columns)


LOANS = simulated(1200, seed=17)


def counted(loans, columns):
    """The counts of single applications, each a cell of its own."""
    return DecisionCounts(
        columns=tuple(columns),
        group=loans[list(columns)].to_numpy(dtype=np.str_),
        is_approved=loans.is_approved.to_numpy(),
        label=loans.is_bad.fillna(-1).to_numpy().astype(np.int64),
        n=np.ones(len(loans), dtype=np.int64),
        mean_pd=loans.pd.to_numpy(),
        var_pd=np.zeros(len(loans)),
    )


@pytest.fixture(scope="module")
def by_spark(spark):
    return count_decisions(table_of(spark, LOANS), groups=["sex", "age"], **BY)


def table_of(spark, loans):
    rows = [
        (r.sex, r.age, bool(r.is_approved), None if np.isnan(r.is_bad) else int(r.is_bad), r.pd)
        for r in loans.itertuples()
    ]
    return spark.createDataFrame(rows, COLUMNS)


def assert_equal_fairness(found, expected):
    for one, other in zip(found.comparisons, expected.comparisons, strict=True):
        assert one.group.name == other.group.name
        assert one.group.mean_pd == pytest.approx(other.group.mean_pd, abs=1e-9)
        assert one.group.approved == other.group.approved
        assert one.odds_difference == pytest.approx(other.odds_difference, abs=1e-9)
        assert one.mean_difference == pytest.approx(other.mean_difference, abs=1e-9)
        assert one.air_low == pytest.approx(other.air_low, abs=1e-9)
        calibration = other.group.calibration_in_the_large
        assert one.group.calibration_in_the_large == pytest.approx(calibration, abs=1e-9)


@pytest.mark.parametrize("columns", [("sex",), ("age", "sex")])
def test_one_query_serves_each_column_and_their_intersections(by_spark, columns):
    assert len(by_spark.n) <= 2 * 3 * 2 * 3
    found = compare_groups(by_spark.by(*columns), **PARAMETERS)
    assert_equal_fairness(found, compare_groups(counted(LOANS, columns), **PARAMETERS))
    assert len(found.comparisons) == 2 * 3 ** (len(columns) - 1)


@pytest.mark.parametrize("columns", [["age"], ["sex", "age"]])
def test_gaps_equal_fairlearns_definitions_by_pandas(columns):
    found = compare_groups(counted(LOANS, columns), **PARAMETERS)
    selection = LOANS.groupby(columns).is_approved.mean()
    assert found.parity_gap == pytest.approx(selection.max() - selection.min(), abs=1e-12)
    assert found.min_adverse_impact_ratio == pytest.approx(selection.min() / selection.max())
    true_positive = LOANS[LOANS.is_bad == 0].groupby(columns).is_approved.mean()
    false_positive = LOANS[LOANS.is_bad == 1].groupby(columns).is_approved.mean()
    of_goods, of_bads = (rate.max() - rate.min() for rate in (true_positive, false_positive))
    assert found.opportunity_gap == pytest.approx(of_goods, abs=1e-12)
    assert found.odds_gap == pytest.approx(max(of_goods, of_bads), abs=1e-12)


def test_each_group_is_compared_with_the_reference_by_pandas():
    found = compare_groups(counted(LOANS, ["sex"]), **PARAMETERS | {"reference": ["m"]})
    women, men = (LOANS[LOANS.sex == sex] for sex in "fm")
    of_women = found.comparisons[0]
    assert (found.reference, of_women.group.name) == (("m",), ("f",))
    difference = women.is_approved.mean() - men.is_approved.mean()
    assert of_women.parity_difference == pytest.approx(difference, abs=1e-12)
    goods = [x[x.is_bad == 0].is_approved.mean() for x in (women, men)]
    assert of_women.opportunity_difference == pytest.approx(goods[0] - goods[1], abs=1e-12)
    pooled = np.average([women.pd.var(), men.pd.var()], weights=[len(women) - 1, len(men) - 1])
    smd = (women.pd.mean() - men.pd.mean()) / np.sqrt(pooled)
    assert of_women.mean_difference == pytest.approx(smd, abs=1e-12)
    known = women.dropna()
    calibration = known.pd.sum() / known.is_bad.sum() - 1
    assert of_women.group.calibration_in_the_large == pytest.approx(calibration, abs=1e-12)


def test_the_odds_difference_is_the_wider_gap_of_goods_and_of_bads():
    # Approved of goods: a 8 of 10, b 9 of 10; of bads: a 1 of 10, b 6 of 10.
    cells = [("a", 1, 0, 8), ("a", 0, 0, 2), ("a", 1, 1, 1), ("a", 0, 1, 9),
             ("b", 1, 0, 9), ("b", 0, 0, 1), ("b", 1, 1, 6), ("b", 0, 1, 4)]  # fmt: skip
    names, decided, label, n = (np.array(column) for column in zip(*cells, strict=True))
    pd = np.full(len(n), 0.5)
    counts = DecisionCounts(("g",), names[:, None], decided == 1, label, n, pd, pd * 0)
    of_a = compare_groups(counts, **PARAMETERS).comparisons[0]
    assert of_a.opportunity_difference == pytest.approx(-0.1)
    assert of_a.odds_difference == pytest.approx(0.5)


def table(*groups):
    """Applications as (group, approved, declined), all good."""
    cells = [cell for name, yes, no in groups for cell in ((name, 1, yes), (name, 0, no))]
    names, decided, n = (np.array(column) for column in zip(*cells, strict=True))
    pd = np.full(len(n), 0.1)
    return DecisionCounts(("g",), names[:, None], decided == 1, n * 0, n, pd, pd * 0)


def test_the_ratio_and_its_interval_by_hand():
    # 30 of 100 against 60 of 120: ratio 0.6; variance of its log 0.7 / 30 + 0.5 / 60 = 0.0316667
    found = compare_groups(table(("a", 30, 70), ("b", 60, 60)), **PARAMETERS)
    of_a, of_b = found.comparisons
    assert of_a.adverse_impact_ratio == pytest.approx(0.6)
    half = 1.959964 * np.sqrt(0.0316667)
    expected = (0.6 * np.exp(-half), 0.6 * np.exp(half))
    assert (of_a.air_low, of_a.air_high) == pytest.approx(expected, abs=1e-6)
    assert (found.reference, of_b.adverse_impact_ratio) == (("b",), 1)
    assert found.parity_gap == pytest.approx(0.2)


def test_the_ratios_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(18)
    hits = 0
    for a, b in zip(random.binomial(150, 0.4, 400), random.binomial(300, 0.6, 400), strict=True):
        counts = table(("a", int(a), 150 - int(a)), ("b", int(b), 300 - int(b)))
        of_a = compare_groups(counts, **PARAMETERS | {"reference": ["b"]}).comparisons[0]
        hits += of_a.air_low <= 0.4 / 0.6 <= of_a.air_high
    # Four standard errors of a share of 0.95 in 400 draws.
    assert hits / 400 == pytest.approx(0.95, abs=0.044)


def test_a_group_of_which_nobody_is_approved_has_an_upper_bound_by_its_size():
    # With half a loan: 0.5 of 30.5 against 100.5 of 1,000.5; variance of the log 1.976161.
    few = compare_groups(table(("a", 0, 30), ("b", 100, 900)), **PARAMETERS).comparisons[0]
    expected = (0.5 / 30.5) / (100.5 / 1000.5) * np.exp(1.959964 * np.sqrt(1.976161))
    assert (few.air_low, few.air_high) == (0, pytest.approx(expected, abs=1e-5))
    many = compare_groups(table(("a", 0, 300), ("b", 100, 900)), **PARAMETERS).comparisons[0]
    assert many.air_high < 0.8 < few.air_high


def test_small_groups_are_counted_but_not_shown_nor_taken_for_reference():
    groups = table(("a", 10, 90), ("b", 40, 60), ("tiny", 9, 0), ("small", 49, 50))
    found = compare_groups(groups, reference=None, min_loans=100, level=0.95)
    assert [c.group.name for c in found.comparisons] == [("a",), ("b",)]
    assert (found.suppressed_groups, found.suppressed_loans) == (2, 9 + 99)
    assert found.reference == ("b",)
    assert found.parity_gap == pytest.approx(0.3)


def test_a_suppressed_or_misspelt_reference_is_an_error():
    groups = table(("men", 50, 50), ("women", 5, 5))
    with pytest.raises(DataError, match="'women' has fewer than 100 loans, or does not exist"):
        compare_groups(groups, reference=["women"], min_loans=100, level=0.95)
    with pytest.raises(DataError, match="Did you mean 'women'"):
        compare_groups(groups, reference=["woman"], min_loans=1, level=0.95)


def test_if_all_groups_are_small_nothing_is_compared():
    found = compare_groups(table(("a", 1, 1)), reference=None, min_loans=100, level=0.95)
    assert (found.reference, found.comparisons, found.parity_gap) == (None, (), None)
    assert found.suppressed_loans == 2


def test_undefined_ratios_are_none():
    nobody = compare_groups(table(("a", 0, 5), ("b", 0, 9)), **PARAMETERS)
    assert nobody.comparisons[0].adverse_impact_ratio is None
    assert nobody.min_adverse_impact_ratio is None
    none_of_a = compare_groups(table(("a", 0, 5), ("b", 9, 0)), **PARAMETERS).comparisons[0]
    assert (none_of_a.adverse_impact_ratio, none_of_a.air_low) == (0, 0)
    # No bads are known, and all PDs are alike.
    assert (none_of_a.opportunity_difference, none_of_a.odds_difference) == (-1, None)
    assert none_of_a.mean_difference is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(any), min_size=1))
def test_no_ratio_to_the_best_group_is_above_one_and_no_loan_is_lost(rows):
    groups = [(f"g{number}", *both) for number, both in enumerate(rows)]
    found = compare_groups(table(*groups), reference=None, min_loans=10, level=0.95)
    ratios = [c.adverse_impact_ratio for c in found.comparisons if c.adverse_impact_ratio]
    assert all(ratio <= 1 for ratio in ratios)
    shown = sum(c.group.loans for c in found.comparisons)
    assert shown + found.suppressed_loans == sum(map(sum, rows))


def test_an_uncounted_column_is_an_error():
    with pytest.raises(DataError, match="not counted by 'sx'. Did you mean 'sex'"):
        counted(LOANS, ["sex"]).by("sx")


def test_counts_are_the_same_to_the_last_bit_however_the_loans_lie(spark):
    loans = table_of(spark, LOANS[:300])
    first, second = (
        count_decisions(loans.repartition(n, "pd"), groups=["sex"], **BY) for n in (1, 5)
    )
    for name in ("group", "is_approved", "label", "n", "mean_pd", "var_pd"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()


def test_rows_that_cannot_be_compared_are_counted_in_the_error(spark):
    rows = [
        ("f", "old", None, 0, 0.1),
        ("f", "old", True, 2, 0.1),
        ("f", None, True, 0, None),
        ("f", None, True, 0, float("nan")),
        ("f", None, True, None, 1.1),
    ]
    with pytest.raises(DataError) as error:
        count_decisions(spark.createDataFrame(rows, COLUMNS), groups=["sex", "age"], **BY)
    assert str(error.value) == (
        "Cannot compare groups: 1 rows with is_approved neither 0 nor 1; 1 rows with is_bad "
        "neither 0, 1 nor null; 3 rows with pd null or outside 0-1. Mend those rows first."
    )


def test_a_group_that_is_unknown_is_a_group_and_too_many_are_an_error(spark, monkeypatch):
    rows = [(None, "old", True, 0, 0.1), ("f", "old", False, None, 0.2)]
    applications = spark.createDataFrame(rows, COLUMNS)
    found = count_decisions(applications, groups=["sex"], **BY).groups()
    assert [(g.name, g.approved, g.goods) for g in found] == [(("f",), 0, 0), (("unknown",), 1, 1)]
    monkeypatch.setattr(decisions, "MOST_CELLS", 1)
    with pytest.raises(DataError, match="The columns sex make more than 1 groups"):
        count_decisions(applications, groups=["sex"], **BY)
