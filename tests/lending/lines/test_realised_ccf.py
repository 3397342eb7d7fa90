"""The share of what was undrawn that was drawn by default, and which defaults have one."""

import pytest
from creditriskengine.models.ead import estimate_ccf

from penstock.columns import columns_in
from penstock.lending.lines.checks import LINE_DEFAULT_COLUMNS
from penstock.lending.lines.realised_ccf import list_line_defaults
from tests.lending.lines.rows import STATES, state

PARAMETERS = {"reference": "fixed_horizon", "cohort_month": 12, "min_undrawn_share": 0.05}
BEFORE, DEFAULT = "2022-06-30", "2023-06-30"


def line(name, limit, balance, ead, limit_at_default=None):
    """Return a line a year before its default, a month before, at it and a month on."""
    last = limit if limit_at_default is None else limit_at_default
    return [
        state(name, BEFORE, limit, balance),
        state(name, "2023-05-31", last, ead),
        state(name, DEFAULT, last, ead, is_default=True),
        state(name, "2023-07-31", last, 1, is_default=True),
    ]


LINES = [
    *line("drawn on", 1000, 400, 700),
    *line("paid back", 1000, 400, 100),
    *line("beyond", 1000, 400, 1300),
    *line("never used", 1000, 0, 800),
    *line("limit cut", 1000, 400, 460, limit_at_default=500),
    *line("some room", 1000, 950, 975),
    *line("hardly room", 1000, "950.01", 980),
    *line("fully drawn", 1000, 1000, 1050),
    *line("over the limit", 1000, 1200, 1100),
    *line("closed", 0, 300, 310),
    *line("nothing", 0, 0, 20),
    *line("young", 1000, 400, 700)[1:],
    # Rows of the months around it are not of the month.
    state("gap", "2022-05-31", 1000, 400),
    state("gap", "2022-07-31", 1000, 400),
    *line("gap", 1000, 400, 700)[1:],
    state("healed", BEFORE, 1000, 400, is_default=True),
    *line("healed", 1000, 400, 700)[1:],
    *line("in default since before", 1000, 400, 700)[2:],
    # Two defaults, of which the first is judged from February.
    state("leap", "2023-02-28", 1000, 400),
    state("leap", "2024-02-29", 1000, 600, is_default=True),
    state("leap", "2024-03-31", 1000, 600),
    state("leap", "2024-04-30", 1000, 600, is_default=True),
    *[state("sound", f"2023-0{month}-28", 1000, 400) for month in (2, 3)],
]


@pytest.fixture(scope="module")
def found(spark):
    made = list_line_defaults(spark.createDataFrame(LINES, STATES), **PARAMETERS)
    assert made.columns == columns_in(LINE_DEFAULT_COLUMNS).names
    return {(row.line_id, str(row.default_month)): row for row in made.collect()}


def test_a_ccf_is_what_was_drawn_of_what_was_undrawn_a_year_before(found):
    unclipped = {key[0]: row.unclipped_ccf for key, row in found.items() if row.basis == "CCF"}
    assert unclipped == pytest.approx(
        {
            "drawn on": 0.5, "paid back": -0.5, "beyond": 1.5, "never used": 0.8, "limit cut": 0.1,
            "some room": 0.5, "leap": 1 / 3,
        },
        abs=1e-12,
    )  # fmt: skip
    assert str(found["leap", "2024-02-29"].reference_month) == "2023-02-28"


def test_within_0_and_1_it_is_another_implementations(found):
    for row in found.values():
        if row.basis == "CCF":
            amounts = (float(x) for x in (row.ead_usd, row.balance_usd, row.limit_usd))
            assert row.realised_ccf == pytest.approx(estimate_ccf(*amounts), abs=1e-12)
        else:
            assert (row.unclipped_ccf, row.realised_ccf) == (None, None)


def test_near_the_limit_there_is_no_ccf(found):
    near = {key[0]: row.undrawn_usd for key, row in found.items() if row.basis == "EAD factor"}
    assert {name: float(undrawn) for name, undrawn in near.items()} == {
        "hardly room": 49.99, "fully drawn": 0, "over the limit": 0, "closed": 0,
    }  # fmt: skip


def test_a_default_that_cannot_be_looked_at_from_before_says_why(found):
    others = {key: row.basis for key, row in found.items() if not row.basis[0].isupper()}
    assert others == {
        ("nothing", DEFAULT): "no limit then",
        ("young", DEFAULT): "no reference",
        ("gap", DEFAULT): "no reference",
        ("healed", DEFAULT): "in default then",
        ("leap", "2024-04-30"): "no reference",
    }
    # Neither a line that never defaults, nor one that is in default from its first row on.
    assert not {"sound", "in default since before"} & {name for name, _ in found}


@pytest.mark.parametrize(
    ("cohort_month", "references"),
    [
        (12, ["2021-12-31", "2022-12-31", "2022-12-31", "2022-12-31"]),
        (6, ["2022-06-30", "2022-06-30", "2022-06-30", "2023-06-30"]),
    ],
)
def test_a_cohort_is_of_the_twelve_months_behind_it(spark, cohort_month, references):
    months = ["2022-12-31", "2023-01-31", "2023-06-30", "2023-12-31"]
    rows = [
        row
        for month in months
        for row in (state(month, "2020-01-31", 1000, 0), state(month, month, 1000, 0, True))
    ]
    parameters = PARAMETERS | {"reference": "cohort", "cohort_month": cohort_month}
    made = list_line_defaults(spark.createDataFrame(rows, STATES), **parameters)
    by_line = {row.line_id: str(row.reference_month) for row in made.collect()}
    assert [by_line[month] for month in months] == references
