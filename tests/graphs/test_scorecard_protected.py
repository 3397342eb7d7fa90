"""Who sees the protected table of the scorecard graph, and what is made of it."""

import pytest

from penstock.errors import DataError
from tests.graphs.planned import plan_of
from tests.graphs.small_scorecard import DESCRIPTION
from tests.released import do_here

pytestmark = pytest.mark.slow


def test_prepare_and_the_audits_alone_ask_for_the_protected_table(
    scorecard, spark, tmp_path, monkeypatch
):
    """It lies in a folder of its own, which is not there for the other jobs."""
    lines = [line.split(",") for line in scorecard.raw_table.read_text().splitlines()]
    sex = lines[0].index("sex")
    blind, folder, home = tmp_path / "blind.csv", tmp_path / "protected", tmp_path / "state"
    blind.write_text("".join(",".join([*row[:sex], *row[sex + 1 :]]) + "\n" for row in lines))
    elsewhere = f"catalog.protected_table={{kind: delta, external: true, path: {folder}}}"
    raw = f"catalog.raw_table.path={blind}"
    words = (*DESCRIPTION, "--set", raw, "--set", elsewhere)
    people = [(row[0], {"sex": row[sex]}) for row in lines[1:]]
    protected = spark.createDataFrame(people, "row_id STRING, protected MAP<STRING, STRING>")
    protected.coalesce(1).write.format("delta").save(str(folder))
    assert do_here(spark, home, "prepare", *words)[0] == 0

    away = folder.rename(tmp_path / "away")
    assert do_here(spark, home, "train", *words, "--select", "scorecard_pd")[0] == 0
    for job in ("register", "deploy", "score"):
        others = (*scorecard.options, *scorecard.applications, "--set", elsewhere)
        plan_of(spark, scorecard.home, monkeypatch, "plan", job, *others)
    audit = ("evaluate", *words, "--select", "+audit_scorecard")
    with pytest.raises(DataError, match=f"no table at {folder} for 'protected_table'"):
        do_here(spark, home, *audit)

    away.rename(folder)
    code, record = do_here(spark, home, *audit)
    found, told = (of["evidence"]["fairness_report"] for of in (record, scorecard.record))
    assert (code, found) == (0, told) and len(found["tables"]["fairness_sex"]["rows"]) == 2


def test_reweighed_models_are_fitted_from_the_given_table_and_both_audits_show_the_weights(
    scorecard,
):
    by_sex = ("--set", "params.split_observations.reweigh_by=[sex]")
    assert scorecard.do("prepare", *by_sex)[0] == 0
    fitted_on = scorecard.table("development_table").toPandas()
    assert (fitted_on.sample_weight[fitted_on["sample"] == "calibration"] == 1).all()
    assert scorecard.do("train", *by_sex)[0] == 0
    audits = ("--select", "+audit_scorecard +audit_challenger +count_left_out")
    code, record = scorecard.do("evaluate", *by_sex, *audits)
    assert code == 0
    # Whom a row stands for changes nothing of which rows are used.
    assert record["evidence"]["sample_report"] == scorecard.record["evidence"]["sample_report"]
    developed = fitted_on[fitted_on["sample"] == "development"]
    weights = developed.sample_weight.astype(float).unique()
    for report in ("fairness_report", "challenger_fairness"):
        table = record["evidence"][report]["tables"]["reweighing"]
        assert [row[0] for row in table["rows"]] == ["f", "m"]
        shown = [weight for row in table["rows"] for weight in row[3:5]]
        assert sorted(shown) == pytest.approx(sorted(weights), abs=1e-6)
        assert {round(row[5], 9) for row in table["rows"]} == {round(developed.is_bad.mean(), 9)}
