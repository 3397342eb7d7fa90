import numpy as np
import pandas
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    selection_rate,
)
from scipy.special import expit
from scipy.stats import norm

from penstock.errors import ConfigError, DataError
from penstock.measure.fairness_audit import audit_fairness
from penstock.measure.prior import shift_prior
from tests.measure.hmeq import hmeq_loans

LOANS = 600
PARAMETERS = {
    "protected": ["sex", "age"],
    "intersections": [["sex", "age"]],
    "approval_rate": 0.7,
    "reference": {},
    "min_ratio": 0.8,
    "min_loans": 30,
    "population_bad_rate": None,
    "decimals": 6,
    "reweighed_by": [],
}


def audited(judged, protected_table, **parameters):
    # Loans fitted on are not even looked at where none were reweighed.
    return audit_fairness(judged, protected_table, None, **parameters)


@pytest.fixture(scope="module")
def people():
    random = np.random.default_rng(5)
    sex = random.choice(["f", "m"], LOANS)
    age = random.choice(["old", "young", "ancient"], LOANS, p=[0.6, 0.38, 0.02])
    pd = (random.beta(2, 8, LOANS) + 0.12 * (age == "young")).round(3)
    return pandas.DataFrame(
        {
            "row_id": [f"r{n}" for n in range(LOANS)],
            "pd": pd,
            "is_bad": (random.random(LOANS) < pd).astype(int),
            "sex": sex,
            "age": age,
        }
    )


@pytest.fixture(scope="module")
def tables(spark, people):
    judged = spark.createDataFrame(people[["row_id", "pd", "is_bad"]])
    protected = spark.createDataFrame(people[["row_id", "sex", "age"]]).selectExpr(
        "row_id", "map('sex', sex, 'age', age) AS protected"
    )
    return judged, protected


@pytest.fixture(scope="module")
def audit(tables):
    return audited(*tables, **PARAMETERS)


def frame(evidence, name):
    table = evidence.tables[name]
    return pandas.DataFrame(table.rows, columns=table.columns).set_index("group")


def assert_equals_fairlearn(audit, seen, name):
    """Hold a table against Fairlearn's, whose favourable outcome is 1: a good that is approved."""
    approved = (seen.pd <= audit.metrics["cut_off"]).astype(int)
    assert audit.metrics["approval_rate"] == pytest.approx(approved.mean(), abs=1e-12)
    of_groups = frame(audit, f"fairness_{name}")
    given = {"y_true": 1 - seen.is_bad, "y_pred": approved, "sensitive_features": seen[name]}
    rates = MetricFrame(metrics=selection_rate, **given).by_group
    assert of_groups.selection_rate.to_dict() == pytest.approx(rates.to_dict(), abs=1e-12)
    ratio = demographic_parity_ratio(**given)
    assert of_groups.adverse_impact_ratio.min() == pytest.approx(ratio, abs=1e-9)
    gaps = of_groups.opportunity_difference.max() - of_groups.opportunity_difference.min()
    assert gaps == pytest.approx(equal_opportunity_difference(**given), abs=1e-9)
    return of_groups, given


def test_the_audit_equals_fairlearn_on_the_same_decisions(audit, people):
    by_sex, given = assert_equals_fairlearn(audit, people, "sex")
    assert abs(audit.metrics["approval_rate"] - 0.7) < 0.02
    odds = equalized_odds_difference(**given)
    assert by_sex.odds_difference.max() == pytest.approx(odds, abs=1e-9)


def test_the_audit_equals_fairlearn_on_real_pds_with_ties(spark):
    loans = hmeq_loans().dropna(subset=["DELINQ", "JOB"])
    # The cut-off lies within a tie of a fifth of all loans.
    seen = pandas.DataFrame(
        {
            "row_id": [f"r{n}" for n in loans.index],
            "pd": expit(loans.DELINQ / 2 - 2).round(6),
            "is_bad": loans.BAD,
            "job": loans.JOB,
        }
    )
    assert seen.pd.nunique() < 20
    judged = spark.createDataFrame(seen[["row_id", "pd", "is_bad"]])
    protected = spark.createDataFrame(seen[["row_id", "job"]]).selectExpr(
        "row_id", "map('job', job) AS protected"
    )
    named = {"protected": ["job"], "intersections": [], "approval_rate": 0.8}
    audit = audited(judged, protected, **PARAMETERS | named)
    by_job, _ = assert_equals_fairlearn(audit, seen, "job")
    assert len(by_job) == 6


def test_small_groups_are_counted_and_not_shown(audit, people):
    few = int((people.age == "ancient").sum())
    assert 0 < few < 30
    assert set(frame(audit, "fairness_age").index) == {"old", "young"}
    title = audit.tables["fairness_age"].title
    assert f"; not shown: 1 group of fewer than 30 loans ({few} loans);" in title
    both = frame(audit, "fairness_sex and age")
    assert set(both.index) == {"f and old", "f and young", "m and old", "m and young"}


def test_a_group_that_is_refused_more_often_is_told_by_its_light(audit):
    young, old = (frame(audit, "fairness_age").loc[name] for name in ("young", "old"))
    assert (old.adverse_impact_ratio, old.light) == (1, "green")
    assert old[["low", "high"]].isna().all()  # it is beside itself
    assert young.high < 0.8 and young.light == "red"
    # Twelve columns are wider than a page: what is looked for stands first.
    assert audit.tables["fairness_age"].columns[:2] == ("group", "light")
    assert audit.metrics["min_adverse_impact_ratio"] <= young.adverse_impact_ratio
    assert audit.metrics["red_groups"] >= 1
    assert "fairness_age" in audit.figures


def test_intervals_hold_for_all_groups_at_once(audit, people):
    approved = people.assign(approved=people.pd <= audit.metrics["cut_off"]).groupby("sex").approved
    n, rate = approved.count(), approved.mean()
    row = frame(audit, "fairness_sex").query("adverse_impact_ratio < 1").iloc[0]
    error = np.sqrt((1 / (n * rate) - 1 / n).sum())
    # One comparison by sex, one by age, three by both.
    width = norm.ppf(1 - 0.025 / 5) * error
    assert np.log(row.high / row.adverse_impact_ratio) == pytest.approx(width, rel=1e-9)
    assert np.log(row.adverse_impact_ratio / row.low) == pytest.approx(width, rel=1e-9)
    assert "hold for all 5 comparisons at once" in audit.tables["fairness_sex"].title


def test_pds_of_a_population_are_restated_for_the_outcomes_and_not_for_the_decisions(
    tables, audit, people
):
    found = audited(*tables, **PARAMETERS | {"population_bad_rate": 0.03})
    assert found.metrics == audit.metrics
    restated = shift_prior(people.pd, from_rate=0.03, to_rate=people.is_bad.mean())
    by_sex = people.assign(restated=restated).groupby("sex")[["restated", "is_bad"]].sum()
    assert frame(found, "fairness_sex").calibration.to_dict() == pytest.approx(
        (by_sex.restated / by_sex.is_bad - 1).to_dict(), abs=1e-9
    )


def test_where_all_judged_loans_are_good_their_pds_stay_as_they_are(tables):
    judged, protected = tables
    good = judged.where("is_bad = 0")
    audits = [
        audited(good, protected, **PARAMETERS | {"population_bad_rate": rate})
        for rate in (None, 0.03)
    ]
    assert audits[0] == audits[1]


def test_a_dot_in_the_name_of_an_attribute_is_a_letter(tables, audit):
    judged, protected = tables
    dotted = protected.selectExpr("row_id", "map('s.e`x', protected['sex']) AS protected")
    named = {"protected": ["s.e`x"], "intersections": []}
    found = audited(judged, dotted, **PARAMETERS | named)
    # Fewer comparisons at once have narrower intervals. Counted by sex alone, not by sex and age:
    # other sums, but for their last digit.
    dotted, plain = (
        frame(*named).drop(columns=["low", "high"])
        for named in ((found, "fairness_s.e`x"), (audit, "fairness_sex"))
    )
    pandas.testing.assert_frame_equal(dotted, plain, rtol=1e-12)


def test_a_reference_of_choice_is_compared_with(tables):
    audit = audited(*tables, **PARAMETERS | {"reference": {"age": "young"}})
    assert frame(audit, "fairness_age").loc["old"].adverse_impact_ratio > 1
    assert "beside young" in audit.tables["fairness_age"].title


def test_loans_without_attributes_are_a_group_and_none_named_is_said(tables):
    judged, protected = tables
    nobody = protected.where("false")
    audit = audited(judged, nobody, **PARAMETERS | {"intersections": []})
    assert list(frame(audit, "fairness_sex").index) == ["unknown"]
    none = audited(judged, nobody, **PARAMETERS | {"protected": [], "intersections": []})
    assert "none was audited" in str(none.tables["fairness"].rows)


def test_a_loan_that_is_protected_twice_is_not_counted_twice(tables):
    judged, protected = tables
    twice = protected.unionByName(protected.limit(3))
    with pytest.raises(DataError, match="row_id on more than one row: 600 .* have become 603"):
        audited(judged, twice, **PARAMETERS)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"intersections": [["sex", "aeg"]]}, ConfigError, "'aeg'.*Did you mean 'age'"),
        ({"reference": {"age": "yuong"}}, DataError, "'yuong'.*Did you mean 'young'"),
    ],
)
def test_what_cannot_be_meant_is_refused(tables, changes, error, said):
    with pytest.raises(error, match=said):
        audited(*tables, **PARAMETERS | changes)


def test_nobody_to_decide_on_is_said(tables):
    judged, protected = tables
    with pytest.raises(DataError, match="no loans to decide on"):
        audited(judged.where("false"), protected, **PARAMETERS)
