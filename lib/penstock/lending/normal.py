"""The normal distribution and its quantiles as columns; Spark has neither."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_SIZE, _SQUARE, _INVERSE, _TAIL = "_size", "_square", "_inverse", "_tail"
_DISTANCE, _DEPTH = "_distance", "_depth"

# Cody's three ranges of |x|, numerator before denominator, highest power first.
_INNER_UNTIL, _MIDDLE_UNTIL = 0.67448975, 5.656854249492380
_INNER = (
    (0.065682337918207449113, 2.2352520354606839287, 161.02823106855587881, 1067.6894854603709582,
     18154.981253343561249),
    (1.0, 47.20258190468824187, 976.09855173777669322, 10260.932208618978205,
     45507.789335026729956),
)  # fmt: skip
_MIDDLE = (
    (1.0765576773720192317e-8, 0.39894151208813466764, 8.8831497943883759412,
     93.506656132177855979, 597.27027639480026226, 2494.5375852903726711, 6848.1904505362823326,
     11602.651437647350124, 9842.7148383839780218),
    (1.0, 22.266688044328115691, 235.38790178262499861, 1519.377599407554805,
     6485.558298266760755, 18615.571640885098091, 34900.952721145977266, 38912.003286093271411,
     19685.429676859990727),
)  # fmt: skip
_OUTER = (
    (0.02307344176494017303, 0.21589853405795699, 0.1274011611602473639, 0.022235277870649807,
     0.001421619193227893466, 2.9112874951168792e-5),
    (1.0, 1.28426009614491121, 0.468238212480865118, 0.0659881378689285515,
     0.00378239633202758244, 7.29751555083966205e-5),
)  # fmt: skip
_DENSITY_AT_0 = 0.398942280401432677939946

# Wichura's three ranges of the probability, likewise.
_CENTRAL_WITHIN, _NEAR_WITHIN = 0.425, 5.0
_CENTRAL = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080),
    (5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867,
     5394.1960214247511077, 687.18700749205790830, 42.313330701600911252, 1.0),
)  # fmt: skip
_NEAR = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
     4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
     5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def add_normal_probability(rows: DataFrame, *, of: str, name: str) -> DataFrame:
    """Add the probability (0-1) that a standard normal number is at most `of`; null for null.

    Source:
        Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation
        23 (1969), in the form of R's `pnorm`: a relative error below 1e-13.
    """
    x, size = F.col(of), F.col(_SIZE)
    # Each polynomial names its argument many times: it is a column of its own.
    sized = rows.withColumns({_SIZE: F.abs(x), _SQUARE: x * x})
    inner = 0.5 + x * _ratio(_INNER, F.col(_SQUARE))
    inverted = sized.withColumn(_INVERSE, F.try_divide(F.lit(1.0), _SQUARE))
    outer = (_DENSITY_AT_0 - F.col(_INVERSE) * _ratio(_OUTER, F.col(_INVERSE))) / size
    shape = F.when(size <= _MIDDLE_UNTIL, _ratio(_MIDDLE, size)).otherwise(outer)
    tailed = inverted.withColumn(_TAIL, F.exp(-F.col(_SQUARE) / 2) * shape)
    beyond = F.when(x > 0, 1 - F.col(_TAIL)).otherwise(F.col(_TAIL))
    probability = F.when(size <= _INNER_UNTIL, inner).otherwise(beyond)
    return tailed.withColumn(name, probability).drop(_SIZE, _SQUARE, _INVERSE, _TAIL)


def add_normal_quantile(rows: DataFrame, *, of: str, name: str) -> DataFrame:
    """Add the number that a standard normal one is at most with probability `of`, inside 0-1.

    Source:
        Wichura, Algorithm AS 241, Applied Statistics 37 (1988): a relative error of about 1e-16.
    """
    probability, distance, depth = F.col(of), F.col(_DISTANCE), F.col(_DEPTH)
    smaller = F.least(probability, 1 - probability)
    measured = rows.withColumns(
        {_DISTANCE: probability - 0.5, _DEPTH: F.sqrt(-F.log(smaller))}
    ).withColumn(_SQUARE, _CENTRAL_WITHIN**2 - distance * distance)
    central = distance * _ratio(_CENTRAL, F.col(_SQUARE))
    near, far = _ratio(_NEAR, depth - 1.6), _ratio(_FAR, depth - _NEAR_WITHIN)
    size = F.when(depth <= _NEAR_WITHIN, near).otherwise(far)
    outside = F.when(distance < 0, -size).otherwise(size)
    quantile = F.when(F.abs(distance) <= _CENTRAL_WITHIN, central).otherwise(outside)
    return measured.withColumn(name, quantile).drop(_DISTANCE, _DEPTH, _SQUARE)


def _ratio(polynomials: Sequence[Sequence[float]], x: Column) -> Column:
    above, below = (reduce(lambda sum_, c: sum_ * x + c, p[1:], F.lit(p[0])) for p in polynomials)
    return above / below
