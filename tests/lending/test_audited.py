from decimal import Decimal

import pytest

from penstock.columns import columns_in
from penstock.lending.audited import AUDITED_COLUMNS, list_audited
from penstock.lending.decision_checks import RECORD_COLUMNS


def record(key, *, decision="approve", pd=0.1, rate=0.12, amount=8000, term=36, offer_pd=0.11):
    offer = (1, Decimal(amount), term, rate, Decimal(300), offer_pd, 0.6, Decimal(90))
    known = {"application_id": key, "decision": decision, "pd": pd}
    return known | {"offer": offer if rate is not None else None}


RECORDS = [
    record("base"),
    record("riskier to take it up", offer_pd=0.2),  # the price has made it so
    record("nearly as risky", pd=0.1001),
    record("riskier", pd=0.13),
    record("longer", term=60),
    record("smaller", amount=4000),
    record("unscored", pd=None),  # which only a person approves
    record("without an offer", rate=None),
    record("referred", decision="refer"),
    record("declined", decision="decline", rate=None),
]
OFFERED = [row["application_id"] for row in RECORDS[:7]]


@pytest.fixture(scope="module")
def listed(spark):
    columns = columns_in(RECORD_COLUMNS)
    rows = [tuple(row.get(name) for name in columns.names) for row in RECORDS]
    table = list_audited(spark.createDataFrame(rows, columns), pd_step=0.2, amount_step=0.2)
    wanted = columns_in(AUDITED_COLUMNS)
    assert [(f.name, f.dataType) for f in table.schema] == [(f.name, f.dataType) for f in wanted]
    return {row.application_id: row for row in table.collect()}


def test_all_are_listed_and_those_approved_have_the_price_of_their_offer(listed):
    assert len(listed) == len(RECORDS)
    assert {key for key, row in listed.items() if row.is_approved} == {*OFFERED, "without an offer"}
    assert {key: row.interest_rate for key, row in listed.items() if row.interest_rate} == (
        dict.fromkeys(OFFERED, 0.12)
    )


def test_alike_are_offers_of_one_term_and_of_like_pd_and_amount(listed):
    of_base = {key for key, row in listed.items() if row.alike == listed["base"].alike}
    assert of_base == {"base", "riskier to take it up", "nearly as risky"}
    of_none = {key for key, row in listed.items() if row.alike is None}
    assert of_none == {"unscored", "without an offer", "referred", "declined"}
    assert len({row.alike for row in listed.values()}) == 5
