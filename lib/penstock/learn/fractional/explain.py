"""What a fitted fractional logit has learnt, as evidence."""

from pyspark.ml import PipelineModel

from penstock.evidence import Evidence, Figure, Series, Table
from penstock.learn.fractional.design import NumberTerms
from penstock.learn.fractional.scoring import FractionalModel, FractionalPart
from penstock.learn.stages import stage_of

POINTS = 25


def explain_fractional(model: PipelineModel) -> Evidence:
    """Return the coefficients of a fitted `FractionalRegression`, and the curves of its numbers.

    Returns:
        Tables coefficients (one row per part and term: the change of the log-odds by one unit of
        the term) and curves (one row per part and number: what it adds to the log-odds at the
        least, the median and the greatest value of the fit, against the median); a figure for
        each part and number, `curve_<part>_<feature>`.
    """
    fitted = stage_of(model, FractionalModel)
    ratio = fitted.getOutputCol().upper()
    design = fitted.fitted_design
    rows: list[tuple[str, str, str, float]] = []
    curves, figures = [], {}
    for part in fitted.fitted_parts:
        named = list(zip(design.slots, part.coefficients, strict=True))
        rows.append((part.name, "(intercept)", "", part.intercept))
        rows += [(part.name, *slot, b) for slot, b in named if b != 0]
        for number in design.numbers:
            coefficients = [b for (feature, _), b in named if feature == number.name]
            at = [number.low, number.fill, number.high]
            curves.append((part.name, number.name, *at, *_against_median(number, coefficients, at)))
            figures[f"curve_{part.name}_{number.name}"] = _curve(part, number, coefficients, ratio)
    return Evidence(
        metrics={},
        tables={
            "coefficients": Table(
                "Coefficients", ("part", "feature", "term", "coefficient"), tuple(rows)
            ),
            "curves": Table(
                f"Log-odds of {ratio} by value, against the median",
                ("part", "feature", "least", "median", "greatest", "at_least", "at_median",
                 "at_greatest"),
                tuple(curves),
            ),
        },
        figures=figures,
    )  # fmt: skip


def _against_median(
    number: NumberTerms, coefficients: list[float], values: list[float]
) -> list[float]:
    at_median = number.curve(number.fill, coefficients)
    return [number.curve(value, coefficients) - at_median for value in values]


def _curve(
    part: FractionalPart, number: NumberTerms, coefficients: list[float], ratio: str
) -> Figure:
    step = (number.high - number.low) / (POINTS - 1)
    values = [number.low + step * n for n in range(POINTS)]
    return Figure(
        f"{number.name}: {part.name}",
        number.name,
        "log-odds against the median",
        (Series("", tuple(values), tuple(_against_median(number, coefficients, values))),),
        f"Where the line is higher, the model expects a greater {ratio}.",
    )
