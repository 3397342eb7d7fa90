import numpy as np
import pandas
import pytest

from penstock.columns import columns_in
from penstock.errors import DataError
from penstock.measure.decisions import DecisionCounts
from penstock.measure.fairness import compare_groups
from penstock.measure.strategy import VALUED, compare_strategies
from tests.shown import shown

N = 4000
PARAMETERS = {
    "approval_rates": [0.2, 0.5, 0.8],
    "approval_rate": 0.7,
    "grades": ["A", "B"],
    "min_loans": 100,
    "min_ratio": 0.8,
    "decimals": 3,
    "resamples": 1000,
    "seed": 3,
}


def simulated(seed) -> pandas.DataFrame:
    """Loans of 1,000 USD: 200 come in of a good one, 600 are lost with a bad one."""
    random = np.random.default_rng(seed)
    pd = random.beta(2, 8, N).round(3)
    is_bad = (random.random(N) < pd).astype("int32")
    return pandas.DataFrame(
        {
            "loan_id": [f"l{n}" for n in range(N)],
            "is_bad": is_bad,
            "pd": pd,
            "lender_grade": np.where(pd < 0.1, "A", np.where(pd < 0.2, "B", "C")),
            "home": np.where(
                np.arange(N) < 50, "few", np.where(pd + random.random(N) < 0.7, "x", "y")
            ),
            "state": np.where(np.arange(N) % 3 == 0, "north", "south"),
            "one": "all",
            "expected_profit_usd": (200 * (1 - pd) - 600 * pd).round(2),
            "realised_profit_usd": np.where(is_bad == 1, -600.0, 200.0),
        }
    )


LOANS, EARLIER = simulated(5), simulated(6)
# Of earlier loans less was expected to be lost: they break even at a PD of 200 / 600.
EARLIER["expected_profit_usd"] = (200 * (1 - EARLIER.pd) - 400 * EARLIER.pd).round(2)


def valued(spark, loans):
    groups = [
        [(name, row[name]) for name in ("home", "state", "one")] for _, row in loans.iterrows()
    ]
    rows = loans.drop(columns=["home", "state", "one"]).assign(groups=groups)
    table = spark.createDataFrame(
        rows[columns_in(VALUED).names].replace({np.nan: None}),
        VALUED.replace("DECIMAL(12,2)", "DOUBLE"),
    )
    amounts = ("expected_profit_usd", "realised_profit_usd")
    return table.withColumns({name: table[name].cast("decimal(12,2)") for name in amounts})


@pytest.fixture(scope="module")
def found(spark):
    unknown = LOANS.head(3).assign(loan_id=["u", "v", "w"], realised_profit_usd=np.nan)
    rows = pandas.concat([LOANS, unknown], ignore_index=True)
    return compare_strategies(valued(spark, rows), valued(spark, EARLIER), **PARAMETERS)


def test_rules_earn_what_their_loans_earn(found):
    strategies = shown(found, "strategies").set_index("rule")
    at_share = np.sort(LOANS.pd)[int(0.7 * N) - 1]
    approved = {
        "approve all": LOANS.pd >= 0,
        "best cut-off": LOANS.pd <= found.metrics["best_cut_off"],
        "expected profit above 0": LOANS.expected_profit_usd > 0,
        "share by PD": LOANS.pd <= at_share,
        "lender's grades": LOANS.lender_grade.isin(["A", "B"]),
    }
    for rule, is_approved in approved.items():
        row, loans = strategies.loc[rule], LOANS[is_approved]
        assert row.approved == pytest.approx(len(loans) / N)
        assert row["bad rate"] == pytest.approx(loans.is_bad.mean())
        assert row["expected profit"] == pytest.approx(loans.expected_profit_usd.sum() / N)
        assert row["realised profit"] == pytest.approx(loans.realised_profit_usd.sum() / N)
    assert (found.metrics["loans"], found.metrics["left_out"]) == (N, 3)
    gain = strategies["realised profit"]["expected profit above 0"]
    gain -= strategies["realised profit"]["approve all"]
    assert found.metrics["gain_own"] == pytest.approx(gain) and gain > 0


def test_intervals_are_as_wide_as_those_of_single_loans(found):
    """A mean of independent loans: 1.96 standard errors either way, but for the draws."""
    earned = {
        "all": LOANS.realised_profit_usd,
        "best": LOANS.realised_profit_usd.where(LOANS.pd <= found.metrics["best_cut_off"], 0.0),
        "own": LOANS.realised_profit_usd.where(LOANS.expected_profit_usd > 0, 0.0),
        "share": LOANS.realised_profit_usd.where(LOANS.pd <= np.sort(LOANS.pd)[2799], 0.0),
        "grades": LOANS.realised_profit_usd.where(LOANS.lender_grade != "C", 0.0),
    }
    of = {f"profit_{rule}": values for rule, values in earned.items()}
    of |= {f"gain_{rule}": earned[rule] - earned["all"] for rule in ("own", "share", "best")}
    of |= {f"gain_best_over_{o}": earned["best"] - earned[o] for o in ("share", "grades")}
    of |= {f"gain_own_over_{o}": earned["own"] - earned[o] for o in ("best", "grades")}
    for name, values in of.items():
        half = 1.96 * values.std() / np.sqrt(N)
        low, high = (found.metrics[f"{name}_{end}"] for end in ("low", "high"))
        assert found.metrics[name] == pytest.approx(values.mean())
        # Two rules that approve the same loans: no spread at all, and nowhere else.
        assert low < found.metrics[name] < high or low == high == values.std() == 0
        assert (high - low) / 2 == pytest.approx(half, rel=0.15)
    gains = shown(found, "gains").set_index(["rule", "over"])
    assert len(gains) == 8
    named = [found.metrics[f"gain_best_over_grades{end}"] for end in ("", "_low", "_high")]
    assert list(gains.loc["best cut-off", "lender's grades"]) == named


def test_the_best_cut_off_is_that_of_greatest_expected_profit_on_earlier_loans(found):
    chosen = EARLIER.pd[EARLIER.pd < 200 / 600].max()
    assert found.metrics["best_cut_off"] == chosen > LOANS.pd[LOANS.expected_profit_usd > 0].max()
    assert found.metrics["best_approval_rate"] == (LOANS.pd <= chosen).mean()
    curve = shown(found, "curve")
    at_shares = np.sort(LOANS.pd)[[799, 1999, 3199, 3999]]
    assert list(curve["PD cut-off"]) == sorted([*at_shares, chosen])
    assert found.figures["curve"].series[0].x == tuple(curve.approved)
    assert found.figures["curve"].series[-1].x == (found.metrics["best_approval_rate"],) * 2


def test_each_cut_off_approves_and_earns_what_its_loans_do_and_so_the_figures_say(found):
    curve = shown(found, "curve")
    for _, row in curve.iterrows():
        is_approved = LOANS.pd <= row["PD cut-off"]
        earned = LOANS.realised_profit_usd.where(is_approved, 0.0)
        assert row.approved == pytest.approx(is_approved.mean())
        assert row["bad rate"] == pytest.approx(LOANS.is_bad[is_approved].mean())
        expected = LOANS.expected_profit_usd[is_approved].sum() / N
        assert row["expected profit"] == pytest.approx(expected)
        assert row["realised profit"] == pytest.approx(earned.mean())
        assert row.low < row["realised profit"] < row.high
        assert (row.high - row.low) / 2 == pytest.approx(1.96 * earned.std() / N**0.5, rel=0.15)
    realised, low, high, expected, _ = found.figures["curve"].series
    for series, column in (
        (realised, "realised profit"), (low, "low"), (high, "high"), (expected, "expected profit"),
        (found.figures["bad_rate"].series[0], "bad rate"),
    ):  # fmt: skip
        assert (series.x, series.y) == (tuple(curve.approved), tuple(curve[column])), column


def test_the_curve_of_four_loans_by_hand(spark):
    """A good loan, a bad one, and again: each earns 100 or loses 300."""
    four = LOANS.head(4).assign(
        pd=[0.05, 0.1, 0.15, 0.2],
        is_bad=[0, 1, 0, 1],
        expected_profit_usd=[50.0, 10.0, -10.0, -60.0],
        realised_profit_usd=[100.0, -300.0, 100.0, -300.0],
    )
    asked = PARAMETERS | {"approval_rates": [0.25, 0.5, 0.75], "resamples": 20_000}
    found = compare_strategies(valued(spark, four), valued(spark, four), **asked)
    rows = [row[:7] for row in found.tables["curve"].rows]
    # Four are drawn of four. The bounds of the first: it is drawn 0 times with probability .32,
    # 3 times or more with .05, 4 times with .004. Of the second: 3 times the bad and none of the
    # good one with .031, the other way round too. Of the third: 3 times the bad one with .016
    # beside none of the good ones, with .031 beside one. Of the last: four bads, or goods: .06.
    assert rows == [
        (0.05, 0.25, 0.0, 12.5, 25.0, 0.0, 75.0),
        (0.1, 0.5, 0.5, 15.0, -50.0, -225.0, 75.0),
        (0.15, 0.75, pytest.approx(1 / 3), 12.5, -25.0, -200.0, 100.0),
        (0.2, 1.0, 0.5, -2.5, -100.0, -300.0, 100.0),
    ]
    assert found.metrics["best_cut_off"] == 0.1
    assert found.figures["bad_rate"].series[0].y == tuple(row[2] for row in rows)
    assert found.figures["bad_rate"].series[1].x == (0.5, 0.5)


def rates(attribute, cut_off):
    large = LOANS[LOANS[attribute] != "few"]
    return (large.pd <= cut_off).groupby(large[attribute]).mean()


def test_each_attribute_has_its_worst_group_beside_the_one_approved_most(found):
    fairness = shown(found, "fairness")
    # "one" has nobody to be compared with, "few" is too small.
    assert list(fairness.attribute) == ["home", "state"] * 5
    for _, row in fairness.iterrows():
        approved = rates(row.attribute, row["PD cut-off"])
        if approved.min() < approved.max():
            assert approved[row["worst group"]] == approved.min()
            assert approved[row.beside] == approved.max()
            assert row.low <= row["adverse impact ratio"] <= row.high
        else:
            assert (row["worst group"], row.beside) == ("", "")
            assert row[["low", "high"]].isna().all()  # a group beside itself
        assert row["adverse impact ratio"] == pytest.approx(approved.min() / approved.max())
    assert "" in set(fairness["worst group"])


def test_a_cut_off_is_as_fair_as_to_its_worst_group_which_is_named(found):
    curve, fairness = shown(found, "curve"), shown(found, "fairness")
    for _, row in curve.iterrows():
        of_cut_off = fairness[fairness["PD cut-off"] == row["PD cut-off"]]
        worst = of_cut_off.loc[of_cut_off["adverse impact ratio"].idxmin()]
        assert row["adverse impact ratio"] == worst["adverse impact ratio"]
        named = f"{worst.attribute}: {worst['worst group']}" if worst["worst group"] else ""
        assert row["worst group"] == named
    assert curve["adverse impact ratio"].iloc[0] < 0.8 < curve["adverse impact ratio"].iloc[-1]
    [best] = curve[curve["PD cut-off"] == found.metrics["best_cut_off"]]["adverse impact ratio"]
    assert found.metrics["best_impact_ratio"] == best
    strategies = shown(found, "strategies").set_index("rule")
    assert tuple(strategies.loc["approve all"][-2:]) == (1, "")
    grades = strategies.loc["lender's grades"]
    by_grade = LOANS[LOANS.home != "few"].assign(is_approved=LOANS.lender_grade.isin(["A", "B"]))
    of_home = by_grade.groupby("home").is_approved.mean()
    assert grades["adverse impact ratio"] == pytest.approx(of_home.min() / of_home.max())
    assert grades["worst group"] == f"home: {of_home.idxmin()}"


def test_the_figure_has_a_curve_for_each_attribute_and_what_is_asked_for(found):
    home, state, asked, _ = found.figures["fairness"].series
    curve, fairness = shown(found, "curve"), shown(found, "fairness")
    assert (home.name, state.name, asked.y) == ("home", "state", (0.8, 0.8))
    assert home.x == tuple(curve.approved)
    assert home.y == tuple(fairness[fairness.attribute == "home"]["adverse impact ratio"])


def test_the_interval_of_the_ratio_is_the_audits(found):
    first = shown(found, "fairness").iloc[0]
    groups = LOANS[LOANS.home != "few"]
    counts = DecisionCounts(
        columns=("home",),
        group=groups.home.to_numpy(str)[:, None],
        is_approved=(groups.pd <= first["PD cut-off"]).to_numpy(),
        label=np.zeros(len(groups), dtype=np.int64),
        n=np.ones(len(groups), dtype=np.int64),
        mean_pd=groups.pd.to_numpy(),
        var_pd=np.zeros(len(groups)),
    )
    audited = compare_groups(counts, reference=None, min_loans=100, level=0.95)
    [other] = [c for c in audited.comparisons if c.group.name == (first["worst group"],)]
    assert (first.low, first.high) == pytest.approx((other.air_low, other.air_high))


def test_where_nobody_can_be_compared_no_ratio_is_told(spark):
    few = valued(spark, LOANS.head(80))
    alone = compare_strategies(few, few, **PARAMETERS)
    assert alone.metrics["best_impact_ratio"] is None
    assert alone.tables["fairness"].rows == () and set(alone.figures) == {"curve", "bad_rate"}
    assert {row[-2:] for row in alone.tables["curve"].rows} == {(None, "")}


def test_the_same_loans_in_other_partitions_give_the_same_bounds(spark, found):
    rows = valued(spark, LOANS.sample(frac=1, random_state=1)).repartition(3)
    again = compare_strategies(rows, valued(spark, EARLIER).repartition(5), **PARAMETERS)
    for name in ("best_cut_off", "gain_own_low", "gain_best_over_share_high", "profit_grades_low"):
        assert again.metrics[name] == found.metrics[name]


def test_where_earlier_loans_were_not_expected_to_earn_anything_nobody_is_approved(spark):
    few = LOANS.head(80)
    dear = few.assign(expected_profit_usd=-1.0)
    found = compare_strategies(valued(spark, few), valued(spark, dear), **PARAMETERS)
    names = ("best_cut_off", "best_approval_rate", "profit_best", "profit_best_high")
    assert [found.metrics[name] for name in names] == [0, 0, 0, 0]
    [best] = (row for row in found.tables["strategies"].rows if row[0] == "best cut-off")
    assert best[1:3] == (0, None)
    assert found.metrics["gain_best"] == -found.metrics["profit_all"]


def test_without_any_profit_there_is_nothing_to_compare(spark):
    some = valued(spark, LOANS.head(2))
    nobody = valued(spark, LOANS.head(2).assign(expected_profit_usd=None))
    with pytest.raises(DataError, match="No judged loan has a profit"):
        compare_strategies(nobody, some, **PARAMETERS)
    with pytest.raises(DataError, match="No calibration loan has an expected profit.*train_until"):
        compare_strategies(some, nobody, **PARAMETERS)
