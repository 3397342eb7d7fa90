"""The design of a fractional logit: the terms its features become, as values and expressions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.learn.encoding import MISSING_LEVEL
from penstock.learn.fractional.splines import spline_terms


@dataclass(frozen=True)
class NumberTerms:
    """How a number enters the model.

    Attributes:
        name: Its column.
        fill: What stands for a missing value: the median of the fit.
        low: Least value of the fit; what is less counts as it.
        high: Greatest value of the fit; what is more counts as it.
        knots: Of its restricted cubic spline, rising; empty: a straight line.
        has_gaps: Whether values were missing in the fit, so that there is a term for it.
    """

    name: str
    fill: float
    low: float
    high: float
    knots: tuple[float, ...]
    has_gaps: bool

    @property
    def terms(self) -> list[str]:
        """Names of its terms: "value", "curve 1" and so on, "missing"."""
        curves = [f"curve {n}" for n in range(1, max(len(self.knots) - 1, 1))]
        return ["value", *curves, *(["missing"] if self.has_gaps else [])]

    def columns(self) -> list[Column]:
        """Return its terms as expressions; none is ever null or NaN."""
        number = column_of(self.name).cast("double")
        is_missing = number.isNull() | F.isnan(number)
        filled = F.when(is_missing, self.fill).otherwise(number)
        seen = F.greatest(F.lit(self.low), F.least(F.lit(self.high), filled))
        terms = spline_terms(seen, self.knots, above=lambda x: F.greatest(x, F.lit(0.0)))
        return [*terms, *([is_missing.cast("double")] if self.has_gaps else [])]

    def curve(self, value: float, coefficients: Sequence[float]) -> float:
        """Return what a value adds to the log-odds, by the coefficients of its terms."""
        terms = spline_terms(value, self.knots, above=lambda x: max(x, 0.0))
        return float(sum(b * x for b, x in zip(coefficients, terms, strict=False)))


@dataclass(frozen=True)
class CategoryTerms:
    """How a category enters the model: a term for each level; a level unseen in the fit has none.

    Attributes:
        name: Its column.
        levels: In order of the alphabet; null and blank are the level "(missing)".
    """

    name: str
    levels: tuple[str, ...]

    @property
    def terms(self) -> list[str]:
        """Names of its terms."""
        return list(self.levels)

    def columns(self) -> list[Column]:
        """Return its terms as expressions; none is ever null."""
        level = level_of(self.name)
        return [(level == each).cast("double") for each in self.levels]


def level_of(name: str) -> Column:
    """Return the level of a category, trimmed text; "(missing)" for null and blank."""
    trimmed = F.trim(column_of(name).cast("string"))
    return F.when(trimmed != "", trimmed).otherwise(MISSING_LEVEL)


@dataclass(frozen=True)
class FractionalDesign:
    """The features of a fitted model and their terms, numbers before categories."""

    numbers: tuple[NumberTerms, ...]
    categories: tuple[CategoryTerms, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(feature.name for feature in self._all)

    @property
    def slots(self) -> list[tuple[str, str]]:
        """Feature and term of each coefficient, in order."""
        return [(feature.name, term) for feature in self._all for term in feature.terms]

    def columns(self) -> list[Column]:
        """Return all terms as expressions, in the order of `slots`."""
        return [term for feature in self._all for term in feature.columns()]

    @property
    def _all(self) -> tuple[NumberTerms | CategoryTerms, ...]:
        return (*self.numbers, *self.categories)

    def to_json(self) -> dict[str, Any]:
        """Return the design as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FractionalDesign":
        """Rebuild the design from `to_json`'s document."""
        return cls(
            tuple(NumberTerms(**{**n, "knots": tuple(n["knots"])}) for n in document["numbers"]),
            tuple(CategoryTerms(c["name"], tuple(c["levels"])) for c in document["categories"]),
        )
