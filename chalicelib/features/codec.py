"""The binary format of one cell's features in the cache.

    offset  bytes
         0      4  magic, b"FLNS"
         4      4  CRC-32 of everything after it
         8      1  version of this format (1)
         9      1  flags: 1 = written by the warming schedule
        10      2  v, length of the dataset version in bytes
        12      2  a, length of the areas in bytes
        14      2  0
        16      8  cell
        24     24  created, soft expiry, hard expiry: seconds since 1970, float64
        48      4  n, number of animals
        52      4  0
        56     4n  animal ids, int32, ascending
             + 4n  weights, float32
             +  n  statuses, uint8
             +  v  dataset version, UTF-8
             +  a  areas, ASCII, separated by spaces

Little-endian. 9 bytes per animal: 0.7 KB for a cell with 74 animals, 450 KB for one with 50,000. Unpacked arrays are
views into the bytes read from the cache, so unpacking copies nothing; only the CRC grows with the size.
"""

import struct
from math import isfinite
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

MAGIC = b"FLNS"
FORMAT = 1
HEADER = struct.Struct("<4sIBBHHHQdddII")
"""The first 56 bytes: enough to know the cell and the expiry dates."""

MOST_ANIMALS = 100_000
"""Animals of one cell: more than any dataset has, so that a wrong count cannot fill memory."""
LONGEST_LIFE = 366 * 86_400.0
"""Seconds from creation to hard expiry. A wrong date must not keep a value for ever."""

_NATIVE, _INTRODUCED = 1, 2
_WARMED = 1
_CRC_FROM = 8


class CorruptValue(ValueError):
    """The bytes are not a packed value, or belong to another cell or dataset."""


class CellAnimals(NamedTuple):
    """The animals of one cell in one dataset.

    `areas`: ISO 3166-1 alpha-2 codes. `animals`: ids, int32, ascending. `weights`: float32 in (0, 1].
    `status`: uint8, 1 native, 2 introduced. All three arrays have the same length. Open sea has neither areas
    nor animals.
    """

    cell: int
    version: str
    areas: tuple[str, ...]
    animals: NDArray[np.int32]
    weights: NDArray[np.float32]
    status: NDArray[np.uint8]

    @property
    def is_empty(self) -> bool:
        """Whether the dataset has neither areas nor animals for the cell."""
        return not self.areas and not len(self.animals)


class CachedValue(NamedTuple):
    """Animals of a cell with their dates: stale after `soft`, deleted after `hard`; seconds since 1970."""

    cell_animals: CellAnimals
    created: float
    soft: float
    hard: float
    warmed: bool = False


def pack(value: CachedValue) -> bytes:
    """The bytes of a value; the inverse of `unpack`."""
    animals = value.cell_animals
    version, areas = animals.version.encode(), " ".join(animals.areas).encode("ascii")
    head = HEADER.pack(
        MAGIC,
        0,
        FORMAT,
        _WARMED if value.warmed else 0,
        len(version),
        len(areas),
        0,
        animals.cell,
        value.created,
        value.soft,
        value.hard,
        len(animals.animals),
        0,
    )
    rest = b"".join(
        (
            head[_CRC_FROM:],
            animals.animals.astype("<i4", copy=False).tobytes(),
            animals.weights.astype("<f4", copy=False).tobytes(),
            animals.status.astype("u1", copy=False).tobytes(),
            version,
            areas,
        )
    )
    return MAGIC + crc32(rest).to_bytes(4, "little") + rest


def unpack(data: bytes, cell: int, version: str) -> CachedValue:
    """The value in bytes read for `cell` and dataset `version`. Raises `CorruptValue` if they hold anything else."""
    if len(data) < HEADER.size:
        raise CorruptValue(f"{len(data)} bytes; a value has at least {HEADER.size}")
    magic, crc, form, flags, v, a, _, its_cell, created, soft, hard, n, _ = HEADER.unpack_from(data)
    if magic != MAGIC or form != FORMAT:
        raise CorruptValue("not a value of this format")
    if len(data) != HEADER.size + 9 * n + v + a:
        raise CorruptValue(f"{len(data)} bytes, its header promises {HEADER.size + 9 * n + v + a}")
    if crc32(memoryview(data)[_CRC_FROM:]) != crc:
        raise CorruptValue("its checksum differs")
    text = HEADER.size + 9 * n
    if its_cell != cell or data[text : text + v] != version.encode():
        raise CorruptValue("a value of another cell or dataset")
    if not (isfinite(created) and created <= soft <= hard <= created + LONGEST_LIFE):
        raise CorruptValue("its times are out of order, or too far apart")
    areas = data[text + v :]
    animals = CellAnimals(
        cell,
        version,
        tuple(areas.decode("ascii", "replace").split(" ")) if areas else (),
        np.frombuffer(data, "<i4", n, HEADER.size),
        np.frombuffer(data, "<f4", n, HEADER.size + 4 * n),
        np.frombuffer(data, "u1", n, HEADER.size + 8 * n),
    )
    _expect_plausible(animals)
    return CachedValue(animals, created, soft, hard, bool(flags & _WARMED))


def _expect_plausible(value: CellAnimals) -> None:
    """Raise `CorruptValue` for contents that no dataset has. A checksum proves only that the writer meant them."""
    animals, weights, status = value.animals, value.weights, value.status
    if not len(animals):
        return
    if len(animals) > MOST_ANIMALS:
        raise CorruptValue(f"{len(animals)} animals; at most {MOST_ANIMALS} are plausible")
    if animals[0] < 0 or not (animals[1:] > animals[:-1]).all():
        raise CorruptValue("its animal ids are not ascending")
    if not (weights.min() > 0 and weights.max() <= 1):  # false for NaN too
        raise CorruptValue("a weight is not in (0, 1]")
    if status.min() < _NATIVE or status.max() > _INTRODUCED:
        raise CorruptValue("a status is neither native nor introduced")


def soft_expiry(head: bytes, cell: int) -> float:
    """Soft expiry from the first `HEADER.size` bytes of a value. Raises `CorruptValue` if they are not of `cell`."""
    if len(head) != HEADER.size:
        raise CorruptValue(f"{len(head)} bytes, a header has {HEADER.size}")
    magic, _, form, _, _, _, _, its_cell, _, soft, _, _, _ = HEADER.unpack(head)
    if magic != MAGIC or form != FORMAT or its_cell != cell or not isfinite(soft):
        raise CorruptValue("not the header of a value of this cell")
    return float(soft)
