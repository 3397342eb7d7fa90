"""How a block of offers is laid out in binary columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.portfolio.choice import Floats, Ints, Offers
from penstock.portfolio.passes import Applicants, Keys

PACKED = (
    "applicants INT, duplicate STRING, hashes BINARY, keys ARRAY<STRING>, starts BINARY, "
    "numbers BINARY, cells BINARY, amounts BINARY"
)
_TYPES = pa.schema(
    [
        ("applicants", pa.int32()),
        ("duplicate", pa.string()),
        ("hashes", pa.binary()),
        ("keys", pa.list_(pa.string())),
        ("starts", pa.binary()),
        ("numbers", pa.binary()),
        ("cells", pa.binary()),
        ("amounts", pa.binary()),
    ]
)
_BINARY = ("hashes", "starts", "numbers", "cells", "amounts")

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Block:
    """Applicants in the order of hash and key, with their offers in the order of their numbers.

    Attributes:
        keys: None where a pass has no need of them.
        numbers: Of the offers.
    """

    hashes: Ints
    keys: Keys | None
    numbers: NDArray[np.int32]
    offers: Offers

    @classmethod
    def unpack(cls, row: Mapping[str, Any], n_amounts: int) -> "Block":
        """Read a row of `PACKED`."""
        keys = row.get("keys")
        offers = Offers(
            np.frombuffer(row["starts"], np.int64),
            np.frombuffer(row["cells"], np.int32),
            np.frombuffer(row["amounts"], np.float64).reshape(n_amounts, -1),
        )
        return cls(
            np.frombuffer(row["hashes"], np.int64),
            None if keys is None else np.array(keys, object),
            np.frombuffer(row["numbers"], np.int32),
            offers,
        )

    def of(self, applicants: Ints) -> "Block":
        """Return the block of some of its applicants."""
        rows = self.offers.rows_of(applicants)
        keys = None if self.keys is None else self.keys[applicants]
        return Block(self.hashes[applicants], keys, self.numbers[rows], self.offers.of(applicants))

    def _twice(self) -> int | None:
        again = np.flatnonzero(self.numbers[1:] == self.numbers[:-1]) + 1
        within = again[~np.isin(again, self.offers.starts)]
        if not len(within):
            return None
        return int(np.searchsorted(self.offers.starts, within[0], side="right")) - 1

    def pack(self) -> pa.RecordBatch:
        """Return the block as one row of `PACKED`, naming a key that has an offer twice."""
        assert self.keys is not None
        twice = self._twice()
        columns = [
            len(self.keys),
            None if twice is None else self.keys[twice],
            self.hashes.tobytes(),
            self.keys.tolist(),
            self.offers.starts.tobytes(),
            self.numbers.tobytes(),
            self.offers.cells.tobytes(),
            np.ascontiguousarray(self.offers.amounts).tobytes(),
        ]
        return pa.record_batch(
            [pa.array([c], t.type) for c, t in zip(columns, _TYPES, strict=True)], schema=_TYPES
        )


def read_blocks(batches: Batches, n_amounts: int) -> Iterator[Block]:
    """Read the blocks of a partition, one at a time."""
    for batch in batches:
        for at in range(batch.num_rows):
            row: dict[str, Any] = {name: batch.column(name)[at].as_buffer() for name in _BINARY}
            if "keys" in batch.schema.names:
                row["keys"] = batch.column("keys")[at].as_py()
            yield Block.unpack(row, n_amounts)


def pack_rows(batches: Batches, n_amounts: int) -> Batches:
    """Pack rows of offers, ordered by block, hash, key and number, into blocks."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        blocks = batch.column("block").to_numpy()
        cuts = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), batch.num_rows]
        for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
            part = batch.slice(begin, end - begin)
            if held and held[0].column("block")[0] != part.column("block")[0]:
                yield _block(held, n_amounts).pack()
                held = []
            if part.num_rows:
                held.append(part)
    if held:
        yield _block(held, n_amounts).pack()


def merged(blocks: Sequence[Block], n_amounts: int) -> Applicants:
    """Return the applicants of several blocks in the order of hash and key."""
    if not blocks:
        nothing = Offers(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty((n_amounts, 0)))
        return Applicants(np.empty(0, object), nothing)
    hashes = np.concatenate([block.hashes for block in blocks])
    keys = np.concatenate([block.keys for block in blocks if block.keys is not None])
    sizes = np.concatenate([np.diff(block.offers.starts) for block in blocks])
    whole = Offers(
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([block.offers.cells for block in blocks]),
        np.concatenate([block.offers.amounts for block in blocks], axis=1),
    )
    order = np.lexsort((keys.astype(str), hashes))
    return Applicants(keys[order], whole.of(order))


def _block(parts: Sequence[pa.RecordBatch], n_amounts: int) -> Block:
    table = pa.Table.from_batches(parts).combine_chunks()
    keys, hashes = table["key"], table["hash"].to_numpy()
    texts = keys.to_numpy(zero_copy_only=False)
    firsts = np.flatnonzero(np.r_[True, texts[1:] != texts[:-1]])
    amounts: Floats = np.asarray(table["amounts"].combine_chunks().flatten()).reshape(-1, n_amounts)
    offers = Offers(
        np.r_[firsts, len(texts)].astype(np.int64),
        table["cell"].to_numpy().astype(np.int32),
        np.ascontiguousarray(amounts.T),
    )
    return Block(hashes[firsts], texts[firsts], table["number"].to_numpy().astype(np.int32), offers)
