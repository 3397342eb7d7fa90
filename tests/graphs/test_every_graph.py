"""What holds for every shipped graph; `lending` and `scorecard` have tests of their own for it."""

import pytest

from penstock.graphs import GRAPHS

pytestmark = pytest.mark.slow

FEW = {
    "assets": ("--set", "catalog.month_numbers.rows=60"),
    "credit_lines": (
        "--set", "catalog.line_numbers.rows=2000",
        "--set", "params.ccf_gate={min_skill: -1.0, max_error_of_mean: 1.0, min_defaults: 5}",
    ),
}  # fmt: skip
OTHERWISE = {
    "assets": ("--set", "params.optimise_assets.frontier_points=3"),
    "credit_lines": ("--set", "params.fractional_ccf.regularisation=0.5"),
}


@pytest.mark.parametrize("graph", sorted({*GRAPHS} - {"lending", "scorecard"}))
def test_skipping_on_and_off_give_the_same_tables_and_reports(spark, tmp_path, graph):
    from tests.released import both_ways, do_here, left_open

    words = ("--graph", graph, *FEW[graph])
    assert do_here(spark, tmp_path, "run", *words, *OTHERWISE[graph])[0] == 0
    with_skipping, without = both_ways(spark, tmp_path, "run", *words)
    assert {"skipped", "done"} <= {*with_skipping.statuses.values()}
    assert with_skipping.tables == without.tables and without.tables
    assert with_skipping.evidence == without.evidence
    assert left_open(spark, tmp_path, graph) == []
