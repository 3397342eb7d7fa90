"""Tails: the stage that keeps a few extreme numbers from deciding a linear model.

Quantiles and skewness of development rows fit it; transforming is plain Column arithmetic.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from pyspark.ml import Estimator, Model
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

OUTERMOST = 0.01  # share of rows beyond which a number is drawn in, on either side
MOST_SKEWED = 1.0
ACCURACY = 10_000  # of quantiles: ranks are known to 1 / 10,000 of the rows


@dataclass(frozen=True)
class Tail:
    """What becomes of a number.

    Attributes:
        low, high: Where numbers beyond are set to.
        scale: Above 0: then sign(x) ln(1 + |x| / scale) is taken; 0: it is left as it is.
        unit: What the outcome is divided by.
    """

    low: float
    high: float
    scale: float = 0.0
    unit: float = 1.0


class TailsModel(HasInputCols, Model, DefaultParamsWritable, DefaultParamsReadable["TailsModel"]):
    """Replaces its columns by numbers without long tails; null and NaN become null.

    Params: `inputCols`, and for each of them `lows`, `highs`, `scales` and `units`.
    """

    lows: Param[list[float]] = Param(
        Params._dummy(), "lows", "least value of each column", TypeConverters.toListFloat
    )
    highs: Param[list[float]] = Param(
        Params._dummy(), "highs", "greatest value of each column", TypeConverters.toListFloat
    )
    scales: Param[list[float]] = Param(
        Params._dummy(), "scales", "unit of each logarithm, 0: none", TypeConverters.toListFloat
    )
    units: Param[list[float]] = Param(
        Params._dummy(), "units", "what each is divided by at last", TypeConverters.toListFloat
    )

    @property
    def tails(self) -> dict[str, Tail]:
        """Column to what becomes of its numbers."""
        learnt = (self.lows, self.highs, self.scales, self.units)
        params: Iterable[list[float]] = map(self.getOrDefault, learnt)
        return {
            name: Tail(*numbers)
            for name, *numbers in zip(self.getInputCols(), *params, strict=True)
        }

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return dataset.withColumns({name: _shaped(name, t) for name, t in self.tails.items()})


class Tails(
    HasInputCols, Estimator[TailsModel], DefaultParamsWritable, DefaultParamsReadable["Tails"]
):
    """Learns where the tails of numbers begin, which numbers are skewed, and how far they spread.

    A number is set to its 1 % or 99 % quantile where it lies beyond, unless these are equal: then
    98 % of the rows share one value, and what is left must not be cut off. What is still skewed
    (by more than 1 either way) is taken as its logarithm, whose unit is the median of the absolute
    values other than 0, so that it does not depend on the unit of the column. What comes out is
    divided by its standard deviation, so that one penalty fits numbers and dummies: a dummy as it
    is, a common level and a rare one alike.

    Fitting runs three Spark queries.

    Params: `inputCols` (DOUBLE).
    """

    @classmethod
    def of(cls, columns: list[str]) -> "Tails":
        """Return the estimator for these columns."""
        return cls()._set(inputCols=columns)

    def _fit(self, dataset: DataFrame) -> TailsModel:
        columns = self.getInputCols()
        clipped = _between_quantiles(dataset, columns)
        shaped = _with_units(dataset, _with_scales(dataset, clipped))
        tails = [asdict(tail) for tail in shaped.values()]
        return TailsModel()._set(
            inputCols=columns,
            lows=[tail["low"] for tail in tails],
            highs=[tail["high"] for tail in tails],
            scales=[tail["scale"] for tail in tails],
            units=[tail["unit"] for tail in tails],
        )


def _between_quantiles(rows: DataFrame, columns: list[str]) -> dict[str, Tail]:
    shares = [OUTERMOST, 1 - OUTERMOST]
    [found] = rows.agg(
        *(
            F.percentile_approx(_known(name), shares, ACCURACY).alias(str(number))
            for number, name in enumerate(columns)
        )
    ).collect()
    tails = {}
    for name, quantiles in zip(columns, found, strict=True):
        low, high = quantiles
        is_cut = low < high
        tails[name] = Tail(low if is_cut else -float("inf"), high if is_cut else float("inf"))
    return tails


def _with_scales(rows: DataFrame, tails: dict[str, Tail]) -> dict[str, Tail]:
    asked = []
    for number, (name, tail) in enumerate(tails.items()):
        value = _shaped(name, tail)
        size = F.abs(F.when(value != 0, value))
        asked += [
            F.skewness(value).alias(f"skewness {number}"),
            F.percentile_approx(size, 0.5, ACCURACY).alias(f"scale {number}"),
        ]
    [found] = rows.agg(*asked).collect()
    scaled = {}
    for number, (name, tail) in enumerate(tails.items()):
        skewness = found[f"skewness {number}"]  # null if all values are equal
        is_skewed = skewness is not None and abs(skewness) > MOST_SKEWED
        scale = found[f"scale {number}"] if is_skewed else 0.0
        scaled[name] = replace(tail, scale=scale)
    return scaled


def _with_units(rows: DataFrame, tails: dict[str, Tail]) -> dict[str, Tail]:
    [found] = rows.agg(
        *(F.stddev_pop(_shaped(name, tail)) for name, tail in tails.items())
    ).collect()
    # No spread, or no value at all: nothing to divide by.
    return {
        name: replace(tail, unit=deviation or 1.0)
        for (name, tail), deviation in zip(tails.items(), found, strict=True)
    }


def _known(name: str) -> Column:
    return F.when(~F.isnan(name), F.col(name))


def _shaped(name: str, tail: Tail) -> Column:
    inside = F.least(F.greatest(_known(name), F.lit(tail.low)), F.lit(tail.high))
    # greatest() skips nulls, so it would turn an unknown number into the least.
    value = F.when(_known(name).isNotNull(), inside)
    if tail.scale:
        value = F.signum(value) * F.log1p(F.abs(value) / tail.scale)
    return value / tail.unit
