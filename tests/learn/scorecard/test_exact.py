from fractions import Fraction

import numpy as np
import pytest

from penstock.learn.scorecard.exact import (
    CHUNK,
    CHUNKS_IN_INT64,
    ExactProducts,
    exponent_above,
    slices,
    total_of,
)

RANDOM = np.random.default_rng(3)


def sums_of(left, right, left_exponents, right_exponents, chunk=CHUNK):
    sums = ExactProducts(len(left), len(right))
    for start in range(0, left.shape[1], chunk):
        some = slice(start, start + chunk)
        sums.add(slices(left[:, some], left_exponents), slices(right[:, some], right_exponents))
    return sums.to_bytes()


@pytest.mark.parametrize("bound", [1e-300, 0.3, 1.0, 7.9, 8.0, 1e300])
def test_the_exponent_is_the_power_of_two_just_above(bound):
    exponent = exponent_above(bound)
    assert Fraction(2) ** (exponent - 1) <= Fraction(bound) < Fraction(2) ** exponent


def test_numbers_on_the_grid_are_summed_without_any_error():
    left = RANDOM.integers(-(2**40) + 1, 2**40, (2, 500)) / 2.0**37
    right = RANDOM.integers(-(2**40) + 1, 2**40, (3, 500)) / 2.0**42
    exponents = np.array([3, 3]), np.array([-2, -2, -2])
    total = total_of([sums_of(left, right, *exponents)], *exponents)
    exact = [
        [sum(Fraction(a) * Fraction(b) for a, b in zip(x, y, strict=True)) for y in right]
        for x in left
    ]
    assert total.tolist() == [[float(number) for number in row] for row in exact]


def test_rounding_to_the_grid_is_all_the_error_of_other_numbers():
    left, right = RANDOM.uniform(-4, 4, (2, 1, 3000))
    exponents = np.array([2]), np.array([2])
    total = total_of([sums_of(left, right, *exponents)], *exponents)
    # 4 x 2^-41 of each factor, at worst all to one side.
    assert total[0, 0] == pytest.approx((left * right).sum(), abs=3000 * 8 * 4 * 2.0**-41)


def test_order_and_parts_do_not_change_a_bit():
    left, right = RANDOM.normal(0, 1, (3, 5000)), RANDOM.normal(0, 1e-3, (2, 5000))
    exponents = np.array([3, 3, 3]), np.array([-6, -6, -6])[:2]
    together = total_of([sums_of(left, right, *exponents)], *exponents)
    mixed = RANDOM.permutation(5000)
    parts = [
        sums_of(left[:, some], right[:, some], *exponents, chunk=77)
        for some in np.array_split(mixed, 7)
    ]
    assert (total_of(parts[::-1], *exponents) == together).all()


def test_many_rows_at_the_bound_do_not_overflow():
    # Each product of high slices is 2^40, the greatest there is.
    rows = np.full((1, CHUNK), 1 - 2.0**-40)
    part = slices(rows, np.array([0]))
    assert part[0].max() == 2.0**20
    sums = ExactProducts(1, 1)
    chunks = CHUNKS_IN_INT64 + 1
    for _ in range(chunks):
        sums.add(part, part)
    [[total]] = total_of([sums.to_bytes()], np.array([0]), np.array([0]))
    assert total == float(chunks * CHUNK * Fraction(1 - 2.0**-40) ** 2)
