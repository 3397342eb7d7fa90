"""Groups beside a reference, and their approvals: no Spark."""

import pytest
from scipy.stats import norm

from penstock.errors import DataError
from penstock.measure.approvals import Approvals, compare_approvals
from penstock.measure.fairness import ratio_interval
from penstock.measure.reference_groups import ReferenceGroups, level_at_once

APPROVALS = {"f": Approvals(50, 20), "m": Approvals(100, 80), "x": Approvals(4, 4)}


def groups(reference=None, min_rows=10, of=APPROVALS):
    return ReferenceGroups.of(
        of,
        rows=lambda group: group.applications,
        first=lambda group: group.rate,
        reference=reference,
        min_rows=min_rows,
    )


def test_small_groups_are_left_out_and_the_first_of_the_others_is_the_reference():
    found = groups()
    assert (found.reference, found.comparisons, list(found.groups)) == ("m", 1, ["f", "m"])
    assert (found.hidden, found.hidden_rows) == (1, 4)
    title = found.title("Approvals by sex", row="application", at_once=1)
    assert title == "Approvals by sex, beside m; not shown: 1 smaller group (4 applications)"
    assert groups("f", min_rows=4).hidden == 0 and groups(min_rows=4).reference == "x"
    nobody = groups(min_rows=1000)
    assert (nobody.reference, nobody.comparisons) == (None, 0)
    assert compare_approvals(nobody, level=0.95) == []
    with pytest.raises(DataError, match="'x' has fewer than 10 rows to compare with, or does not"):
        groups("x")


def test_of_many_intervals_at_once_each_has_its_part_of_the_error():
    assert level_at_once(0) == level_at_once(1) == pytest.approx(0.95)
    assert level_at_once(5) == pytest.approx(0.99)
    held = groups().title("x", row="y", at_once=5)
    assert held.endswith("the 95% intervals hold for all 5 comparisons at once")


def test_a_group_is_compared_with_the_reference_as_the_fairness_audit_does():
    women, men = compare_approvals(groups(), level=0.95)
    assert (women.ratio, men.ratio) == (0.5, 1)
    assert (men.low, men.high, men.light(1)) == (None, None, "green")  # it is beside itself
    assert (women.low, women.high) == ratio_interval((20, 50), (80, 100), level=0.95)
    # Katz by hand: 1 / 20 - 1 / 50 + 1 / 80 - 1 / 100.
    assert women.high == pytest.approx(0.5 * 2.718281828459045 ** (norm.ppf(0.975) * 0.0325**0.5))
    assert (women.light(0.8), women.light(0.6), women.light(0.5)) == ("red", "amber", "green")
    nobody = {"f": Approvals(50, 0), "m": Approvals(100, 0)}
    assert {each.light(0.8) for each in compare_approvals(groups(of=nobody), level=0.95)} == {""}
