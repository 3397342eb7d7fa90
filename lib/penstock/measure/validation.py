"""Validation of a PD model: what those who answer for it read before it may decide.

Sets the loans the model was made on beside those it is judged by. Measures of the judged loans
alone are `evaluation.py`'s and part of it; the page is drawn by `report`.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame

from penstock.annotations import RisingShares, Share, ShareOrAll
from penstock.errors import ConfigError
from penstock.evidence import Evidence, Table
from penstock.measure.calibration import bad_rate
from penstock.measure.counts import UNKNOWN_GROUP, ScoreCounts
from penstock.measure.evaluation import (
    Bins,
    Decimals,
    VintageLength,
    count_by_vintage,
    evidence_of,
)
from penstock.measure.grades import grade_by_pd
from penstock.measure.prior import shift_prior
from penstock.measure.samples import (
    DEVELOPMENT,
    JUDGED,
    calibration_evidence,
    discrimination_evidence,
    sample_table,
    stability_evidence,
)
from penstock.measure.stability import MODERATE
from penstock.measure.vintages import VintageCounts, curve_evidence, vintages_by_year

BAD_ON = "bad_on"


def validate_pd(
    judged: DataFrame,
    development: DataFrame,
    *,
    date: str,
    vintage: VintageLength,
    bins: Bins,
    decimals: Decimals,
    riskiest_share: ShareOrAll,
    grades: RisingShares,
    amber: Share,
    red: Share,
    purpose: str,
    owner: str,
    known_limits: list[str],
    population_bad_rate: Share | None,
    bad_date: str,
    as_of: datetime.date,
) -> Evidence:
    """Validate a PD model: discrimination, calibration and stability, and what limits them.

    Runs one Spark query on each table, whose result is bounded as `count_by_score` says, and one
    more on both for vintage curves, bounded as `count_vintages` says.

    Grain: one row per loan.

    Args:
        judged: Loans the model has not seen: `pd` (0-1), `is_bad` (0 or 1) and the column `date`;
            for vintage curves `bad_on` (DATE: the day a bad loan went bad; null: unknown).
        development: Loans it was fitted and calibrated on, with the same columns.
        date, vintage, bins, decimals: As in `evaluate_pd`.
        riskiest_share, grades, amber, red, purpose, owner, known_limits, population_bad_rate: As in
            `validation_of`.
        bad_date: What `bad_on` was read from; empty: it was not, and no vintage curves are drawn.
        as_of: Day that the data speak of: loans are watched until then.

    Returns:
        The evidence of `validation_of`, and of both tables together the table and the figure
        vintage_curves, by year of `date`.

    Raises:
        ConfigError: `red` is not below `amber`.
        DataError: A table has no rows, or rows that cannot be measured.
    """
    _check_lights(amber, red)
    counted = [
        count_by_vintage(scored, date=date, vintage=vintage, decimals=decimals)
        for scored in (judged, development)
    ]
    curves = _vintages(judged, development, date=date, as_of=as_of) if bad_date else {}
    drawn = curve_evidence(curves)
    found = validation_of(
        *counted,
        bins=bins,
        decimals=decimals,
        riskiest_share=riskiest_share,
        grades=grades,
        amber=amber,
        red=red,
        purpose=purpose,
        owner=owner,
        known_limits=[*_limits_of_curves(curves, counted), *known_limits],
        population_bad_rate=population_bad_rate,
    )
    return replace(found, tables=found.tables | drawn.tables, figures=found.figures | drawn.figures)


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
    population_bad_rate: float | None,
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
        population_bad_rate: Bad rate that the PDs are made for, where loans were drawn by outcome;
            None: loans are as they came. PDs are then restated to the bad rate of development,
            as `shift_prior` does, for all but the grades' limits.

    Returns:
        All that `evaluate_pd` returns of the judged loans, and: metrics development_auc, auc_drop,
        partial_gini, h_measure, calibration_slope and calibration_intercept (each with _low and
        _high, 95 %), hosmer_lemeshow_p, red_grades, amber_grades, psi, psi_by_chance,
        gini_stability; tables purpose, samples, discrimination, brier, grades, stability, limits;
        figures lift, populations, psi, gini. What is undefined is None, a figure of it left out.
    """
    graded = grade_by_pd(judged.total(), grades)
    if population_bad_rate is not None:
        drawn_at = bad_rate(development)
        judged, development, graded = (
            _restated(counts, population_bad_rate, drawn_at)
            for counts in (judged, development, graded)
        )
        known_limits = (_limit_of_draw(population_bad_rate, drawn_at), *known_limits)
    ranked = {DEVELOPMENT: development.total(), JUDGED: judged.total()}
    parts = (
        evidence_of(judged, bins=bins),
        discrimination_evidence(ranked, share=riskiest_share),
        calibration_evidence(ranked, graded, bins=bins, decimals=decimals, amber=amber, red=red),
        stability_evidence(judged, ranked, bins=bins),
    )
    metrics = {name: value for part in parts for name, value in part.metrics.items()}
    limits = (*_found_limits(judged, development, metrics), *known_limits)
    meant = (("purpose", purpose), ("owner", owner))
    told = {
        "purpose": Table("Purpose", ("what", "statement"), meant),
        "samples": sample_table(ranked),
        "limits": Table.of_texts("Limits", "limit", limits),
    }
    return Evidence(
        metrics,
        told | {name: table for part in parts for name, table in part.tables.items()},
        {name: figure for part in parts for name, figure in part.figures.items()},
    )


def _restated(counts: ScoreCounts, population: float, drawn_at: float) -> ScoreCounts:
    """Return the counts with the PDs that belong to the bad rate at which loans were drawn."""
    pd = shift_prior(counts.score, from_rate=population, to_rate=drawn_at)
    return replace(counts, score=pd)


def _vintages(
    judged: DataFrame, development: DataFrame, *, date: str, as_of: datetime.date
) -> dict[str, VintageCounts]:
    both = judged.select(date, BAD_ON).unionByName(development.select(date, BAD_ON))
    return vintages_by_year(both, date=date, bad_date=BAD_ON, as_of=as_of)


def _limits_of_curves(
    curves: Mapping[str, VintageCounts], counted: Sequence[ScoreCounts]
) -> list[str]:
    if not curves:
        return []
    bads = sum(counts.bads for counts in counted)
    undated = bads - sum(vintage.bads for vintage in curves.values())
    found = ["Vintage curves hold the loans whose outcome is known, and no others."]
    if undated:
        found.append(
            f"{undated:,} of {bads:,} bads bear no day on which they went bad, or no date: they "
            "are missing from the vintage curves, which lie too low by them."
        )
    return found


def _limit_of_draw(population: float, drawn_at: float) -> str:
    return (
        f"Loans were drawn by outcome: {drawn_at:.1%} of the development loans are bad, "
        f"{population:.1%} of the population. PDs are held against outcomes after they were "
        "restated to the former; the grades' limits are PDs of the population."
    )


def _check_lights(amber: float, red: float) -> None:
    if not red < amber:
        raise ConfigError(f"red must be below amber, not red {red} and amber {amber}.")


def _found_limits(
    judged: ScoreCounts, development: ScoreCounts, metrics: Mapping[str, float | None]
) -> list[str]:
    """Say what the figures cannot show, as far as the counts tell."""
    found = [_limit_of_time(judged, development)]
    low, high = metrics["auc_low"], metrics["auc_high"]
    if low is None or high is None:
        found.append("There are too few goods or bads for an interval of the AUC.")
    else:
        found.append(
            f"By {judged.bads:,} bads among {judged.loans:,} loans, the AUC is known to within "
            f"{(high - low) / 2:.3f} either way, at 95 %."
        )
    by_chance = metrics["psi_by_chance"]
    if by_chance is not None and by_chance >= MODERATE:
        found.append(
            f"Samples this small differ by a PSI of up to {by_chance:.2f} by chance alone, which "
            f"is beyond the band of {MODERATE:.2f}: a lower PSI tells nothing."
        )
    found.append(
        "The tests of grades take defaults as independent; a common bad year makes them refuse "
        "too often."
    )
    return found


def _limit_of_time(judged: ScoreCounts, development: ScoreCounts) -> str:
    dated, before = ({*c.by_group()} - {UNKNOWN_GROUP} for c in (judged, development))
    if not dated or not before:
        return (
            "The loans bear no date: the model is not judged out of time, and stability over time "
            "is not shown."
        )
    if min(dated) > max(before):
        return f"Judged by {min(dated)} to {max(dated)}, later than all development loans."
    return (
        "The judged loans are not all later than the development loans: on loans to come the model "
        "mostly does worse than here."
    )
