import copy
import json

import numpy as np
import pytest

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.measure.counts import ScoreCounts
from penstock.measure.validation import validation_of
from penstock.report.validation_page import LIMITS, OUTCOMES, PURPOSE, SAMPLES, validation_page
from tests.report.pages import HOSTILE, Page


def scored(seed, quarter):
    random = np.random.default_rng(seed)
    pds = random.beta(2, 8, 400).round(3)
    counts = ScoreCounts.of(pds, random.random(400) < pds)
    return ScoreCounts(
        counts.score, counts.n_good, counts.n_bad, np.full(len(counts.score), quarter)
    )


def validation(purpose="Instalment loans", known_limits=("No declines.",)):
    return validation_of(
        scored(1, "2020Q1"), scored(2, "2019Q1"), bins=5, decimals=3, riskiest_share=0.2,
        grades=[0.1, 0.2], amber=0.99999, red=0.9999, purpose=purpose, owner="Risk",
        known_limits=known_limits, population_bad_rate=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def document():
    bars = Figure("Bins of age", "age", "share", (Series("share", ("18 to 30",), (1.0,), "bars"),))
    card = Table("Scorecard", ("variable", "points"), (("age", 31),))
    bins = Table("Bins of age", ("bin",), (("18 to 30",),))
    page = Evidence({"variables_used": 1.0}, {"scorecard": card, "bins": bins}, {"bins": bars})
    reasons = Table("Why the gate is closed", ("reason",), (("AUC 0.61 is below 0.70",),))
    return {
        "model": "cards", "version": "7", "run_id": "20260331T081502-3f9a", "graph": "scorecard",
        "env": "local", "as_of": "2026-03-31", "command": "./spark-submit.sh run",
        "git_commit": "c0ffee" * 6, "git_dirty": True, "links": {"MLflow run": "http://mlflow/7"},
        "validated_at": "2026-03-31T08:15:02+00:00", "fitted_by": "scorecard_pd",
        "validation": "report", "data": [], "gates": ["verdict"], "passed": False,
        "datasets": [{"name": "raw_table", "role": "source", "kind": "csv", "version": "sha256:9f",
                      "location": "data/loans.csv"}],
        "params": {"scorecard_pd": {"folds": 5, "forced": ["age"]}},
        "versions": {"pyspark": "4.2.0"},
        "evidence": {
            "page": page.to_json(),
            "report": validation().to_json(),
            "verdict": Evidence({"passed": 0.0}, {"reasons": reasons}).to_json(),
        },
    }  # fmt: skip


def test_how_a_challenger_was_chosen_and_what_it_leaves_out_is_not_folded_away(document):
    told = {name: Table(f"Of {name}", ("x",), (("y",),)) for name in ("left_out", "trainers")}
    changed = copy.deepcopy(document)
    changed["evidence"]["page"] = Evidence({}, told).to_json()
    page = validation_page(changed)
    assert "Of left_out" in page and "Of trainers" in page
    assert "More tables and figures" not in page


def test_each_metric_table_and_figure_of_a_validation_has_one_place_on_the_page():
    made, parts = validation(), [PURPOSE, SAMPLES, *OUTCOMES.values(), LIMITS]
    for kind in ("metrics", "tables", "figures"):
        shown = [name for part in parts for name in getattr(part.of(made), kind)]
        assert sorted(shown) == sorted(getattr(made, kind))


def test_the_page_needs_nothing_from_elsewhere_and_has_a_committee_s_sections(document):
    page = Page(validation_page(document))
    text = " ".join(page.text)
    assert [value for tag, value in page.addresses() if not value.startswith("#")] == []
    for section in ("Purpose and scope", "Data", "Method", "Outcomes analysis", "Discrimination",
                    "Calibration", "Stability", "Limits", "Model card"):  # fmt: skip
        assert section in text
    for fact in ("cards", "gate refused", "AUC 0.61 is below 0.70", "Instalment loans", "Risk",
                 "No declines.", "20260331T081502-3f9a", "c0ffee" * 6, "sha256:9f", "folds",
                 '["age"]', "Bins of age"):  # fmt: skip
        assert fact in text
    assert page.elements.count("svg") == 9 + 1


def test_the_fairness_audit_is_an_outcome(document):
    table = Table("Fairness by sex, beside m", ("group", "light"), (("f", "red"),))
    audit = Evidence({"red_groups": 1.0}, {"fairness_sex": table}).to_json()
    page = validation_page(document | {"evidence": {**document["evidence"], "audit": audit}})
    outcomes, limits = page.index("4 Outcomes analysis"), page.index("5 Limits")
    assert outcomes < page.index("<h3>Fairness</h3>") < page.index("Fairness by sex") < limits
    assert page.count("Fairness by sex") == 1


def test_rows_left_out_are_told_of_the_data(document):
    lines = (("left out", "no outcome", 12), ("left out", "without a day", 3))
    table = Table("Rows by use", ("use", "cause", "rows"), lines)
    counted = Evidence({"left_out": 15.0}, {"rows_by_use": table}).to_json()
    evidence = document["evidence"] | {"sample_report": counted}
    page = validation_page(document | {"evidence": evidence, "data": ["sample_report"]})
    data, method = page.index("2 Data"), page.index("3 Method")
    assert data < page.index("Rows by use") < page.index("without a day") < method
    assert page.count("Rows by use") == 1 and "sample_report" not in page


def test_the_stability_of_characteristics_is_an_outcome(document):
    table = Table("Characteristic stability", ("variable", "CSI"), (("age", 0.31),))
    bars = Figure("CSI", "characteristic", "CSI", (Series("CSI", ("age",), (0.31,), "bars"),))
    shifts = Evidence({"shifted_variables": 1.0}, {"csi": table}, {"csi": bars}).to_json()
    page = validation_page(document | {"evidence": {**document["evidence"], "judged": shifts}})
    stability, limits = page.index("<h3>Stability</h3>"), page.index("5 Limits")
    assert stability < page.index("Characteristic stability") < limits
    assert page.count("Characteristic stability") == 1 and "shifted variables" in page
    assert page.count("<svg") == 9 + 1 + 1


def test_the_light_of_a_grade_is_coloured(document):
    assert '<span class="chip bad">red</span>' in validation_page(document)


def test_equal_documents_give_equal_bytes(document):
    assert validation_page(document) == validation_page(json.loads(json.dumps(document)))


@pytest.mark.parametrize(("passed", "said"), [(True, "gate passed"), (None, "no gate")])
def test_the_verdict_stands_beside_the_name(document, passed, said):
    page = validation_page(document | {"passed": passed, "gates": [], "fitted_by": None})
    assert said in page and "fitted by an earlier run" in page


def test_hostile_texts_stay_text(document):
    hostile = copy.deepcopy(document)
    texts = ("model", "version", "run_id", "graph", "env", "as_of", "command", "git_commit",
             "fitted_by")  # fmt: skip
    hostile |= dict.fromkeys(texts, HOSTILE) | {"links": {HOSTILE: HOSTILE}}
    hostile["params"] = {HOSTILE: {HOSTILE: [HOSTILE]}}
    hostile["datasets"] = [dict.fromkeys(document["datasets"][0], HOSTILE)]
    hostile["versions"] = {HOSTILE: HOSTILE}
    hostile["evidence"]["report"] = validation(HOSTILE, (HOSTILE,)).to_json()
    light = Table(HOSTILE, ("light", HOSTILE), ((HOSTILE, HOSTILE),))
    hostile["evidence"][HOSTILE] = Evidence({HOSTILE: 1.0}, {HOSTILE: light}).to_json()
    page = Page(validation_page(hostile))
    assert not {"script", "img"} & set(page.elements)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
