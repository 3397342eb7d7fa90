"""What the shipped graphs' functions say of their parameters, held against `conf/`: no Spark."""

import shutil

import pytest

from penstock.errors import ConfigError
from penstock.graphs import assets, credit_lines, lending, scorecard
from penstock.job import prepare_job
from tests.graphs.bound import CONF, bind

CERTAIN = "{name: a, weight: 1, pd_odds: 1, lgd: 1}"
NEXT_DAY = "{reporting_date: 2022-12-31, pd_odds: 1, overlay: 0}"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("read_protected.bands", "{sex: 3}", ".sex is 3; it must be a valid list"),
        ("add_history.ttl_days", "0", " is 0; it must be greater than or equal to 1"),
        ("scorecard_pd.special_codes", "{age: [[1]]}", ".age[0] is [1]; it must be a valid number"),
        ("scorecard_pd.population_bad_rate", "low", " is 'low'; it must be a valid number"),
        ("split_observations.reweigh_by", "[3]", "[0] is 3; it must be a valid string"),
        ("split_observations.test_from", "2020", " is 2020; it must be a valid date"),
        ("validate_scorecard.vintage", "month", " is 'month'; it must be 'year' or 'quarter'"),
        ("validate_scorecard.bins", "1", " is 1; it must be greater than or equal to 2"),
        ("validate_scorecard.decimals", "9", " is 9; it must be less than or equal to 8"),
        ("validate_scorecard.riskiest_share", "1.1", " is 1.1; it must be less than or equal to 1"),
        ("validate_scorecard.grades", "[0.2, 0.1]", " is [0.2, 0.1]; it must rise"),
        ("validate_scorecard.grades", "[0.1, 1.0]", "[1] is 1.0; it must be less than 1"),
        ("validate_scorecard.red", "0.0", " is 0.0; it must be greater than 0"),
        ("audit_scorecard.approval_rate", "70", " is 70; it must be less than 1"),
        ("audit_scorecard.min_ratio", "0", " is 0; it must be greater than 0"),
        ("audit_scorecard.intersections", "[sex]", "[0] is 'sex'; it must be a valid list"),
        ("scorecard_gate.min_auc", "60", " is 60; it must be less than or equal to 1"),
        ("compare_pds.confidence", "95", " is 95; it must be less than 1"),
        ("compare_pds.profit_of_good", "0", " is 0; it must be greater than 0"),
        ("make_offers.rate_cap", "36", " is 36; it must be less than or equal to 1"),
        ("make_offers.price_steps", "[0.0, -0.1]", "[1] is -0.1; it must be greater than or equal"),
        ("make_offers.funding_rate", "0", " is 0; it must be greater than 0"),
        ("add_credit_loss.scenarios", "[]", " is []; List should have at least 1 item"),
        ("add_credit_loss.scenarios", f"[{CERTAIN}, {CERTAIN}]", " is [{'name': 'a', 'weight': 1"),
        ("add_credit_loss.past_due_floors", "[{days: 30, pd: 1.0}]", "[0].pd is 1.0; it must be l"),
        ("common.outlooks", f"[{NEXT_DAY}, {NEXT_DAY}]", " is [{'reporting_date': datetime.date(2"),
        ("add_stage.min_pd_ratio", "0.5", " is 0.5; it must be greater than or equal to 1"),
        (
            "list_candidates.limits",
            "[{name: lent, measure: lent_usd, at_most: -1.0}]",
            "[0].at_most is -1.0; it must be greater than or equal to 0",
        ),
        (
            "list_candidates.limits",
            "[{name: lent, measure: lent_usd, at_most: much}]",
            "[0].at_most is 'much'; it must be a valid number",
        ),
        (
            "list_candidates.limits",
            "[{name: lent, measure: lent_usd, at_most: 1.0, penalty: 0}]",
            "[0].penalty is 0; it must be greater than 0",
        ),
        (
            "list_candidates.limits",
            "[{name: lent, measure: lent_usd, atmost: 1.0}]",
            "[0].atmost is 1.0; there is no such key",
        ),
        ("list_line_defaults.reference", "start", " is 'start'; it must be 'fixed_horizon' or"),
        ("list_line_defaults.min_undrawn_share", "1", " is 1; it must be less than 1"),
        ("add_line_features.utilisation_cap", "0.5", " is 0.5; it must be greater than or equal"),
        ("select_declines.explain", "approved", " is 'approved'; it must be 'declines' or 'all'"),
        ("select_declined.explain", "approved", " is 'approved'; it must be 'declines' or 'all'"),
        ("backtest_policies.resamples", "10", " is 10; it must be greater than or equal to 100"),
        ("compare_shadow.approval_rates", "[0.7, 80]", "[1] is 80; it must be less than 1"),
    ],
)
def test_a_value_beyond_its_limits_is_named_with_its_key(key, value, said):
    with pytest.raises(ConfigError) as refused:
        for graph in (scorecard.GRAPH, lending.GRAPH, credit_lines.GRAPH):
            bind(graph, f"params.{key}={value}")
    assert str(refused.value).startswith(f"--set params.{key}={value}: params.{key}{said}")


WEIGHT, RISE, CAP = "weight: 0.5, ", "min_pd_rise: 0.005", "rate_cap: 0.36"


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (WEIGHT, "", "add_credit_loss.scenarios[0].weight is {'name': 'base', 'pd_odds': 1.0"),
        (WEIGHT, "wieght: 1, ", "add_credit_loss.scenarios[0].weight is {'name': 'base', 'wieght'"),
        (RISE, "min_pd_rise: -0.1", "add_stage.min_pd_rise is -0.1; it must be greater than"),
        (CAP, "rate_cap: 36.0", "make_offers.rate_cap is 36.0; it must be less than or equal to 1"),
        (
            CAP,
            "rate_cap: high",
            "make_offers.rate_cap must be a number, as in conf/base, not 'high'",
        ),
        (
            RISE,
            "min_pd_rsie: 0.1",
            "add_stage.min_pd_rsie: the function of node 'add_stage' has no",
        ),
        # Its key refers to another node's, and that one to the key that says it.
        ("scenarios: 20000", "scenarios: 9", "measure_losses.scenarios is 9; it must be"),
    ],
)
def test_what_a_file_says_wrong_is_refused_by_its_line_before_anything_runs(
    tmp_path, monkeypatch, was, now, said
):
    file = shutil.copytree(CONF, tmp_path / "conf") / "base" / "params.yaml"
    text = file.read_text()
    line = text[: text.index(was)].count("\n") + 1
    monkeypatch.setattr("penstock.job.PROJECT", tmp_path)
    if "as in conf/base" in said:  # which is right, then
        file, line = tmp_path / "conf" / "lendingclub" / "params.yaml", 3
        file.write_text(f"# a comment\nmake_offers:\n  {now}\n")
    else:
        file.write_text(text.replace(was, now))
    with pytest.raises(ConfigError) as refused:
        prepare_job("run", ["--env", "lendingclub"])
    assert str(refused.value).startswith(f"{file}, line {line}: params.{said}")


def test_weights_that_do_not_add_up_are_told_with_their_sum():
    with pytest.raises(ConfigError, match="its weights add up to 2, and must add up to 1"):
        bind(lending.GRAPH, f"params.add_credit_loss.scenarios=[{CERTAIN}, {CERTAIN}]")


@pytest.mark.parametrize("graph", [m.GRAPH for m in (assets, credit_lines, lending, scorecard)])
def test_what_conf_has_is_within_the_limits(graph):
    assert set(bind(graph)) == {node.name for node in graph.nodes}


def test_a_whole_number_is_the_number_it_is():
    assert bind(scorecard.GRAPH, "params.scorecard_pd.ridge=0") == bind(scorecard.GRAPH)
