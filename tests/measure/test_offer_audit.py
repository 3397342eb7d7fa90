import numpy as np
import pandas
import pytest
from scipy.stats import norm

from penstock.errors import ConfigError, DataError
from penstock.measure.offer_audit import DECIDED_COLUMNS, audit_offers

PARAMETERS = {
    "attributes": ["sex", "home"], "reference": {}, "min_loans": 20, "min_ratio": 0.8,
    "max_gap": 0.001,
}  # fmt: skip
APPLICANTS = 900


def decided():
    """Women are approved less and pay .006 more than men alike; a home makes no difference."""
    random = np.random.default_rng(8)
    sex = random.choice(["f", "m"], APPLICANTS, p=[0.5, 0.5])
    home = random.choice(["rent", "own", None], APPLICANTS, p=[0.6, 0.39, 0.01])
    kind = random.choice(["low", "high"], APPLICANTS)
    is_approved = random.random(APPLICANTS) < np.where(sex == "f", 0.4, 0.8)
    rate = np.where(kind == "low", 0.09, 0.19) + 0.006 * (sex == "f")
    rate = (rate + random.normal(0, 0.002, APPLICANTS)).round(6)
    keys = [f"a{n}" for n in range(APPLICANTS)]
    return pandas.DataFrame(
        {"application_id": keys, "is_approved": is_approved, "interest_rate": rate, "alike": kind,
         "sex": sex, "home": home}
    )  # fmt: skip


@pytest.fixture(scope="module")
def people():
    return decided()


@pytest.fixture(scope="module")
def offered(people):
    return people[people.is_approved]


@pytest.fixture(scope="module")
def tables(spark, people):
    rows = [
        (r.application_id, r.is_approved, r.interest_rate, r.alike)
        if r.is_approved
        else (r.application_id, False, None, None)
        for r in people.itertuples()
    ]
    groups = [(r.application_id, {"sex": r.sex, "home": r.home}) for r in people.itertuples()]
    protected = spark.createDataFrame(groups, "row_id STRING, protected MAP<STRING, STRING>")
    return spark.createDataFrame(rows, DECIDED_COLUMNS), protected


@pytest.fixture(scope="module")
def audit(tables):
    return audit_offers(*tables, **PARAMETERS)


def frame(evidence, name):
    table = evidence.tables[name]
    return pandas.DataFrame(table.rows, columns=table.columns).set_index("group")


def test_who_is_approved_less_is_red_and_shares_are_those_of_single_applications(audit, people):
    by_sex, by_home = frame(audit, "approvals_sex"), frame(audit, "approvals_home")
    shares = people.groupby("sex").is_approved.mean()
    assert by_sex.approved_share.to_dict() == pytest.approx(shares.to_dict(), abs=1e-12)
    assert by_sex.applications.to_dict() == people.groupby("sex").size().to_dict()
    assert by_sex.light.to_dict() == {"f": "red", "m": "green"}
    assert {*by_home.light} == {"green"}
    least = by_sex.adverse_impact_ratio["f"]
    assert least == pytest.approx(shares["f"] / shares["m"], abs=1e-12)
    assert audit.metrics["min_adverse_impact_ratio"] == least
    assert audit.metrics["red_approvals"] == 1


def test_who_pays_more_for_the_same_risk_is_red_and_who_does_not_is_green(audit):
    by_sex, by_home = frame(audit, "prices_sex"), frame(audit, "prices_home")
    assert by_sex.light.to_dict() == {"f": "red", "m": ""}
    assert by_home.light.to_dict() == {"own": "green", "rent": ""}
    women = by_sex.loc["f"]
    assert women.low < 0.006 < women.high and women.low > 0.001 and women.compared == 1
    assert audit.metrics["largest_gap"] == women.like_gap and audit.metrics["red_prices"] == 1
    title = audit.tables["prices_home"].title
    few = int(audit.metrics["offers"] - by_home.offers.sum())
    assert title.startswith("Prices by home, beside rent; not shown: 1 smaller group (")
    assert 0 < few < 20 and f"({few} offers);" in title


def test_rates_and_their_standardised_difference_are_those_of_single_offers(audit, offered):
    rates = offered.groupby("sex").interest_rate
    by_sex, mean, n = frame(audit, "prices_sex"), rates.mean(), rates.count()
    assert by_sex.mean_rate.to_dict() == pytest.approx(mean.to_dict(), abs=1e-12)
    assert by_sex.offers.to_dict() == n.to_dict()
    pooled = np.sqrt(((n - 1) * rates.var()).sum() / (n.sum() - 2))
    women = by_sex.loc["f"]
    assert women.smd == pytest.approx((mean["f"] - mean["m"]) / pooled, rel=1e-9)
    # Two comparisons at once: women beside men, owners beside tenants.
    error = np.sqrt(n.sum() / n.prod() + women.smd**2 / (2 * n.sum()))
    assert women.smd_high - women.smd == pytest.approx(norm.ppf(1 - 0.025 / 2) * error, rel=1e-9)
    assert "hold for all 2 comparisons at once" in audit.tables["prices_sex"].title


def test_who_is_cheaper_than_a_small_reference_is_told_too(tables):
    of_men = audit_offers(
        *tables, **PARAMETERS | {"attributes": ["sex"], "reference": {"sex": "f"}}
    )
    men = frame(of_men, "prices_sex").loc["m"]
    assert (men.light, of_men.metrics["red_prices"]) == ("red", 1) and men.high < -0.001
    # Beyond what is let pass, but not with its whole interval.
    wide = audit_offers(*tables, **PARAMETERS | {"max_gap": of_men.metrics["largest_gap"] - 1e-6})
    assert frame(wide, "prices_sex").loc["f"].light == "amber"


def test_applicants_without_attributes_are_a_group_and_nobody_is_no_comparison(tables):
    applications, protected = tables
    alone = audit_offers(
        applications, protected.where("false"), **PARAMETERS | {"attributes": ["sex"]}
    )
    assert list(frame(alone, "prices_sex").index) == ["unknown"]
    assert list(frame(alone, "approvals_sex").index) == ["unknown"]
    none = audit_offers(applications.where("false"), protected, **PARAMETERS)
    assert none.metrics == {
        "applications": 0, "offers": 0, "min_adverse_impact_ratio": None, "red_approvals": 0,
        "largest_gap": None, "red_prices": 0,
    }  # fmt: skip
    assert "beside no group" in none.tables["prices_sex"].title


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"reference": {"sxe": "m"}}, ConfigError, "'sxe', which is none.*Did you mean 'sex'"),
        ({"reference": {"home": "rnet"}}, DataError, "'rnet' has fewer.*Did you mean 'rent'"),
    ],
)
def test_what_cannot_be_meant_is_refused(tables, changes, error, said):
    with pytest.raises(error, match=said):
        audit_offers(*tables, **PARAMETERS | changes)


def test_what_cannot_be_counted_and_rows_that_are_twice_are_refused(tables, offered):
    applications, protected = tables
    spoilt = applications.selectExpr(
        "application_id", "if(application_id = 'a0', NULL, is_approved) AS is_approved",
        "interest_rate * 100 AS interest_rate", "alike",
    )  # fmt: skip
    said = f"1 rows with is_approved null; {len(offered)} rows with interest_rate outside 0-1"
    with pytest.raises(DataError, match=said):
        audit_offers(spoilt, protected, **PARAMETERS)
    twice = protected.unionByName(protected.limit(2))
    with pytest.raises(DataError, match="more than one row: 900 applications have become 902"):
        audit_offers(applications, twice, **PARAMETERS)
