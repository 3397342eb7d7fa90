"""Credit lines: from balances by month to the exposure at default of the book, on a page.

Where the lines lie stands in `conf/<env>/catalog.yaml` under `raw_line_months`, the numbers in
`params.yaml` under the names of the functions.
"""

from penstock.engine.contract import Contract
from penstock.engine.graph import Graph, Slice
from penstock.engine.nodes import Apply, Deploy, Fit, Gate, Measure, Transform
from penstock.learn.fractional.explain import explain_fractional
from penstock.learn.fractional.models import fractional_ccf
from penstock.lending.lines import checks
from penstock.lending.lines.exposure import add_exposure, list_open_lines, present_exposures
from penstock.lending.lines.features import add_line_features
from penstock.lending.lines.reading import read_line_months
from penstock.lending.lines.realised_ccf import list_line_defaults
from penstock.lending.lines.samples import split_line_defaults
from penstock.measure.conversion import LINE_DEFAULT_COLUMNS, report_conversion
from penstock.measure.ead_evaluation import CCF_COLUMNS, JUDGED_COLUMNS, evaluate_ead
from penstock.measure.gate import ccf_gate
from penstock.measure.line_exposures import LINE_EXPOSURE_COLUMNS, report_line_exposures
from penstock.measure.ratio_evaluation import (
    REALISED_CCF_COLUMNS,
    SCORED_CCF_COLUMNS,
    evaluate_ccf,
)
from penstock.synthetic.lines import generate_line_months

DEFAULTS = (
    # Where the catalog names a file for raw_line_months, this node is cut.
    Transform(generate_line_months, "line_numbers", ("raw_line_months", "true_conversion")),
    Transform(read_line_months, "raw_line_months", "line_months"),
    Transform(add_line_features, "line_months", "line_features"),
    Transform(list_line_defaults, "line_features", "line_defaults"),
    Measure(
        report_conversion,
        "line_defaults",
        "conversion_report",
        reads={"line_defaults": LINE_DEFAULT_COLUMNS},
    ),
)

TRAINING = (
    Transform(split_line_defaults, "line_defaults", ("ccf_train", "drawn_train", "line_test")),
    Fit(fractional_ccf, "ccf_train", "ccf_model"),
    Apply("ccf_model", "line_test", "line_test_scores"),
    Measure(
        evaluate_ccf,
        ("line_test_scores", "ccf_train"),
        "ccf_report",
        reads={"line_test_scores": SCORED_CCF_COLUMNS, "ccf_train": REALISED_CCF_COLUMNS},
    ),
    Measure(explain_fractional, "ccf_model", "ccf_coefficients", name="explain_ccf"),
    Transform(
        add_exposure,
        ("line_test_scores", "drawn_train"),
        "judged_exposures",
        name="add_exposure_to_test",
    ),
    Measure(
        evaluate_ead,
        ("judged_exposures", "ccf_train"),
        "ead_report",
        reads={"judged_exposures": JUDGED_COLUMNS, "ccf_train": CCF_COLUMNS},
    ),
    Deploy("ccf_model", "ccf_candidate", after=("ccf_report", "ead_report")),
    Gate(ccf_gate, "ccf_report", "ccf_verdict"),
    Deploy("ccf_candidate", "ccf_champion", after="ccf_verdict"),
)

BOOK = (
    Transform(list_open_lines, "line_features", "open_lines"),
    Apply("ccf_champion", "open_lines", "open_lines_with_ccf"),
    Transform(add_exposure, ("open_lines_with_ccf", "drawn_train"), "exposed_lines"),
    Transform(present_exposures, "exposed_lines", "line_exposures"),
    Measure(
        report_line_exposures,
        "line_exposures",
        "line_exposure_report",
        reads={"line_exposures": LINE_EXPOSURE_COLUMNS},
    ),
)

_OF_DEFAULTS = Contract(checks.LINE_DEFAULT_COLUMNS, key=("line_id", "default_month"), min_rows=1)

GRAPH = Graph(
    "credit_lines",
    (*DEFAULTS, *TRAINING, *BOOK),
    contracts={
        "raw_line_months": Contract(checks.RAW_LINE_COLUMNS, is_open=True),
        "line_months": Contract(
            checks.LINE_MONTH_COLUMNS,
            key=("line_id", "month"),
            checks=checks.LINE_MONTH_CHECKS,
            quarantine="line_months_quarantine",
            min_rows=1,
        ),
        "line_features": Contract(checks.LINE_FEATURE_COLUMNS, key=("line_id", "month")),
        "line_defaults": _OF_DEFAULTS,
        "ccf_train": _OF_DEFAULTS,
        "drawn_train": Contract(checks.LINE_DEFAULT_COLUMNS, key=("line_id", "default_month")),
        "line_test": _OF_DEFAULTS,
        "line_exposures": Contract(
            checks.LINE_EXPOSURE_COLUMNS,
            key=("line_id", "reporting_date"),
            checks=checks.LINE_EXPOSURE_CHECKS,
            min_rows=1,
        ),
    },
    jobs={
        "train": Slice(("conversion_report", "ccf_coefficients", "ead_report", "ccf_champion")),
        "assess": Slice(("line_exposure_report",), given=("ccf_champion", "drawn_train")),
    },
)
