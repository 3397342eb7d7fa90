import datetime
import json

import numpy as np
import pytest
from pyspark.sql import functions as F
from scipy.stats import chi2
from sklearn import metrics

from penstock.catalyst.internals import count_jobs
from penstock.errors import ConfigError
from penstock.evidence import Evidence
from penstock.measure.calibration_line import calibration_line
from penstock.measure.counts import ScoreCounts
from penstock.measure.validation import validate_pd, validation_of

STANDARDS = {
    "bins": 10, "decimals": 6, "riskiest_share": 0.2, "grades": [0.05, 0.1, 0.2], "amber": 0.05,
    "red": 0.01, "purpose": "Instalment loans", "owner": "Risk", "known_limits": ["No declines."],
    "population_bad_rate": None,
}  # fmt: skip
RANDOM = np.random.default_rng(5)


def draw(loans, vintages, level=1.0):
    """Return PDs, labels drawn from them, and vintages, of shape (n_loans,) each."""
    pds = np.minimum(RANDOM.beta(2, 8, loans) * level, 0.999).round(3)
    return pds, (RANDOM.random(loans) < pds).astype(int), RANDOM.choice(vintages, loans)


def count(pds, labels, vintages):
    parts = [ScoreCounts.of(pds[vintages == v], labels[vintages == v]) for v in np.unique(vintages)]
    names = np.concatenate(
        [np.full(len(p.score), v) for p, v in zip(parts, np.unique(vintages), strict=True)]
    )
    joined = [np.concatenate([getattr(p, n) for p in parts]) for n in ("score", "n_good", "n_bad")]
    order = np.lexsort((names, joined[0]))
    return ScoreCounts(*(column[order] for column in (*joined, names)))


def by_name(table):
    return {row[0]: dict(zip(table.columns[1:], row[1:], strict=True)) for row in table.rows}


DEVELOPMENT = draw(3000, ["2019Q4", "2020Q1"])
JUDGED = draw(1000, ["2020Q2", "2020Q3"])


@pytest.fixture(scope="module")
def report():
    return validation_of(count(*JUDGED), count(*DEVELOPMENT), **STANDARDS)


def test_both_samples_are_ranked_as_scikit_learn_ranks_them(report):
    rows = by_name(report.tables["discrimination"])
    for name, (pds, labels, _) in (("development", DEVELOPMENT), ("judged", JUDGED)):
        area = metrics.roc_auc_score(labels, pds)
        assert rows[name]["auc"] == pytest.approx(area, abs=1e-12)
        assert rows[name]["gini"] == pytest.approx(2 * area - 1, abs=1e-12)
    drop = rows["development"]["auc"] - rows["judged"]["auc"]
    assert report.metrics["auc_drop"] == pytest.approx(drop, abs=1e-12)
    assert report.metrics["auc"] == rows["judged"]["auc"]


def test_the_parts_of_each_brier_score_add_up_to_it(report):
    for name, (pds, labels, _) in (("development", DEVELOPMENT), ("judged", JUDGED)):
        b = by_name(report.tables["brier"])[name]
        parts = b["reliability"] - b["resolution"] + b["uncertainty"] + b["within_bins"]
        assert parts == pytest.approx(b["brier"], abs=1e-12)
        assert b["brier"] == pytest.approx(metrics.brier_score_loss(labels, pds), abs=1e-12)


def test_log_odds_twice_too_far_out_have_half_the_slope():
    truth = np.array([0.05, 0.1, 0.2, 0.4])
    bads = (truth * 100_000).astype(int)
    odds = truth / (1 - truth)
    counts = ScoreCounts(odds**2 / (1 + odds**2), 100_000 - bads, bads, np.full(4, "2020Q2"))
    found = validation_of(counts, counts, **STANDARDS).metrics
    assert found["calibration_slope"] == pytest.approx(0.5, abs=1e-9)
    assert found["calibration_intercept"] == pytest.approx(0, abs=1e-9)
    line = calibration_line(counts, floor=1e-9)
    for name, error in (("slope", line.slope_error), ("intercept", line.intercept_error)):
        width = found[f"calibration_{name}_high"] - found[f"calibration_{name}_low"]
        assert width == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert found["hosmer_lemeshow_p"] < 1e-6


def test_hosmer_and_lemeshow_test_loans_that_nothing_was_fitted_on(report):
    columns = report.tables["calibration"].columns
    bins = [dict(zip(columns, row, strict=True)) for row in report.tables["calibration"].rows]
    statistic = sum(
        b["loans"] * (b["bad_rate"] - b["mean_pd"]) ** 2 / (b["mean_pd"] * (1 - b["mean_pd"]))
        for b in bins
    )
    expected = chi2.sf(statistic, len(bins))
    assert report.metrics["hosmer_lemeshow_p"] == pytest.approx(expected, abs=1e-12)


def test_a_sample_against_itself_is_stable_and_loses_nothing():
    counts = count(*DEVELOPMENT)
    report = validation_of(counts, counts, **STANDARDS)
    assert (report.metrics["psi"], report.metrics["auc_drop"]) == (0, 0)
    judged = by_name(report.tables["stability"])["judged"]
    assert (judged["band"], judged["beyond_chance"]) == ("stable", False)


def test_the_vintage_that_moved_stands_out_and_unknown_ones_have_no_period():
    still, moved = draw(1000, ["2020Q2"]), draw(1000, ["2020Q3"], level=2.0)
    undated = draw(500, ["unknown"])
    both = [np.concatenate(parts) for parts in zip(still, moved, undated, strict=True)]
    report = validation_of(count(*both), count(*DEVELOPMENT), **STANDARDS)
    rows = by_name(report.tables["stability"])
    assert list(rows) == ["judged", "2020Q2", "2020Q3"]
    assert rows["2020Q3"]["band"] == "large" and rows["2020Q3"]["beyond_chance"]
    assert rows["2020Q2"]["band"] == "stable"
    assert rows["judged"]["loans"] == 2500
    assert report.figures["psi"].series[0].x == ("2020Q2", "2020Q3")
    ginis = report.figures["gini"].series[0]
    assert ginis.x == ("2020Q2", "2020Q3")
    assert ginis.y == tuple(pytest.approx(2 * rows[name]["auc"] - 1) for name in ginis.x)


@pytest.mark.parametrize(
    ("bads", "light"), [(50, "green"), (62, "amber"), (80, "red"), (10, "green")]
)
def test_a_grade_that_defaults_more_than_it_says_turns_amber_then_red(bads, light):
    # 1,000 loans at 5 %: 50 are expected, and 6.9 either way is one standard deviation. The PD
    # equals the first grade's limit and so lies in it.
    counts = ScoreCounts(
        np.array([0.05, 0.15]), np.array([1000 - bads, 850]), np.array([bads, 150]), np.full(2, "")
    )
    report = validation_of(counts, counts, **STANDARDS)
    rows = by_name(report.tables["grades"])
    assert {name: row["light"] for name, row in rows.items()} == {
        "1: up to 0.05": light, "3: up to 0.2": "green"
    }  # fmt: skip
    assert report.metrics["red_grades"] == (light == "red")
    assert report.metrics["amber_grades"] == (light == "amber")


@pytest.mark.parametrize(
    ("vintages", "said"),
    [
        (["2020Q2", "2020Q3"], "2020Q2 to 2020Q3, later than all development loans"),
        (["2020Q1", "2020Q2"], "not all later than the development loans"),
        (["unknown"], "bear no date"),
    ],
)
def test_the_limits_say_whether_the_judged_loans_are_out_of_time(vintages, said):
    report = validation_of(count(*draw(400, vintages)), count(*DEVELOPMENT), **STANDARDS)
    limits = [limit for (limit,) in report.tables["limits"].rows]
    assert said in limits[0]
    assert limits[-1] == "No declines."


def test_pds_of_a_population_are_judged_at_the_rate_that_the_loans_were_drawn_at():
    """Bads drawn whole and goods one in nine: the PDs are right, and found to be."""
    population = draw(200_000, ["2020Q2"], level=0.3)
    kept = (population[1] == 1) | (RANDOM.random(len(population[1])) < 1 / 9)
    sample = count(*(column[kept] for column in population))
    rate = float(population[1].mean())
    blind = validation_of(sample, sample, **STANDARDS)
    found = validation_of(sample, sample, **STANDARDS | {"population_bad_rate": rate})
    assert blind.metrics["ece"] > 0.2 and blind.metrics["red_grades"] >= 2
    assert found.metrics["ece"] < 0.01 and found.metrics["red_grades"] == 0
    assert found.metrics["calibration_intercept"] == pytest.approx(0, abs=0.1)
    for ranks in ("auc", "ks", "gini", "partial_gini", "psi"):
        assert found.metrics[ranks] == pytest.approx(blind.metrics[ranks], abs=1e-12)
    sizes = [[row[:3] for row in r.tables["grades"].rows] for r in (found, blind)]
    assert sizes[0] == sizes[1]
    said = "Loans were drawn by outcome: "
    assert [said in str(r.tables["limits"].rows) for r in (found, blind)] == [True, False]


def test_the_limits_of_a_small_sample_are_told_in_numbers():
    pds, labels, vintages = (column[:60] for column in JUDGED)
    report = validation_of(count(pds, labels, vintages), count(*DEVELOPMENT), **STANDARDS)
    limits = " ".join(limit for (limit,) in report.tables["limits"].rows)
    half = (report.metrics["auc_high"] - report.metrics["auc_low"]) / 2
    assert f"{labels.sum()} bads among 60 loans, the AUC is known to within {half:.3f}" in limits
    assert f"a PSI of up to {report.metrics['psi_by_chance']:.2f} by chance" in limits


def test_with_goods_only_all_that_needs_bads_is_undefined():
    goods = count(np.array([0.1, 0.2]), np.array([0, 0]), np.full(2, "unknown"))
    report = validation_of(goods, goods, **STANDARDS)
    undefined = {name for name, value in report.metrics.items() if value is None}
    assert {"auc_drop", "partial_gini", "h_measure", "calibration_slope"} <= undefined
    assert {"roc", "lift", "psi"}.isdisjoint(report.figures)
    assert Evidence.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False))) == report


@pytest.mark.parametrize(("amber", "red"), [(0.01, 0.05), (0.05, 0.05)])
def test_lights_in_the_wrong_order_are_an_error(amber, red):
    with pytest.raises(ConfigError, match="red must be below amber"):
        validate_pd(None, None, **_parameters(amber=amber, red=red))


def test_two_tables_are_counted_by_one_query_each(spark, report):
    def table(pds, labels, vintages):
        days = [datetime.date(int(v[:4]), 3 * int(v[5]), 1) for v in vintages]
        rows = list(zip(pds.tolist(), labels.tolist(), days, strict=True))
        return spark.createDataFrame(rows, "pd DOUBLE, is_bad INT, observed_on DATE")

    tables = [table(*JUDGED), table(*DEVELOPMENT)]
    before = count_jobs(spark)
    validated = validate_pd(*tables, **_parameters())
    # Adaptive execution runs the two stages of one aggregation as two jobs.
    assert 2 <= count_jobs(spark) - before <= 4
    assert validated == report

    # The first bad of each table went bad in its second month; nothing else is known of the others.
    days = [F.expr("if(n = first, add_months(observed_on, 1), NULL)").alias("bad_on")]
    dated = []
    for table_ in tables:
        numbered = table_.coalesce(1).withColumn("n", F.monotonically_increasing_id())
        first = numbered.where("is_bad = 1").agg(F.min("n").alias("first"))
        dated.append(numbered.crossJoin(first).select(*table_.columns, *days))
    validated = validate_pd(*dated, **_parameters(bad_date="lost_on"))
    assert validated.metrics == report.metrics
    assert set(validated.tables) - set(report.tables) == {"vintage_curves"}
    curves = validated.tables["vintage_curves"].rows
    assert [row[0] for row in curves] == ["2019", "2020"]
    assert sum(row[1] for row in curves) == 4000 and sum(row[2] for row in curves) == 2
    bads = sum(labels.sum() for _, labels, _ in (JUDGED, DEVELOPMENT))
    said = [limit for (limit,) in validated.tables["limits"].rows]
    assert any(f"{bads - 2:,} of {bads:,} bads bear no day" in limit for limit in said)


def _parameters(**changes):
    unknown = {"bad_date": "", "as_of": datetime.date(2021, 6, 30)}
    return STANDARDS | unknown | {"date": "observed_on", "vintage": "quarter"} | changes
