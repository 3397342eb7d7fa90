"""Stage functions in files of their own, which a test edits as a developer does between two runs.

The same graph as the small project's, with a helper in another file and a Python function that
Spark's workers call.
"""

import importlib
import sys
from pathlib import Path

from pyspark import cloudpickle

from tests.engine.small_project import graph_of

STAGES = '''
"""Stages."""

import rates
from pyspark.sql import functions as F

from penstock.evidence import Evidence


def clean(raw):
    amount = F.expr("try_cast(amount AS INT)")
    return raw.select("id", amount.alias("amount"), F.col("amount").alias("raw_amount"))


def double(loans):
    """Double the amounts."""
    kept = loans.where(F.col("amount") < 1000)
    return kept.select("id", (2 * F.col("amount")).alias("doubled"))


def total(doubled):
    price = F.udf(rates.price, "long")
    return doubled.select(F.sum(price("doubled")).alias("total"))


def measure(totals):
    # A bounded table.
    return Evidence(metrics={"total": rates.rounded(float(totals.first().total))})


def gate(report, *, at_least):
    return [] if report.metrics["total"] >= at_least else ["too little"]


def publish(totals, verdict):
    return totals
'''
RATES = '''
"""Rates."""

import numpy

DIGITS = 2


def price(amount):
    return amount + 0


def rounded(value):
    return float(numpy.round(value, DIGITS))
'''


class EditedCode:
    """The two files, imported from a folder; `edit` changes one and gives the graph anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name, text in (("rates", RATES), ("stages", STAGES)):
            (folder / f"{name}.py").write_text(text)
        self._rates = importlib.import_module("rates")
        self._stages = importlib.import_module("stages")
        # Spark's workers have no path to this folder.
        cloudpickle.register_pickle_by_value(self._rates)

    @property
    def graph(self):
        return graph_of(self._stages)

    def edit(self, old: str, new: str, file: str = "stages"):
        self.write(old, new, file)
        importlib.reload(self._rates)
        importlib.reload(self._stages)
        return self.graph

    def write(self, old: str, new: str, file: str = "stages") -> None:
        """Change a file that stays loaded as it was, as an editor does while a job runs."""
        path = self._folder / f"{file}.py"
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))

    def forget(self) -> None:
        cloudpickle.unregister_pickle_by_value(self._rates)
        for name in ("rates", "stages"):
            del sys.modules[name]
