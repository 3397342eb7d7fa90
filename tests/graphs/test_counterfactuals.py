"""Counterfactuals held against the chain itself: what is said to be approved is asked for anew."""

from decimal import Decimal

import pytest

from tests.processes import SMALL
from tests.released import do_here, table_of

pytestmark = pytest.mark.slow

SHARES = ("1.0", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3")  # of conf/base/params.yaml
OF_EACH_KIND = 12


def steps(amount, term):
    """Return all changes of an application, the smallest first."""
    amounts = {amount if s == "1.0" else Decimal(s) * amount // 100 * 100 for s in SHARES}
    changes = {(a, t) for a in amounts if a > 0 for t in (36, 60)} - {(amount, term)}
    return sorted(changes, key=lambda change: (-change[0], abs(change[1] - term), change[1]))


@pytest.fixture(scope="module")
def declined(spark, home):
    """Return declines with and without a counterfactual, with what was asked for."""
    asked = table_of(spark, home, "applications").select(
        "application_id", "amount_usd", "term_months"
    )
    records = table_of(spark, home, "decision_records").join(asked, "application_id")
    rows = records.where("decision = 'decline'").orderBy("application_id").collect()
    told = [row for row in rows if row.counterfactual]
    untold = [row for row in rows if not row.counterfactual]
    assert len(told) > OF_EACH_KIND < len(untold)
    assert records.where("decision != 'decline' AND counterfactual IS NOT NULL").isEmpty()
    return told[:OF_EACH_KIND] + untold[:OF_EACH_KIND]


@pytest.fixture(scope="module")
def asked_anew(spark, home, declined, tmp_path_factory):
    """Return the records of every step of every decline, as applications of their own."""
    raw = table_of(spark, home, "raw_applications").drop("desc", "title", "emp_title").toPandas()
    by_id = raw.drop_duplicates("id").set_index("id")
    lines = []
    for row in declined:
        for place, (amount, term) in enumerate(steps(row.amount_usd, row.term_months)):
            changed = by_id.loc[row.application_id].copy()
            changed["loan_amnt"], changed["term"] = str(amount), str(term)
            changed["desc"] = changed["title"] = changed["emp_title"] = None
            changed["id"] = f"{row.application_id}#{place}"
            lines.append(changed)
    file = tmp_path_factory.mktemp("asked") / "applications.csv"
    type(raw)(lines).to_csv(file, index=False)
    words = (*SMALL, "--set", f"catalog.raw_applications={{kind: csv, path: {file}}}")
    once = ("--set", "params.vary_declines.amount_shares=[1.0]")  # nobody reads those of the steps
    for job in ("score", "decide"):
        code, record = do_here(spark, home, job, *words, *once)
        assert code == 0, record
    return {row.application_id: row for row in table_of(spark, home, "decision_records").collect()}


def test_the_chain_approves_each_counterfactual_and_no_smaller_step(declined, asked_anew):
    for row in declined:
        first = None
        for place, (amount, term) in enumerate(steps(row.amount_usd, row.term_months)):
            record = asked_anew[f"{row.application_id}#{place}"]
            if record.decision == "approve" and amount <= record.limit_usd:
                assert record.offer.amount_usd <= amount
                first = (amount, term)
                break
        found = row.counterfactual
        assert first == (found and (found.amount_usd, found.term_months)), row.application_id


def test_who_is_declined_for_what_nobody_can_change_is_told_of_no_change(declined):
    beyond_reach = {"bankrupt", "no_history", "often_late", "no_income", "debt_too_high"}
    hit = [row for row in declined if beyond_reach & {*row.rules_hit}]
    assert hit and not any(row.counterfactual for row in hit)
