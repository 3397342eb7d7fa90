from penstock.engine.analyst import Analysis
from penstock.engine.made import Made
from penstock.engine.nodes import Fit, Transform
from penstock.engine.plan import PlannedNode


def made_by(table):
    return table


def fitted_by():
    """Return an estimator."""


def planned(node, folds, before):
    parts = {"kind": node.kind, "parameter folds": folds, "input table": "version 9"}
    return PlannedNode(node, "run", "", "", parts, Analysis(), {}, before)


def test_what_a_fit_with_other_parameters_took_is_not_what_it_will_take():
    before = Made("run", "", {"parameter folds": "3", "input table": "version 8"},
                  costs=({"ms": 70}, {"ms": 90}, {"ms": 40}))  # fmt: skip
    fit, transform = Fit(fitted_by, "table", "model"), Transform(made_by, "table", "other")
    assert planned(fit, "3", before).expected == {"ms": 70}
    assert planned(fit, "30", before).expected is None
    assert planned(transform, "30", before).expected == {"ms": 70}
    assert planned(fit, "3", None).expected is None
