"""Samples side by side: how the loans a model was made on differ from those it is judged by.

Each function takes the counts of both samples and returns one part of `validation.py`'s evidence.
"""

from collections.abc import Mapping

from penstock.evidence import Evidence, Table
from penstock.measure import calibration, discrimination, figures, stability
from penstock.measure.calibration_line import CalibrationLine, calibration_line
from penstock.measure.counts import UNKNOWN_GROUP, ScoreCounts
from penstock.measure.grades import jeffreys_by_grade
from penstock.measure.intervals import CONFIDENCE, critical_value
from penstock.measure.populations import Population, loans_in_bins, quantile_edges

DEVELOPMENT, JUDGED = "development", "judged"
H_SHAPE = 2.0  # of the costs' distribution: samples of any bad rate are compared by the same costs
GRADE_COLUMNS = (
    "grade", "loans", "bads", "mean_pd", "bad_rate", "jeffreys_p", "binomial_p", "light"
)  # fmt: skip

Samples = Mapping[str, ScoreCounts]
"""Counts by PD of the samples "development" and "judged"."""

Shifts = Mapping[str, stability.Shift | None]
"""Period of the judged loans to its shift; None where it is undefined."""


def sample_table(samples: Samples) -> Table:
    """Return the size and the bad rate of both samples."""
    rows = (
        (name, c.loans, c.bads, calibration.bad_rate(c), calibration.mean_pd(c))
        for name, c in samples.items()
    )
    return Table("Samples", ("sample", "loans", "bads", "bad_rate", "mean_pd"), tuple(rows))


def discrimination_evidence(samples: Samples, *, share: float) -> Evidence:
    """Return how well the PDs rank, sample by sample; `share` is the partial Gini's, 0-1."""
    ranked = {name: _ranking(counts, share) for name, counts in samples.items()}
    judged, before, now = ranked[JUDGED], ranked[DEVELOPMENT]["auc"], ranked[JUDGED]["auc"]
    lift = figures.lift_figure(discrimination.lift_by_decile(samples[JUDGED]))
    return Evidence(
        metrics={
            "development_auc": before,
            "auc_drop": None if before is None or now is None else before - now,
            "partial_gini": judged["partial_gini"],
            "h_measure": judged["h_measure"],
        },
        tables={
            "discrimination": Table(
                f"Discrimination; partial Gini over the riskiest {share:.0%}",
                ("sample", *judged),
                tuple((name, *measures.values()) for name, measures in ranked.items()),
            )
        },
        figures={"lift": lift} if lift else {},
    )


def _ranking(counts: ScoreCounts, share: float) -> dict[str, float | None]:
    low, high = discrimination.auc_interval(counts, level=CONFIDENCE) or (None, None)
    return {
        "auc": discrimination.auc(counts),
        "auc_low": low,
        "auc_high": high,
        "gini": discrimination.gini(counts),
        "ks": discrimination.ks(counts),
        "partial_gini": discrimination.partial_gini(counts, share=share),
        "h_measure": discrimination.h_measure(counts, alpha=H_SHAPE, beta=H_SHAPE),
    }


def calibration_evidence(
    samples: Samples,
    graded: ScoreCounts,
    *,
    bins: int,
    decimals: int,
    amber: float,
    red: float,
) -> Evidence:
    """Return whether the judged loans default as often as their PDs say, and grade by grade.

    Args:
        graded: The judged loans, grouped by grade.
        bins, decimals, amber, red: As in `validation_of`.
    """
    counts = samples[JUDGED]
    # A PD that was rounded to 0 is below half a step.
    line = calibration_line(counts, floor=0.5 * 10.0**-decimals)
    tested = calibration.hosmer_lemeshow(counts, bins=bins, estimated=0)
    by_grade = jeffreys_by_grade(graded)
    lights = [_light(grade.jeffreys, amber, red) for grade in by_grade]
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
                GRADE_COLUMNS,
                tuple(
                    (g.grade, g.loans, g.bads, g.pd, g.bad_rate, g.jeffreys, g.binomial, light)
                    for g, light in zip(by_grade, lights, strict=True)
                ),
            ),
        },
    )


def _line_metrics(line: CalibrationLine | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in ("slope", "intercept"):
        value = low = high = None
        if line:
            value = getattr(line, name)
            half = critical_value(CONFIDENCE) * getattr(line, f"{name}_error")
            low, high = value - half, value + half
        found[f"calibration_{name}"] = value
        found[f"calibration_{name}_low"], found[f"calibration_{name}_high"] = low, high
    return found


def _light(p_value: float, amber: float, red: float) -> str:
    if p_value < red:
        return "red"
    return "amber" if p_value < amber else "green"


def _brier_table(samples: Samples, *, bins: int) -> Table:
    rows = []
    for name, counts in samples.items():
        score, ece = calibration.brier(counts), calibration.ece(counts, bins=bins)
        parts = calibration.brier_decomposition(counts, bins=bins)
        within = parts.within_variance - parts.within_covariance
        rows.append(
            (name, score, parts.reliability, parts.resolution, parts.uncertainty, within, ece)
        )
    return Table(
        "Brier score = reliability - resolution + uncertainty + within bins",
        ("sample", "brier", "reliability", "resolution", "uncertainty", "within_bins", "ece"),
        tuple(rows),
    )


def stability_evidence(judged: ScoreCounts, samples: Samples, *, bins: int) -> Evidence:
    """Return how far the judged loans, and each vintage of them, lie from development.

    Args:
        judged: Counts of the judged loans, grouped by vintage.
        samples: Counts of both samples; bins are cut on development.
        bins: Bins of equally many loans of development.
    """
    before = _population(samples[DEVELOPMENT])
    edges = quantile_edges(before, bins=bins)
    expected = loans_in_bins(before, edges)
    dated = {name: c for name, c in judged.by_group().items() if name != UNKNOWN_GROUP}
    periods = {JUDGED: samples[JUDGED]} | dated
    shifts = {
        name: stability.shift(
            expected, loans_in_bins(_population(counts), edges), confidence=CONFIDENCE
        )
        for name, counts in periods.items()
    }
    ginis = [
        (name, gini, _expected_gini(counts))
        for name, counts in dated.items()
        if (gini := discrimination.gini(counts)) is not None
    ]
    is_judged_twice = len(ginis) >= stability.FEWEST_PERIODS
    overall = shifts[JUDGED]
    drawn = {"populations": figures.population_figure(samples)}
    if by_vintage := [(name, found) for name in dated if (found := shifts[name])]:
        drawn["psi"] = figures.psi_figure(by_vintage)
    if is_judged_twice:
        drawn["gini"] = figures.gini_figure(ginis)
    return Evidence(
        metrics={
            "psi": overall.psi if overall else None,
            "psi_by_chance": overall.threshold if overall else None,
            "gini_stability": (
                stability.gini_stability([gini for _, gini, _ in ginis])
                if is_judged_twice
                else None
            ),
        },
        tables={"stability": _stability_table(periods, shifts)},
        figures=drawn,
    )


def _stability_table(periods: Samples, shifts: Shifts) -> Table:
    rows = []
    for name, counts in periods.items():
        moved = shifts[name]
        told: tuple[float | str | None, ...] = (None,) * 4
        if moved:
            told = (moved.psi, moved.band, moved.threshold, moved.is_beyond_chance)
        expected_auc = stability.estimated_auc(_population(counts))
        rows.append((name, counts.loans, *told, discrimination.auc(counts), expected_auc))
    return Table(
        "Stability against development; expected AUC if the PDs are right",
        ("period", "loans", "psi", "band", "psi_by_chance", "beyond_chance", "auc", "expected_auc"),
        tuple(rows),
    )


def _expected_gini(counts: ScoreCounts) -> float | None:
    area = stability.estimated_auc(_population(counts))
    return None if area is None else 2 * area - 1


def _population(counts: ScoreCounts) -> Population:
    return Population(counts.score, counts.n)
