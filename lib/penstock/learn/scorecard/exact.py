"""Sums of products that are the same to the last bit in whatever order they are added.

Numbers are rounded to fixed-point integers of 40 bits in two slices of 20. Products of slices and
their sums are whole numbers below 2^53, so that a matrix product in doubles makes no error at all;
larger ones are kept in two limbs, of which a double holds each.

Source:
    Ozaki, Ogita, Oishi and Rump, Numerical Algorithms 59 (2012): error-free matrix products by
    slices; Demmel and Nguyen, IEEE ARITH 21 (2013): pre-rounding makes sums reproducible.
"""

from math import frexp

import numpy as np
from numpy.typing import NDArray

SLICE_BITS = 20
# 2^20 x 2^20 x 2^13 = 2^53, the last whole number up to which doubles count; fewer rows, so that
# some hundred columns of a chunk stay in the processor's cache (half the time of 2^13).
CHUNK = 1 << 10
# A sum of 2^12 chunks stays below 2^63.
CHUNKS_IN_INT64 = 1 << 12
# A whole number is high x 2^53 + low.
LIMB_BITS = 53
LIMB = np.dtype("<i8")


def exponent_above(bound: float) -> int:
    """Return the smallest e with |x| < 2^e for all |x| <= bound, a finite number."""
    return frexp(bound)[1]


def slices(values: NDArray[np.float64], exponents: NDArray[np.int64]) -> NDArray[np.float64]:
    """Round rows of numbers below 2^exponent to 40 bits and cut them in two.

    Args:
        values: Shape (n_columns, n_rows).
        exponents: Shape (n_columns,): |values[i]| < 2^exponents[i].

    Returns:
        Whole numbers of shape (2 n_columns, n_rows): high slices first, then low ones.
    """
    n = len(values)
    cut = np.empty((2 * n, values.shape[1]))
    high, low = cut[:n], cut[n:]
    np.multiply(values, np.ldexp(1.0, 2 * SLICE_BITS - exponents)[:, None], out=low)
    np.rint(low, out=low)
    np.multiply(low, 2.0**-SLICE_BITS, out=high)
    np.rint(high, out=high)
    low -= high * 2.0**SLICE_BITS
    return cut


class ExactProducts:
    """Sums over rows of left[i] x right[j], for matrices in slices.

    Args:
        n_left: Columns on the left.
        n_right: Columns on the right.
    """

    def __init__(self, n_left: int, n_right: int) -> None:
        self._n_left, self._n_right = n_left, n_right
        self._sums = np.zeros((2 * n_left, 2 * n_right), dtype=np.int64)
        self._chunks = 0
        self._limbs = np.zeros((2, n_left, n_right), dtype=np.int64)

    def add(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> None:
        """Add at most `CHUNK` rows: `slices` of shape (2 n_left, n_rows), (2 n_right, n_rows)."""
        self._sums += (left @ right.T).astype(np.int64)
        self._chunks += 1
        if self._chunks == CHUNKS_IN_INT64:
            self._flush()

    def _flush(self) -> None:
        for left, of_left in enumerate(np.split(self._sums, [self._n_left])):
            for right, sums in enumerate(np.split(of_left, [self._n_right], axis=1)):
                self._limbs = _added(self._limbs, _limbs(sums, SLICE_BITS * (2 - left - right)))
        self._sums[:] = 0
        self._chunks = 0

    def to_bytes(self) -> bytes:
        """Return the sums, 16 bytes each: all high limbs row by row, then all low ones."""
        self._flush()
        return self._limbs.astype(LIMB).tobytes()


def total_of(
    parts: list[bytes], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Add the sums of partitions, in whatever order, and round each total once.

    Of more than 2^26 rows at the bound the high limb is rounded before.

    Args:
        parts: What `to_bytes` returned.
        left: Exponents of the columns on the left, shape (n_left,).
        right: Exponents of the columns on the right, shape (n_right,).

    Returns:
        Shape (n_left, n_right).
    """
    total = np.zeros((2, len(left), len(right)), dtype=np.int64)
    for part in parts:
        total = _added(total, np.frombuffer(part, LIMB).reshape(total.shape))
    high, low = total.astype(float)
    shifts = left[:, None] + right[None, :] - 4 * SLICE_BITS
    return np.asarray(np.ldexp(np.ldexp(high, LIMB_BITS) + low, shifts))


def _limbs(sums: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return whole numbers, 2^bits times as great: high limbs, and low ones of 0 to 2^53 - 1."""
    beyond = LIMB_BITS - bits
    return np.stack((sums >> beyond, (sums & ((1 << beyond) - 1)) << bits))


def _added(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    high, low = one + other
    return np.stack((high + (low >> LIMB_BITS), low & ((1 << LIMB_BITS) - 1)))
