"""Figures of a PD's evaluation, as data; drawing them is `report`'s."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from penstock.evidence import Figure, Series
from penstock.measure.calibration import CalibrationBin
from penstock.measure.counts import ScoreCounts
from penstock.measure.discrimination import cap_curve, ks_curves, roc_curve
from penstock.measure.stability import LARGE, MODERATE, Shift

MAX_POINTS = 200
SCORE_BARS = 40
MOST_NAMES = 8  # on an axis: more have no room
MOST_CURVES = 6  # colours that can be told apart
DIAGONAL = (0.0, 1.0)


def roc_figure(counts: ScoreCounts) -> Figure | None:
    """Return the ROC curve against chance; None with one class only."""
    curve = roc_curve(counts)
    if curve is None:
        return None
    return Figure(
        "ROC curve",
        "share of goods at or above the PD",
        "share of bads at or above the PD",
        (_line("model", *curve), Series("chance", DIAGONAL, DIAGONAL, "reference")),
        "The further above the diagonal, the better the ranking.",
    )


def cap_figure(counts: ScoreCounts) -> Figure | None:
    """Return the cumulative accuracy profile with the perfect one; None with one class only."""
    curve = cap_curve(counts)
    if curve is None or not counts.goods:
        return None
    perfect = Series(
        "perfect", (0.0, counts.bads / counts.loans, 1.0), (0.0, 1.0, 1.0), "reference"
    )
    return Figure(
        "Cumulative accuracy profile",
        "share of loans, riskiest first",
        "share of bads among them",
        (_line("model", *curve), perfect, Series("chance", DIAGONAL, DIAGONAL, "reference")),
        "How many of all bads a cut-off would catch.",
    )


def ks_figure(counts: ScoreCounts) -> Figure | None:
    """Return the cumulative shares of goods and bads, and their largest gap; None if undefined."""
    curves = ks_curves(counts)
    if curves is None:
        return None
    score, (of_goods, of_bads) = curves
    widest = int(np.argmax(np.abs(of_bads - of_goods)))
    at = float(score[widest])
    gap = Series("KS", (at, at), (float(of_bads[widest]), float(of_goods[widest])), "reference")
    return Figure(
        "Kolmogorov-Smirnov distance",
        "PD",
        "share at or below the PD",
        (_line("goods", score, of_goods), _line("bads", score, of_bads), gap),
        "The vertical line is the KS: the largest distance of the two curves.",
    )


def calibration_figure(bins: list[CalibrationBin]) -> Figure:
    """Return observed bad rate against mean PD for each bin, with the identity."""
    top = max(max(b.mean_pd, b.high) for b in bins)
    predicted = tuple(b.mean_pd for b in bins)
    return Figure(
        "Calibration",
        "mean PD",
        "bad rate",
        (
            Series("observed", predicted, tuple(b.bad_rate for b in bins), "points"),
            Series("95 % interval", predicted, tuple(b.low for b in bins), "bound"),
            Series("", predicted, tuple(b.high for b in bins), "bound"),
            Series("identity", (0.0, top), (0.0, top), "reference"),
        ),
        "On the diagonal, loans default as often as predicted.",
    )


def score_figure(counts: ScoreCounts) -> Figure:
    """Return how the PDs of goods and of bads spread, as shares of the class for each bar."""
    edges = np.linspace(0.0, max(float(counts.score.max()), 1e-6), SCORE_BARS + 1)
    middles = tuple(float(x) for x in (edges[:-1] + edges[1:]) / 2)
    series = tuple(
        Series(name, middles, _shares(counts.score, of_class, edges), "line")
        for name, of_class in (("goods", counts.n_good), ("bads", counts.n_bad))
        if of_class.sum()
    )
    return Figure("Distribution of PD", "PD", "share of the class", series)


def lift_figure(
    deciles: list[tuple[int, int, int, float, float | None, float | None]],
) -> Figure | None:
    """Return the lift of each row of `lift_by_decile`, riskiest first; None without bads."""
    lifts = [(str(row[0]), row[4]) for row in deciles]
    names = tuple(name for name, _ in lifts)
    known = tuple(lift for _, lift in lifts if lift is not None)
    if not known:
        return None
    return Figure(
        "Lift by decile",
        "decile of loans, riskiest first",
        "bad rate as a multiple of the mean",
        (
            Series("lift", names, known, "bars"),
            Series("mean of all loans", (names[0], names[-1]), (1.0, 1.0), "reference"),
        ),
        "The steeper from left to right, the better the ranking.",
    )


def population_figure(samples: Mapping[str, ScoreCounts]) -> Figure:
    """Return how the PDs of each sample spread, as shares of its loans for each bar."""
    top = max(float(counts.score.max()) for counts in samples.values())
    edges = np.linspace(0.0, max(top, 1e-6), SCORE_BARS + 1)
    middles = tuple(float(x) for x in (edges[:-1] + edges[1:]) / 2)
    return Figure(
        "Distribution of PD by sample",
        "PD",
        "share of the sample",
        tuple(
            Series(name, middles, _shares(counts.score, counts.n, edges))
            for name, counts in samples.items()
        ),
        "Samples of one population lie on each other.",
    )


def vintage_figure(vintages: list[tuple[str, float, float]]) -> Figure:
    """Return bad rate and mean PD for each (vintage, bad rate, mean PD), in the order given."""
    names = tuple(name for name, _, _ in vintages)
    return Figure(
        "Bad rate and mean PD by vintage",
        "vintage of issue",
        "share of loans",
        (
            Series("bad rate", names, tuple(rate for _, rate, _ in vintages), "points"),
            Series("mean PD", names, tuple(mean for _, _, mean in vintages), "line"),
        ),
        "A mean PD that leaves the bad rate over time tells of drift.",
    )


def vintage_curve_figure(curves: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Return the cumulative bad rate by month on book, one line for each of the last vintages."""
    latest = list(curves.items())[-MOST_CURVES:]
    return Figure(
        "Vintage curves",
        "months on book",
        "share of loans gone bad",
        tuple(_line(name, np.arange(len(rate), dtype=np.float64), rate) for name, rate in latest),
        "A younger vintage above the older ones at the same age is riskier than they were.",
    )


def psi_figure(shifts: list[tuple[str, Shift]]) -> Figure:
    """Return the PSI of each period, in the order given, with its bands and sampling threshold."""
    return Figure(
        "Population stability over time",
        "period",
        "PSI",
        _shift_series("PSI", shifts, "points"),
        "A period above a band and above what chance alone does has other loans than before.",
    )


def csi_figure(shifts: Mapping[str, Shift]) -> Figure | None:
    """Return the CSI of the characteristics that shifted most; None without any."""
    greatest = sorted(shifts.items(), key=lambda item: (-item[1].psi, item[0]))[:MOST_NAMES]
    if not greatest:
        return None
    return Figure(
        "Stability of characteristics",
        "characteristic",
        "CSI",
        _shift_series("CSI", greatest, "bars"),
        "Above a band and above what chance alone does, loans lie in other bins than before.",
    )


def gini_figure(ginis: list[tuple[str, float, float | None]]) -> Figure:
    """Return the Gini of each (period, Gini, expected Gini), in the order given."""
    names = tuple(name for name, _, _ in ginis)
    expected = [(name, value) for name, _, value in ginis if value is not None]
    return Figure(
        "Gini over time",
        "period",
        "Gini",
        (
            Series("Gini", names, tuple(gini for _, gini, _ in ginis), "points"),
            Series("expected if the PDs are right", *_columns(expected), "line"),
        ),
        "A Gini that leaves the expected one tells of a ranking that wears out.",
    )


def _shift_series(
    name: str, shifts: list[tuple[str, Shift]], mark: Literal["points", "bars"]
) -> tuple[Series, ...]:
    names = tuple(each for each, _ in shifts)
    return (
        Series(name, names, tuple(found.psi for _, found in shifts), mark),
        Series("chance alone", names, tuple(found.threshold for _, found in shifts), "line"),
        Series("moderate", names, (MODERATE,) * len(names), "reference"),
        Series("large", names, (LARGE,) * len(names), "reference"),
    )


def _columns(points: list[tuple[str, float]]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    return tuple(x for x, _ in points), tuple(y for _, y in points)


def _line(name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> Series:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(np.int64))
    return Series(name, tuple(map(float, x[kept])), tuple(map(float, y[kept])))


def _shares(
    score: NDArray[np.float64], of_class: NDArray[np.int64], edges: NDArray[np.float64]
) -> tuple[float, ...]:
    loans, _ = np.histogram(score, bins=edges, weights=of_class)
    return tuple(float(x) for x in loans / of_class.sum())
