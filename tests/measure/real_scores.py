"""Columns of the home equity loans as PDs with many ties, and what is measured of them on Spark."""

import datetime
from dataclasses import dataclass

import numpy as np
import pandas
from scipy.special import expit

from penstock.evidence import Evidence
from penstock.measure.counts import ScoreCounts, count_by_score
from penstock.measure.validation import validate_pd
from tests.measure.hmeq import hmeq_loans

SHARE, BINS, DECIMALS, GRADES = 0.2, 10, 6, [0.05, 0.1, 0.15, 0.2, 0.3, 0.5]
STANDARDS = {
    "date": "observed_on", "vintage": "year", "bins": BINS, "decimals": DECIMALS,
    "riskiest_share": SHARE, "grades": GRADES, "amber": 0.05, "red": 0.01, "purpose": "",
    "owner": "", "known_limits": [], "population_bad_rate": None, "bad_date": "",
    "as_of": datetime.date(2024, 1, 1),
}  # fmt: skip
COLUMNS = "pd DOUBLE, is_bad INT, observed_on DATE"
JOBS = ["Mgr", "Office", "Other", "ProfExe", "Sales", "Self"]
# Of the last, some PDs are 0 or 1.
PDS = {
    "delinquencies": lambda loans: expit(loans.DELINQ / 2 - 2),
    "age_of_oldest_line": lambda loans: expit(-loans.CLAGE / 120).round(3),
    "bad_rate_by_inquiries": lambda loans: loans.groupby("NINQ").BAD.transform("mean"),
    "debt_to_income": lambda loans: expit((loans.DEBTINC - 40) / 5).round(2),
}


@dataclass(frozen=True)
class Measured:
    """Loans (`pd`, `is_bad`, `observed_on`) by sample, and what Spark and we make of them.

    Attributes:
        counts: Of the judged loans.
        found: The validation on the judged loans.
    """

    samples: dict[str, pandas.DataFrame]
    counts: ScoreCounts
    found: Evidence

    @property
    def judged(self):
        return self.samples["judged"]

    @property
    def vintages(self):
        """Year to its judged loans; those without a day are in none."""
        dated = self.judged.dropna()
        return dict(iter(dated.groupby(dated.observed_on.map(lambda day: str(day.year)))))

    def table(self, name):
        """Return a table of the validation, by its first column."""
        shown = self.found.tables[name]
        return pandas.DataFrame(shown.rows, columns=shown.columns).set_index(shown.columns[0])


def measure(spark, rule):
    """Measure the PDs of a rule: loans to consolidate debt are judged, and a job is a vintage."""
    samples = scored_loans(rule)
    judged, development = (
        spark.createDataFrame(list(samples[name].itertuples(index=False, name=None)), COLUMNS)
        for name in ("judged", "development")
    )
    counts = count_by_score(judged, score="pd", label="is_bad", by=None, decimals=DECIMALS)
    return Measured(samples, counts, validate_pd(judged, development, **STANDARDS))


def scored_loans(rule):
    loans = hmeq_loans()
    years = loans.JOB.map({job: 2001 + n for n, job in enumerate(JOBS)})
    days = [None if np.isnan(year) else datetime.date(int(year), 6, 1) for year in years]
    pds = PDS[rule](loans).round(DECIMALS)
    scored = pandas.DataFrame({"pd": pds, "is_bad": loans.BAD, "observed_on": days})
    is_judged = loans.REASON == "DebtCon"
    parts = {"development": scored[~is_judged], "judged": scored[is_judged]}
    return {name: part.dropna(subset=["pd"]).reset_index(drop=True) for name, part in parts.items()}
