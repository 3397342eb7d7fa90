"""Each job has the options that mean something to it."""

import pytest

from penstock.errors import UsageError
from penstock.options import OPTIONS_OF, parse_options, run_arguments

FREE_WORDS = {"lineage": ["scores.pd"], "replay": ["run-1"]}


def parsed(job, *words):
    return parse_options(job, [*FREE_WORDS.get(job, ()), *words])


@pytest.mark.parametrize(
    ("job", "option"),
    [
        ("describe", "--no-skip"), ("describe", "--quiet"), ("describe", "--save"),
        ("plan", "--plan"), ("lineage", "--select"), ("lineage", "--quiet"),
        ("history", "--as-of"), ("history", "--no-skip"), ("rollback", "--graph"),
        ("replay", "--set"), ("ui", "--json"), ("run", "--mermaid"),
    ],
)  # fmt: skip
def test_an_option_that_means_nothing_to_a_job_is_refused(job, option):
    with pytest.raises(UsageError, match=f"{job}: unrecognized arguments: {option}"):
        parsed(job, option)


def test_every_job_knows_the_value_of_every_option():
    values = {job: vars(parsed(job)) for job in (*OPTIONS_OF, "run", "score")}
    assert {frozenset(of_a_job) for of_a_job in values.values()} == {frozenset(values["run"])}
    assert {job: of_a_job["job"] for job, of_a_job in values.items()} == {
        "plan": "run", "describe": "run", "lineage": "", "history": "", "rollback": "",
        "replay": "", "ui": "", "run": "run", "score": "score",
    }  # fmt: skip


def test_the_arguments_of_a_plan_are_those_it_was_asked_for():
    words = ["--as-of", "2025-07-01", "--select", "+scores", "--set", "a=1", "--set", "b=2"]
    given = run_arguments(parsed("plan", *words, "--no-skip", "--quiet"))
    assert given == ["--graph", "lending", "--env", "local", *words, "--no-skip"]


def test_history_is_of_all_graphs_unless_one_is_named():
    assert parsed("history").only_graph is None
    assert parsed("history", "--graph", "lending").only_graph == "lending"
    with pytest.raises(UsageError, match="no graph 'lendin'.*Did you mean 'lending'"):
        parsed("history", "--graph", "lendin")
