import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas
import pytest
from pyspark.sql import functions as F

from penstock.binding import bind_parameters
from penstock.conf import load_conf
from penstock.errors import ConfigError, DataError
from penstock.graphs import assets
from penstock.lending.cleaning import clean_loans
from penstock.portfolio.asset_returns import read_returns
from penstock.portfolio.assets import optimise_assets
from penstock.synthetic.book import generate_book
from penstock.synthetic.returns import generate_returns
from tests.released import do_here, table_of
from tests.shown import shown

PROJECT = Path(__file__).parents[2]
COLUMNS = "date DATE, asset STRING, return DOUBLE, kind STRING, duration DOUBLE"
PARAMETERS = {
    "objective": "mean_variance",
    "risk_aversion": 3.0,
    "target_return": None,
    "level": 0.9,
    "covariance": "sample",
    "weight_bounds": [0.0, 0.8],
    "asset_bounds": {},
    "limits": [],
    "frontier_points": 4,
}
KINDS = {"bond": "safe", "cash": "safe", "fund": "risky", "share": "risky"}
DURATIONS = {"bond": 7.0, "cash": 0.0, "fund": 2.0, "share": 0.0}
LIMITS = [
    {"name": "safe", "measure": "weight", "where": {"kind": ["safe"]}, "at_least": 0.4},
    {"name": "duration", "measure": "duration", "at_most": 2.0},
]


def drawn():
    random = np.random.default_rng(6)
    returns = random.normal([0.004, 0.002, 0.007, 0.009], [0.02, 0.0, 0.04, 0.06], (40, 4))
    days = pandas.date_range("2020-01-31", periods=40, freq="ME").date
    rows = [
        (day, name, float(value), KINDS[name], DURATIONS[name])
        for day, values in zip(days, returns, strict=True)
        for name, value in zip(sorted(KINDS), values, strict=True)
    ]
    return pandas.DataFrame(rows, columns=["date", "asset", "return", "kind", "duration"])


RETURNS = drawn()


def optimise(spark, rows, **changed):
    table = rows if not isinstance(rows, pandas.DataFrame) else spark.createDataFrame(rows, COLUMNS)
    return optimise_assets(table, **PARAMETERS | changed)


@pytest.fixture(scope="module")
def found(spark):
    weights, evidence = optimise(spark, RETURNS, limits=LIMITS)
    return weights.toPandas(), evidence


def test_weights_keep_their_limits_and_prices_tell_which_bind(found):
    weights, evidence = found
    by_asset = weights.set_index("asset").weight
    assert list(by_asset.index) == sorted(KINDS) and by_asset.sum() == pytest.approx(1)
    assert by_asset.between(-1e-9, 0.8 + 1e-9).all()
    limits = shown(evidence, "limits").set_index("limit")
    used = {
        "safe": by_asset.bond + by_asset.cash,
        "duration": sum(by_asset[name] * years for name, years in DURATIONS.items()),
    }
    for name, bound in (("safe", 0.4), ("duration", 2.0)):
        assert limits.use[name] == pytest.approx(used[name])
        assert (limits.price[name] > 0) == (abs(limits.use[name] - bound) < 1e-6)
    assert limits.price["safe"] > 0
    assert weights.risk_share.sum() == pytest.approx(1)
    assert (weights.bound_price > 0).sum() == (
        (weights.weight < 1e-7) | (weights.weight > 0.8 - 1e-7)
    ).sum()


def test_figures_are_those_of_the_weights(found):
    weights, evidence = found
    by_period = RETURNS.pivot(index="date", columns="asset", values="return").to_numpy()
    earned = by_period @ weights.weight.to_numpy()
    metrics = evidence.metrics
    assert (metrics["assets"], metrics["periods"], metrics["shrinkage"]) == (4, 40, None)
    assert metrics["expected_return"] == pytest.approx(earned.mean())
    assert metrics["volatility"] == pytest.approx(earned.std(ddof=1))
    assert metrics["shortfall"] == pytest.approx(-np.sort(earned)[:4].mean())
    assert metrics["effective_assets"] == pytest.approx(1 / (weights.weight**2).sum())
    portfolios = shown(evidence, "portfolios").set_index("portfolio")
    assert portfolios["expected return"]["equal weights"] == pytest.approx(by_period.mean())
    assert portfolios.volatility.idxmin() == "least risk"
    assert list(portfolios["keeps all limits"]) == [True, True, True, False]
    frontier, alone, chosen = evidence.figures["frontier"].series
    assert list(frontier.x) == sorted(frontier.x) and list(frontier.y) == sorted(frontier.y)
    assert len(frontier.x) == 4 and len(alone.x) == 4
    assert (chosen.x, chosen.y) == ((metrics["volatility"],), (metrics["expected_return"],))


def test_rows_in_any_order_give_the_same_bits(spark, found):
    shuffled = spark.createDataFrame(RETURNS.sample(frac=1, random_state=2), COLUMNS)
    weights, evidence = optimise(spark, shuffled.repartition(3), limits=LIMITS)
    pandas.testing.assert_frame_equal(weights.toPandas(), found[0], check_exact=True)
    assert evidence == found[1]


def test_a_target_is_reached_at_a_price(spark):
    for objective, risk in (("mean_variance", "volatility"), ("cvar", "shortfall")):
        risks = []
        for target in (0.005, 0.00501):
            _, evidence = optimise(
                spark, RETURNS, objective=objective, risk_aversion=None, target_return=target
            )
            assert evidence.metrics["expected_return"] == pytest.approx(target)
            risks.append(evidence.metrics[risk])
        slope = (risks[1] - risks[0]) / 1e-5
        assert evidence.metrics["price_of_return"] == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("objective", ["mean_variance", "cvar"])
def test_constant_assets_and_one_asset_are_no_special_case(spark, objective):
    constant = RETURNS[RETURNS.asset == "cash"]
    weights, evidence = optimise(spark, constant, objective=objective, weight_bounds=[0.0, 1.0])
    [row] = weights.collect()
    assert (row.weight, row.volatility) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    assert evidence.metrics["expected_return"] == pytest.approx(0.002)
    assert evidence.metrics["volatility"] == pytest.approx(0, abs=1e-9)


SPOILT = {
    "There are no returns": RETURNS.head(0),
    "There is only one date of returns": RETURNS.head(4),
    "Cannot choose weights: 1 rows with return null, NaN or infinite": RETURNS.replace(
        {"return": {RETURNS["return"][10]: np.inf}}
    ),
    "1 returns stand twice, the first of asset 'cash' on 2020-02-29": pandas.concat(
        [RETURNS, RETURNS.iloc[[5]]]
    ),
    "1 returns are missing, the first of asset 'share' on 2020-02-29": RETURNS.drop(index=7),
    "Asset 'bond' has 'risky' and 'safe' as its kind": RETURNS.assign(
        kind=["risky", *RETURNS.kind[1:]]
    ),
    "Asset 'cash' has null as its kind": RETURNS.assign(
        kind=[RETURNS.kind[0], None, *RETURNS.kind[2:]]
    ),
}


@pytest.mark.parametrize("said", SPOILT)
def test_returns_that_cannot_be_used_are_refused(spark, said):
    with pytest.raises(DataError, match=said):
        optimise(spark, SPOILT[said], limits=LIMITS[:1])


REFUSED = {
    "risk_aversion is 3.0 and target_return 0.1: give one": {"target_return": 0.1},
    "bounds of 'shares', which has no returns. Did you mean 'share'": {
        "asset_bounds": {"shares": [0.0, 0.1]}
    },
    "Limit 'safe' is on kind 'save', and no asset has it. Did you mean 'safe'": {
        "limits": [LIMITS[0] | {"where": {"kind": ["save"]}}]
    },
    "Two limits are called 'safe'": {"limits": [LIMITS[0], LIMITS[0]]},
    "Limit 'safe' needs either at_most or at_least": {"limits": [LIMITS[0] | {"at_most": 0.5}]},
    r"limit 'safe' \(at least 0.4\).* bounds of 'bond' \(at most 0.1\)|"
    r"bounds of 'bond' \(at most 0.1\).* limit 'safe' \(at least 0.4\)": {
        "limits": LIMITS[:1],
        "asset_bounds": {"bond": [0.0, 0.1], "cash": [0.0, 0.1]},
    },
}


def test_texts_are_read_and_what_cannot_be_read_is_null(spark):
    texts = spark.createDataFrame(
        [("2024-01-31", "a", "0.01", "x"), ("31.1.2024", "a", "-0,01", None)],
        "date STRING, asset STRING, return STRING, kind STRING",
    )
    assert [tuple(row) for row in read_returns(texts).collect()] == [
        (date(2024, 1, 31), "a", 0.01, "x"),
        (None, "a", None, None),
    ]


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_asked_for_is_refused(spark, said):
    with pytest.raises(ConfigError, match=said):
        optimise(spark, RETURNS, **REFUSED[said])


def test_limits_on_unknown_columns_or_texts_are_refused(spark):
    for measure, said in (
        ("durations", "speaks of 'durations', which the returns have not. Did you mean 'duration'"),
        ("kind", "Limit 'x' is on 'kind', which is no column of numbers"),
    ):
        with pytest.raises(DataError, match=said):
            optimise(spark, RETURNS, limits=[{"name": "x", "measure": measure, "at_most": 1.0}])


def test_the_shipped_configuration_optimises_the_generated_returns(spark):
    values = bind_parameters(assets.GRAPH, load_conf(PROJECT / "conf", "local", ()).params)
    returns = generate_returns(spark.range(120), **values["generate_returns"])
    texts = returns.selectExpr("CAST(date AS STRING)", "asset", "STRING(return)", "asset_class")
    weights, evidence = optimise_assets(read_returns(texts), **values["optimise_assets"])
    assert weights.agg(F.sum("weight")).first()[0] == pytest.approx(1)
    assert evidence.metrics["expected_return"] == pytest.approx(0.005)
    assert 0 < evidence.metrics["shrinkage"] < 0.5


def test_the_pools_of_the_page_make_a_portfolio(spark):
    raw_loans, *_ = generate_book(
        spark.range(6000),
        seed=7,
        first_issue_month=date(2014, 1, 1),
        last_issue_month=date(2022, 12, 1),
        snapshot_date=date(2025, 7, 1),
        drift=1.0,
        malformed_share=0.0,
        duplicate_share=0.0,
    )
    [query] = re.findall(r"```sql\n(.*?)```", (PROJECT / "docs/assets.md").read_text(), re.DOTALL)
    loans = clean_loans(raw_loans, policy_exception_prefix="")
    pools = spark.sql(query.replace("FROM loans", "FROM {loans}"), loans=loans)
    weights, evidence = optimise(spark, pools)
    by_grade = weights.toPandas().set_index("asset")
    assert list(by_grade.index) == list("ABCDE") and evidence.metrics["periods"] == 17
    assert by_grade.expected_return.between(-0.1, 0.2).all()
    assert by_grade.volatility["E"] > by_grade.volatility["A"]


def test_the_graph_of_assets_runs_to_a_page_with_weights_and_frontier(spark, tmp_path):
    code, record = do_here(spark, tmp_path / "state", "run", "--graph", "assets")
    assert code == 0 and {node["status"] for node in record["nodes"]} == {"done"}
    weights = table_of(spark, tmp_path / "state", "asset_weights").toPandas()
    assert weights.weight.sum() == pytest.approx(1, abs=1e-6)
    page = (tmp_path / "state" / "runs" / record["run_id"] / "index.html").read_text()
    for figure in record["evidence"]["asset_report"]["figures"].values():
        assert figure["title"] in page
