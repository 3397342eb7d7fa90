"""Offers packed into blocks of binary columns, and passes over them by Arrow.

A block is a row: some thousand applicants by a hash of their key, each one's offers together in
their order. A pass ships what amounts are worth to the blocks and brings back sums by cell, each
exact: neither the number of blocks nor their order or their partitions moves a figure.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.portfolio.choice import NOBODY, Floats, Ints, Sums, choose, worths
from penstock.portfolio.packing import PACKED, Batches, Block, merged, pack_rows, read_blocks
from penstock.portfolio.passes import Applicants, near_indifference, sum_best

OFFERS = 50_000  # of a block, about
_BLOCKS = 8  # of a partition, about: what a Python worker holds at once
_HASHES = 2.0**64
_IN_MEMORY = 10_000_000  # offers, half a gigabyte

_SUMS = "place INT, high BINARY, low BINARY"
_CHOSEN = "application_id STRING, offer INT, worth DOUBLE, second_offer INT, margin DOUBLE"

_SUMS_TYPES = pa.schema([("place", pa.int32()), ("high", pa.binary()), ("low", pa.binary())])
_CHOSEN_TYPES = pa.schema(
    [
        ("application_id", pa.string()),
        ("offer", pa.int32()),
        ("worth", pa.float64()),
        ("second_offer", pa.int32()),
        ("margin", pa.float64()),
    ]
)


class Blocks:
    """Offers in blocks, kept in memory, or on disk if they are many, until `close`.

    Attributes:
        applicants: How many keys there are.
        duplicate: A key that has a number twice; None if there is none.

    Args:
        offers: `key` STRING, `number` INT, `cell` INT and `amounts` ARRAY<DOUBLE>: profit and
            measures in whole millionths; one row per key and number.
        n_offers: How many rows there are.
        n_cells: Number of cells.
        n_amounts: 1 + measures.
    """

    def __init__(self, offers: DataFrame, n_offers: int, n_cells: int, n_amounts: int) -> None:
        self.n_cells, self.n_amounts = n_cells, n_amounts
        n_blocks = max(-(-n_offers // OFFERS), 1)
        # Not the bits that a sample goes by.
        block = F.pmod(F.xxhash64("hash"), F.lit(n_blocks)).cast("int")
        hashed = offers.withColumn("hash", F.xxhash64("key")).withColumn("block", block)
        parted = hashed.repartition(max(n_blocks // _BLOCKS, 1), "block")
        ordered = parted.sortWithinPartitions("block", "hash", "key", "number")
        columns = ordered.select("block", "hash", "key", "number", "cell", "amounts")
        packed = columns.mapInArrow(lambda batches: pack_rows(batches, n_amounts), PACKED)
        # What memory does not hold would be read into it and put out of it again, pass by pass.
        is_small = n_offers <= _IN_MEMORY
        self.packed = packed.persist(
            StorageLevel.MEMORY_AND_DISK if is_small else StorageLevel.DISK_ONLY
        )
        counted = self.packed.agg(F.sum("applicants"), F.min("duplicate")).first()
        assert counted is not None
        self.applicants: int = counted[0] or 0
        self.duplicate: str | None = counted[1]
        self._drawn: dict[int, Applicants] = {}

    def close(self) -> None:
        """Let the blocks go."""
        self.packed.unpersist()

    def sums(self, values: Sequence[Floats]) -> list[Sums]:
        """Return, for each set of worths, the sums over the best offers: one pass for all sets."""
        shape, n_cells, n_amounts = (self.n_cells, self.n_amounts), self.n_cells, self.n_amounts

        def summed(batches: Batches) -> Batches:
            totals = [Sums.zero(shape) for _ in values]
            for block in read_blocks(batches, n_amounts):
                for place, each in enumerate(values):
                    totals[place] += sum_best(block.offers, each, n_cells)
            columns = [
                list(range(len(totals))),
                [total.high.tobytes() for total in totals],
                [total.low.tobytes() for total in totals],
            ]
            yield _batch(columns, _SUMS_TYPES)

        rows = self._columns(keys=False).mapInArrow(summed, _SUMS).collect()
        found = [Sums.zero(shape) for _ in values]
        for row in rows:
            high, low = (np.frombuffer(part, np.int64).reshape(shape) for part in row[1:])
            found[row.place] += Sums(high, low)
        return found

    def subsample(self, size: int) -> Applicants:
        """Return about so many applicants, or all: those of the lowest hashes."""
        if size not in self._drawn:
            self._drawn[size] = self._collect_lowest(size)
        return self._drawn[size]

    def near(self, values: Floats, widths: Floats) -> Applicants:
        """Return the applicants whose margin is at most the width of their best offer's cell."""

        def near(block: Block) -> Ints:
            return near_indifference(block.offers, values, widths)

        return self._collect(near)

    def chosen(self, values: Floats, moved: dict[str, int]) -> DataFrame:
        """Return everyone's offer: the best one, but for those who are moved.

        Args:
            moved: Key to the place of the offer among the applicant's, from 0; `NOBODY` for none.

        Returns:
            `application_id`, `offer` (null: none), `worth` of it, `second_offer` (null: none) and
            `margin` over it: below 0 where whole offers made the plan choose otherwise. Worths in
            millionths.
        """
        n_amounts = self.n_amounts

        def told(batches: Batches) -> Batches:
            for block in read_blocks(batches, n_amounts):
                yield _batch(_chosen(block, values, moved), _CHOSEN_TYPES)

        return self._columns(keys=True).mapInArrow(told, _CHOSEN)

    def _collect_lowest(self, size: int) -> Applicants:
        at_most = np.iinfo(np.int64).max
        if size < self.applicants:
            at_most = int(size / self.applicants * _HASHES - _HASHES / 2)

        def lowest(block: Block) -> Ints:
            return np.flatnonzero(block.hashes <= at_most)

        return self._collect(lowest)

    def _collect(self, pick: Callable[[Block], Ints]) -> Applicants:
        n_amounts = self.n_amounts

        def picked(batches: Batches) -> Batches:
            for block in read_blocks(batches, n_amounts):
                at = pick(block)
                if len(at):
                    yield block.of(at).pack()

        rows = self._columns(keys=True).mapInArrow(picked, PACKED).collect()
        parts = [Block.unpack(row.asDict(), n_amounts) for row in rows]
        return merged(parts, n_amounts)

    def _columns(self, *, keys: bool) -> DataFrame:
        return self.packed if keys else self.packed.drop("keys")


def _chosen(block: Block, values: Floats, moved: dict[str, int]) -> list[Any]:
    assert block.keys is not None
    worth = worths(block.offers, values)
    choice = choose(block.offers, worth)
    rows, others, margins = choice.rows.copy(), choice.others.copy(), choice.margins.copy()
    for at, key in enumerate(block.keys):
        if key in moved:
            best = rows[at]
            place = moved[key]
            rows[at] = NOBODY if place == NOBODY else block.offers.starts[at] + place
            others[at] = best
            margins[at] = _worth_at(worth, rows[at]) - _worth_at(worth, best)
    return [
        block.keys.tolist(),
        _numbers(block, rows),
        [_worth_at(worth, row) for row in rows],
        _numbers(block, others),
        margins,
    ]


def _worth_at(worth: Floats, row: int) -> float:
    return 0.0 if row == NOBODY else float(worth[row])


def _numbers(block: Block, rows: Ints) -> list[int | None]:
    return [None if row == NOBODY else int(block.numbers[row]) for row in rows]


def _batch(columns: Sequence[Any], types: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, types, strict=True)]
    return pa.record_batch(arrays, schema=types)
