"""Which model of the scorecard graph decides, which one watches, and when they change places."""

import pytest

from penstock.errors import ConfigError
from tests.graphs.planned import plan_of
from tests.graphs.small_scorecard import DESCRIPTION, write_table
from tests.released import both_ways

pytestmark = pytest.mark.slow

EASY = (
    "promote: true, min_auc_gain: -1.0, min_profit_gain: -9.0, max_psi: 9.0, "
    "max_miscalibration: 9.0"
)


def test_the_challenger_is_set_beside_the_scorecard_and_waits_as_candidate(scorecard):
    scored, challenged = (
        scorecard.table(name).toPandas().set_index("row_id")
        for name in ("judged_scores", "challenger_judged_scores")
    )
    assert set(challenged.model_version) == {"challenger/1"} and "points" not in challenged
    assert set(challenged.index) == set(scored.index)
    evidence = scorecard.record["evidence"]
    comparison, choice = evidence["comparison"], evidence["champion_choice"]
    for model, report in (("champion", "scorecard_report"), ("challenger", "challenger_report")):
        assert comparison["metrics"][f"{model}_auc"] == pytest.approx(
            evidence[report]["metrics"]["auc"], abs=1e-9
        )
    swaps = comparison["tables"]["swap_set"]
    assert [row[0] for row in swaps["rows"]] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert choice["metrics"] == {"challenger_wins": 0, "challenger_decides": 0}
    assert choice["tables"]["reasons"]["rows"]
    # There was no champion to compare the first one with.
    assert evidence["incumbent_comparison"]["metrics"] == {"incumbents": 0}
    assert (scorecard.folder / "validation-challenger-1.html").exists()
    client = scorecard.mlflow
    aliases = client.get_registered_model("challenger").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"candidate": "1"}
    tags = client.get_model_version("challenger", "1").tags
    assert tags["champion_choice.challenger_wins"] == "0" and "challenger_report.auc" in tags


def test_the_champion_scores_and_the_challenger_watches(scorecard):
    code, record = scorecard.do("score", *scorecard.applications)
    assert code == 0
    scores, shadow = (
        scorecard.table(name).toPandas().set_index("row_id").sort_index()
        for name in ("application_scores", "shadow_scores")
    )
    assert list(scores.index) == list(shadow.index) == ["a", "b", "c"]
    assert scores.pd["a"] < scores.pd["b"] and scores.points["a"] > scores.points["b"]
    assert set(scores.model_version) == {"credit_pd/1"}
    assert set(shadow.model_version) == {"credit_pd_shadow/1"} and shadow.points.isna().all()
    # Who is declined, at five bads' loss to a good's profit, is told why.
    declines = scorecard.table("declines").toPandas().set_index("row_id")
    assert {*declines.index} == {*scores.index[scores.pd > 1 / 6]} and "b" in declines.index
    assert dict(declines.points) == dict(scores.points[declines.index])
    assert set(declines.model_version) == {"credit_pd/1"}
    assert set(declines.explained_by) == {"credit_pd_reasons/1"}
    assert all(1 <= len(reasons) <= 4 for reasons in declines.reasons)
    report = record["evidence"]["shadow_report"]["metrics"]
    assert report["loans"] == 3
    assert report["shadow_mean_pd"] == pytest.approx(shadow.pd.mean(), abs=1e-6)
    [put_aside] = scorecard.table("unscored_quarantine").collect()
    assert "income 'much' is no number" in put_aside.row


def test_skipping_on_and_off_give_the_same_scores_of_applications(scorecard, spark):
    assert scorecard.do("score", *scorecard.applications)[0] == 0
    changes = (
        "--set", "params.compare_shadow.approval_rates=[0.4]",
        "--set", "params.select_declines.explain=all",
    )  # fmt: skip
    words = (*scorecard.options, *scorecard.applications, *changes)
    with_skipping, without = both_ways(spark, scorecard.home, "score", *words)
    assert with_skipping.statuses["present_shadow_scores"] == "skipped"
    told = scorecard.table("declines")
    assert told.count() == scorecard.table("application_scores").count() == 3
    assert with_skipping.tables == without.tables and "shadow_scores" in without.tables
    assert with_skipping.evidence == without.evidence


def test_a_promoted_challenger_decides_and_the_scorecard_watches(scorecard):
    easy = ("--set", f"params.choose_champion={{{EASY}}}")
    code, record = scorecard.do("run", *easy)
    assert code == 0
    # It was compared with the champion that it takes the place of: the scorecard.
    compared, between = (
        record["evidence"][name]["metrics"] for name in ("incumbent_comparison", "comparison")
    )
    assert compared == {"incumbents": 1} | between and between["auc_difference"] != 0
    aliases = scorecard.mlflow.get_registered_model("credit_pd").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2"}

    code, _ = scorecard.do("score", *easy, *scorecard.applications)
    assert code == 0
    scores, shadow = (
        scorecard.table(name).toPandas().set_index("row_id").sort_index()
        for name in ("application_scores", "shadow_scores")
    )
    assert set(scores.model_version) == {"credit_pd/2"} and scores.points.isna().all()
    assert set(shadow.model_version) == {"credit_pd_shadow/2"} and shadow.points.notna().all()
    # Trees decide, and tell why.
    declines = scorecard.table("declines").toPandas().set_index("row_id")
    assert {*declines.index} == {*scores.index[scores.pd > 1 / 6]} and "b" in declines.index
    assert set(declines.explained_by) == {"credit_pd_reasons/2"}
    assert all(1 <= len(reasons) <= 4 for reasons in declines.reasons)

    # Its own champion has moved, and that is no reason to ask once more.
    code, again = scorecard.do("run", *easy)
    assert {node["status"] for node in again["nodes"]} == {"skipped"}


@pytest.mark.parametrize("trainer", ["gbt", "auto"])
def test_a_challenger_whose_declines_nobody_could_explain_is_not_promoted_says_the_plan(
    spark, tmp_path, monkeypatch, trainer
):
    write_table(tmp_path / "loans.csv")
    described = [word for word in DESCRIPTION if word.startswith("params.")]
    settings = (
        *(word for word in described if not word.startswith("params.challenger_pd")),
        f"catalog.raw_table.path={tmp_path / 'loans.csv'}",
        f"params.challenger_pd.trainer={trainer}",
    )
    words = ("--graph", "scorecard", *(word for each in settings for word in ("--set", each)))

    def plan(*others):
        return plan_of(spark, tmp_path / "home", monkeypatch, "plan", *words, *others)

    promoted = ("--set", "params.choose_champion.promote=true")
    with pytest.raises(ConfigError, match="'decline_reasons'.* its trainer may be gbt"):
        plan(*promoted)
    # Without reasons, and as a shadow, it is a model as any other.
    plan(*promoted, "--exclude", "decline_reasons+")
    plan()


def test_a_model_that_is_worse_than_the_champion_does_not_take_its_place(scorecard):
    before = scorecard.mlflow.get_registered_model("credit_pd").aliases
    # Age alone tells nothing of the outcome.
    blind = "params.scorecard_pd={forbidden: [income, purpose], forced: [age], stepwise: none}"
    gate = "params.scorecard_gate={min_auc: 0.1, max_ece: 1.0, min_loans: 1, min_bads: 1}"
    code, failed, not_run = scorecard.stopped("--set", blind, "--set", gate)
    assert (code, failed["name"]) == (4, "champion_gate")
    assert "AUC is worse than that of the model that decides now" in failed["reason"]
    assert "deploy_pd_champion" in not_run
    assert scorecard.mlflow.get_registered_model("credit_pd").aliases == before
