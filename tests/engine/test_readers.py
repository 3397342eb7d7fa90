"""What a job reads of an earlier one is what is released, whatever else is there."""

import pytest

from penstock.errors import DataError, GateClosed
from penstock.store.releases import NOTHING_RELEASED


def totals_of(loans):
    """Return the part of a graph that makes the totals of the loans that are there."""
    return loans.upto(("totals",), given=("loans",))


def test_a_job_reads_what_is_released_though_a_failed_run_has_written_other_rows(released):
    project, part = released, totals_of(released.graph)
    project.csv.write_text("id,amount\na,10\n")
    project.params["gate"]["at_least"] = 100
    assert isinstance(project.run()[1], GateClosed)
    assert project.catalog.delta("loans").latest_version(project.spark) == 1
    assert project.causes(part) == {}
    record, error = project.run(part, skips=False)
    assert error is None and record.release == 2
    assert {d.name: d.version for d in record.datasets}["loans"] == "0"
    # Of the totals, the failed run has left version 1: 20.
    assert project.current.pins["totals"] == "2" and project.released("totals")[0].total == 6


def test_a_job_reads_what_a_rollback_has_made_current(released):
    project, part = released, totals_of(released.graph)
    project.csv.write_text("id,amount\na,10\n")
    assert project.run()[1] is None and project.released("totals")[0].total == 20
    project.roll_back(1)
    assert project.released("totals")[0].total == 6
    record, error = project.run(part, skips=False)
    assert error is None and record.release == 4
    assert project.current.pins["loans"] == "0" and project.released("totals")[0].total == 6


def test_a_slice_reads_the_release_and_drops_reports_it_makes_untrue(released):
    project = released
    part = totals_of(project.graph)
    record, error = project.run(part, skips=False)
    assert error is None
    pins = project.current.pins
    assert [n.name for n in record.nodes] == ["double", "total"]
    assert "report" not in pins and (pins["loans"], pins["totals"]) == ("0", "1")


def test_a_slice_of_what_was_never_released_says_so(project):
    with pytest.raises(DataError, match="'loans' .* has never been released. Run the job"):
        project.run(totals_of(project.graph))


def test_without_a_release_there_is_none(project):
    assert project.current is NOTHING_RELEASED
