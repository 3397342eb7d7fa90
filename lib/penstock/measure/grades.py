"""Rating grades: whether each grade's loans default as often as the grade's PD says.

Takes counts of PDs that are grouped by grade.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from penstock.measure.calibration import bad_rate, mean_pd
from penstock.measure.counts import ScoreCounts


@dataclass(frozen=True)
class GradeTest:
    """One grade, tested for defaulting more often than predicted; rates as fractions.

    Attributes:
        grade: Name of the grade.
        loans: Loans of the grade.
        bads: Those that defaulted.
        pd: Mean PD of the grade.
        bad_rate: Observed default rate.
        jeffreys: p-value of the Jeffreys test, 0-1; small = the PD is too low.
        binomial: p-value of the one-sided binomial test, 0-1; small = the PD is too low.
    """

    grade: str
    loans: int
    bads: int
    pd: float
    bad_rate: float
    jeffreys: float
    binomial: float


def grade_by_pd(counts: ScoreCounts, limits: Sequence[float]) -> ScoreCounts:
    """Return the same counts grouped by rating grade.

    Args:
        counts: Loans by PD.
        limits: Upper PD limits of the grades, rising, in 0-1; a PD equal to a limit lies below it,
            and a last grade lies above all.

    Returns:
        Groups "1: up to 0.02", "2: up to 0.05", ..., in the order of their names; a grade without
        loans has none.
    """
    digits = len(str(len(limits) + 1))
    names = [f"up to {limit:g}" for limit in limits]
    names.append(f"above {limits[-1]:g}" if limits else "all")
    numbered = np.array([f"{n:0{digits}d}: {name}" for n, name in enumerate(names, start=1)])
    of_score = np.searchsorted(np.asarray(limits, dtype=np.float64), counts.score, side="left")
    return ScoreCounts(counts.score, counts.n_good, counts.n_bad, numbered[of_score])


def jeffreys_by_grade(counts: ScoreCounts) -> list[GradeTest]:
    """Test each grade's PD by the Jeffreys and the binomial test, in the order of their names.

    Both tests take defaults as independent; a common bad year makes them refuse too often.

    Source:
        Jeffreys: ECB, Instructions for reporting the validation results of internal models (2019),
        section 2.5. Binomial: Basel Committee, Working Paper 14 (2005), chapter III.
    """
    return [_tested(grade, of_grade) for grade, of_grade in counts.by_group().items()]


def jeffreys_p(pd: float, *, bads: int, loans: int) -> float:
    """Return the posterior probability that the true PD is at most `pd`, from Jeffreys' prior."""
    return float(beta.cdf(pd, bads + 0.5, loans - bads + 0.5))


def binomial_p(pd: float, *, bads: int, loans: int) -> float:
    """Return the probability of at least as many bads if the true PD is `pd`."""
    return float(binom.sf(bads - 1, loans, pd))


def _tested(grade: str, counts: ScoreCounts) -> GradeTest:
    pd, bads, loans = mean_pd(counts), counts.bads, counts.loans
    return GradeTest(
        grade,
        loans,
        bads,
        pd,
        bad_rate(counts),
        jeffreys_p(pd, bads=bads, loans=loans),
        binomial_p(pd, bads=bads, loans=loans),
    )
