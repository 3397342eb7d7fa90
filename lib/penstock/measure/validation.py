"""Validation of a PD model: what those who answer for it read before it may decide.

Sets the loans the model was made on beside those it is judged by. Measures of the judged loans
alone are `evaluation.py`'s and part of it; the page is drawn by `report`.
"""

from collections.abc import Sequence
from statistics import NormalDist

from pyspark.sql import DataFrame

from penstock.errors import ConfigError
from penstock.evidence import Evidence, Figure, Table
from penstock.measure import calibration, discrimination, figures, stability
from penstock.measure.calibration_line import CalibrationLine, calibration_line
from penstock.measure.counts import UNKNOWN_GROUP, ScoreCounts
from penstock.measure.evaluation import (
    CONFIDENCE,
    check_resolution,
    count_by_vintage,
    evidence_of,
)
from penstock.measure.grades import check_limits, grade_by_pd, jeffreys_by_grade
from penstock.measure.populations import Population, loans_in_bins, quantile_edges

DEVELOPMENT, JUDGED = "development", "judged"
H_SHAPE = 2.0  # of the costs' distribution: samples of any bad rate are compared by the same costs


def validate_pd(
    judged: DataFrame,
    development: DataFrame,
    *,
    date: str,
    vintage: str,
    bins: int,
    decimals: int,
    riskiest_share: float,
    grades: list[float],
    amber: float,
    red: float,
    purpose: str,
    owner: str,
    known_limits: list[str],
) -> Evidence:
    """Validate a PD model: discrimination, calibration and stability, and what limits them.

    Runs one Spark query on each table, whose result is bounded as `count_by_score` says.

    Grain: one row per loan.

    Args:
        judged: Loans the model has not seen: `pd` (0-1), `is_bad` (0 or 1) and the column `date`.
        development: Loans it was fitted and calibrated on, with the same columns.
        date, vintage, bins, decimals: As in `evaluate_pd`.
        riskiest_share, grades, amber, red, purpose, owner, known_limits: As in `validation_of`.

    Returns:
        The evidence of `validation_of`.

    Raises:
        ConfigError: A parameter is out of its range.
        DataError: A table has no rows, or rows that cannot be measured.
    """
    check_resolution(bins, decimals)
    _check_lights(amber, red)
    check_limits(grades)
    counted = [
        count_by_vintage(scored, date=date, vintage=vintage, decimals=decimals)
        for scored in (judged, development)
    ]
    return validation_of(
        *counted,
        bins=bins,
        decimals=decimals,
        riskiest_share=riskiest_share,
        grades=grades,
        amber=amber,
        red=red,
        purpose=purpose,
        owner=owner,
        known_limits=known_limits,
    )


def validation_of(
    judged: ScoreCounts,
    development: ScoreCounts,
    *,
    bins: int,
    decimals: int,
    riskiest_share: float,
    grades: Sequence[float],
    amber: float,
    red: float,
    purpose: str,
    owner: str,
    known_limits: Sequence[str],
) -> Evidence:
    """Return the validation of a PD model from counts by PD, grouped by vintage.

    Args:
        judged: Counts of the loans the model is judged by.
        development: Counts of those it was made on.
        bins: Bins of equally many loans, for calibration and, cut on development, for PSI.
        decimals: Decimals that PDs were rounded to.
        riskiest_share: Share of loans that the partial Gini looks at, above 0 and up to 1.
        grades: Upper PD limits of the rating grades, rising, in 0-1; a last grade lies above.
        amber, red: p-values of the Jeffreys test below which a grade's light is amber or red.
        purpose, owner: What the model is for, and who answers for it, as texts.
        known_limits: Limits that no count shows, as sentences.

    Returns:
        All that `evaluate_pd` returns of the judged loans, and: metrics development_auc, auc_drop,
        partial_gini, h_measure, calibration_slope and calibration_intercept (each with _low and
        _high, 95 %), hosmer_lemeshow_p, red_grades, amber_grades, psi, psi_by_chance,
        gini_stability; tables purpose, samples, discrimination, brier, grades, stability, limits;
        figures lift, populations, psi. What is undefined is None, a figure of it left out.
    """
    ranked = {DEVELOPMENT: development.total(), JUDGED: judged.total()}
    measured = evidence_of(judged, bins=bins)
    parts = (
        measured,
        _discrimination(ranked, share=riskiest_share),
        _calibration(ranked, bins=bins, decimals=decimals, grades=grades, amber=amber, red=red),
        _stability(judged, ranked, bins=bins),
    )
    metrics = {name: value for part in parts for name, value in part.metrics.items()}
    limits = (*_found_limits(judged, development, metrics), *known_limits)
    told = {
        "purpose": Table("Purpose", ("what", "statement"), (("purpose", purpose), ("owner", owner))),
        "samples": _sample_table(ranked),
        "limits": Table("Limits", ("limit",), tuple((limit,) for limit in limits)),
    }
    return Evidence(
        metrics,
        told | {name: table for part in parts for name, table in part.tables.items()},
        {name: figure for part in parts for name, figure in part.figures.items()},
    )


def _check_lights(amber: float, red: float) -> None:
    if not 0 < red < amber < 1:
        raise ConfigError(f"0 < red < amber < 1 must hold, not red {red} and amber {amber}.")


def _sample_table(samples: dict[str, ScoreCounts]) -> Table:
    rows = (
        (name, c.loans, c.bads, calibration.bad_rate(c), calibration.mean_pd(c))
        for name, c in samples.items()
    )
    return Table("Samples", ("sample", "loans", "bads", "bad_rate", "mean_pd"), tuple(rows))


def _discrimination(samples: dict[str, ScoreCounts], *, share: float) -> Evidence:
    rows = {name: _ranking(counts, share) for name, counts in samples.items()}
    judged, on_development = rows[JUDGED], rows[DEVELOPMENT][0]
    has_both = judged[0] is not None and on_development is not None
    lift = figures.lift_figure(discrimination.lift_by_decile(samples[JUDGED]))
    return Evidence(
        metrics={
            "development_auc": on_development,
            "auc_drop": on_development - judged[0] if has_both else None,
            "partial_gini": judged[5],
            "h_measure": judged[6],
        },
        tables={
            "discrimination": Table(
                f"Discrimination; partial Gini over the riskiest {share:.0%}",
                ("sample", "auc", "auc_low", "auc_high", "gini", "ks", "partial_gini", "h_measure"),
                tuple((name, *row) for name, row in rows.items()),
            )
        },
        figures={"lift": lift} if lift else {},
    )


def _ranking(counts: ScoreCounts, share: float) -> tuple[float | None, ...]:
    interval = discrimination.auc_interval(counts, level=CONFIDENCE) or (None, None)
    return (
        discrimination.auc(counts),
        *interval,
        discrimination.gini(counts),
        discrimination.ks(counts),
        discrimination.partial_gini(counts, share=share),
        discrimination.h_measure(counts, alpha=H_SHAPE, beta=H_SHAPE),
    )


def _calibration(
    samples: dict[str, ScoreCounts],
    *,
    bins: int,
    decimals: int,
    grades: Sequence[float],
    amber: float,
    red: float,
) -> Evidence:
    counts = samples[JUDGED]
    # A PD that was rounded to 0 is below half a step.
    line = calibration_line(counts, floor=0.5 * 10.0**-decimals)
    tested = calibration.hosmer_lemeshow(counts, bins=bins, estimated=0)
    graded = jeffreys_by_grade(grade_by_pd(counts, grades))
    lights = [_light(grade.jeffreys, amber, red) for grade in graded]
    return Evidence(
        metrics={
            **_line_metrics(line),
            "hosmer_lemeshow_p": tested.p_value if tested else None,
            "red_grades": float(lights.count("red")),
            "amber_grades": float(lights.count("amber")),
        },
        tables={
            "brier": _brier_table(samples, bins=bins),
            "grades": Table(
                f"Grades: amber below a Jeffreys p-value of {amber:g}, red below {red:g}",
                ("grade", "loans", "bads", "mean_pd", "bad_rate", "jeffreys_p", "binomial_p", "light"),
                tuple(
                    (g.grade, g.loans, g.bads, g.pd, g.bad_rate, g.jeffreys, g.binomial, light)
                    for g, light in zip(graded, lights, strict=True)
                ),
            ),
        },
    )  # fmt: skip


def _line_metrics(line: CalibrationLine | None) -> dict[str, float | None]:
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    found: dict[str, float | None] = {}
    for name in ("slope", "intercept"):
        value = getattr(line, name) if line else None
        half = z * getattr(line, f"{name}_error") if line else None
        found[f"calibration_{name}"] = value
        found[f"calibration_{name}_low"] = value - half if line else None
        found[f"calibration_{name}_high"] = value + half if line else None
    return found


def _light(p_value: float, amber: float, red: float) -> str:
    if p_value < red:
        return "red"
    return "amber" if p_value < amber else "green"


def _brier_table(samples: dict[str, ScoreCounts], *, bins: int) -> Table:
    rows = []
    for name, counts in samples.items():
        parts = calibration.brier_decomposition(counts, bins=bins)
        within = parts.within_variance - parts.within_covariance
        ece = calibration.ece(counts, bins=bins)
        rows.append(
            (name, calibration.brier(counts), parts.reliability, parts.resolution,
             parts.uncertainty, within, ece)
        )  # fmt: skip
    return Table(
        "Brier score = reliability - resolution + uncertainty + within bins",
        ("sample", "brier", "reliability", "resolution", "uncertainty", "within_bins", "ece"),
        tuple(rows),
    )


def _stability(judged: ScoreCounts, samples: dict[str, ScoreCounts], *, bins: int) -> Evidence:
    before = _population(samples[DEVELOPMENT])
    edges = quantile_edges(before, bins=bins)
    expected = loans_in_bins(before, edges)
    periods = {JUDGED: samples[JUDGED]} | judged.by_group()
    shifts = {
        name: stability.shift(
            expected, loans_in_bins(_population(counts), edges), confidence=CONFIDENCE
        )
        for name, counts in periods.items()
    }
    ginis = [
        gini
        for name, counts in periods.items()
        if name not in (JUDGED, UNKNOWN_GROUP)
        and (gini := discrimination.gini(counts)) is not None
    ]
    overall = shifts[JUDGED]
    return Evidence(
        metrics={
            "psi": overall.psi if overall else None,
            "psi_by_chance": overall.threshold if overall else None,
            "gini_stability": stability.gini_stability(ginis)
            if len(ginis) >= stability.FEWEST_PERIODS
            else None,
        },
        tables={"stability": _stability_table(periods, shifts)},
        figures=_stability_figures(samples, shifts),
    )


def _stability_table(
    periods: dict[str, ScoreCounts], shifts: dict[str, stability.Shift | None]
) -> Table:
    rows = []
    for name, counts in periods.items():
        shift = shifts[name]
        told = (
            (shift.psi, shift.band, shift.threshold, shift.is_beyond_chance)
            if shift
            else (None, None, None, None)
        )
        expected_auc = stability.estimated_auc(_population(counts))
        rows.append((name, counts.loans, *told, discrimination.auc(counts), expected_auc))
    return Table(
        "Stability against development; expected AUC if the PDs are right",
        ("period", "loans", "psi", "band", "psi_by_chance", "beyond_chance", "auc", "expected_auc"),
        tuple(rows),
    )


def _stability_figures(
    samples: dict[str, ScoreCounts], shifts: dict[str, stability.Shift | None]
) -> dict[str, Figure]:
    drawn = {"populations": figures.population_figure(samples)}
    dated = [
        (name, shift)
        for name, shift in shifts.items()
        if shift and name not in (JUDGED, UNKNOWN_GROUP)
    ]
    return drawn | ({"psi": figures.psi_figure(dated)} if dated else {})


def _population(counts: ScoreCounts) -> Population:
    return Population(counts.score, counts.n)


def _found_limits(
    judged: ScoreCounts, development: ScoreCounts, metrics: dict[str, float | None]
) -> list[str]:
    ...
