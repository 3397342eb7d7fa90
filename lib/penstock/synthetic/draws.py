"""Random numbers that depend on the row, the seed and the name of the draw, and on nothing else.

A table drawn this way has the same rows for any number of partitions, and its first n rows do not
change when more are asked for. `F.rand()` promises neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi

from pyspark.sql import Column
from pyspark.sql import functions as F

NOTHING = ""  # the text that stands for null among the weights of `pick`


@dataclass(frozen=True)
class Draws:
    """The random numbers of one table; needs the row number in a column `id` (BIGINT).

    Draws of different names, tables or seeds are independent; the same name is the same number.

    Attributes:
        table: Name of the table, so that loan 7 and application 7 are different people.
        seed: Any integer.
    """

    table: str
    seed: int

    def uniform(self, name: str) -> Column:
        """Return a number in (0, 1), never 0 or 1.

        Source:
            52 bits of xxHash64; the half keeps the ends out and is exact in a double.
        """
        stream = F.lit(f"{self.table}/{self.seed}/{name}")
        bits = F.shiftrightunsigned(F.xxhash64(stream, F.col("id")), 12)
        return (bits + F.lit(0.5)) * F.lit(2.0**-52)

    def normal(self, name: str) -> Column:
        """Return a standard normal number.

        Source:
            Box and Muller, A Note on the Generation of Random Normal Deviates (1958).
        """
        radius = F.sqrt(F.log(self.uniform(f"{name}/radius")) * -2.0)
        return radius * F.cos(self.uniform(f"{name}/angle") * (2.0 * pi))

    def exponential(self, name: str) -> Column:
        """Return a number > 0 with mean 1, by the inverse of its distribution function."""
        return -F.log(self.uniform(name))

    def pick(self, name: str, weights: Mapping[str, int]) -> Column:
        """Return one of the texts, each as often as its weight says.

        Args:
            name: Name of the draw.
            weights: Whole numbers, at least one; the weight of `NOTHING` is the share of nulls.
        """
        # A table of slots is looked up in one step; a chain of comparisons would draw each time.
        slots = [text for text, weight in weights.items() for _ in range(weight)]
        place = F.floor(self.uniform(name) * len(slots)) + 1
        texts = [F.lit(None if text == NOTHING else text) for text in slots]
        return F.element_at(F.array(*texts), place.cast("int"))

    def one_of(self, name: str, texts: Sequence[str]) -> Column:
        """Return one of the texts, all equally likely."""
        return self.pick(name, dict.fromkeys(texts, 1))


def logistic(logit: Column) -> Column:
    """Return the probability (0-1) whose log odds are `logit`."""
    return 1.0 / (1.0 + F.exp(-logit))


def clip(value: Column, lowest: float, highest: float) -> Column:
    """Return `value`, moved to the nearest bound when it lies outside; null becomes `lowest`."""
    # A `when` would keep null but evaluate the draw three times; no draw is ever null.
    return F.least(F.greatest(value, F.lit(lowest)), F.lit(highest))


def nearest(value: Column) -> Column:
    """Return the nearest whole number (BIGINT), halves upwards."""
    # round() on a double goes through BigDecimal: several times slower over a whole book.
    return F.floor(value + 0.5)
