"""The binary format of one cell's features in Redis; cache.py has the keys.

    offset  bytes
         0      4  magic, b"FLNS"
         4      4  CRC-32 of all bytes after this field
         8      1  version of this format (2)
         9      1  flags: 1 = written by cache warming, 2 = with seasons
        10      2  v, length of the dataset's version in bytes
        12      2  a, length of the areas in bytes
        14      2  u, number of unknown animals
        16      8  cell
        24     24  created, soft expiry, hard expiry: seconds since 1970, float64
        48      4  n, number of animals
        52      4  r, number of relatives
        56     4n  animal ids, int32, ascending
             + 4n  weights, float32
             + 4u  ids of unknown animals, int32
             + 2r  numbers of relatives, uint16
             +  n  statuses, uint8
             +  v  dataset's version, UTF-8
             +  a  areas, ASCII, separated by spaces
             + 4s  ids of animals with a season, int32, ascending: only with flag 2, up to the end
             +12s  their months, uint8

Numbers are little-endian. Each animal takes 9 bytes and each relative 2, so a cell with 74 animals and 60 relatives
takes 0.9 KB, and one with 50,000 animals 450 KB. A season takes 16 bytes more. Unpacking copies no arrays: they are
views of the bytes that were read from the cache.
"""

import random
import struct
from array import array
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.features import TtlPolicy

MAGIC = b"FLNS"
FORMAT = 2
HEADER = struct.Struct("<4sIBBHHHQdddII")
"""The first 56 bytes of a value, with its cell and expiry dates."""

MOST_ANIMALS = 100_000
"""Maximum number of animals in one cell. Every real dataset has fewer; a larger number shows a corrupt value."""
LONGEST_LIFE = 366 * 86_400.0
"""Maximum time from creation to hard expiry, in seconds, so that a wrong date cannot keep a value for ever."""

_NATIVE, _INTRODUCED = 1, 2
_WARMED, _WITH_SEASONS = 1, 2
_SEASON_BYTES = 4 + 12
_CRC_FROM = 8
NO_UNKNOWN: NDArray[np.int32] = np.frombuffer(b"", np.int32)
NO_RELATIVES: NDArray[np.uint16] = np.frombuffer(b"", np.uint16)


class CorruptValue(ValueError):
    """An error for bytes that are not a packed value, or that belong to another cell or dataset."""


class Seasons(NamedTuple):
    """The share of an animal's weight that counts in each month.

    `animals`: ids of the animals with a season, int32, ascending. `months`: uint8, shape (animals, 12), at most 255.
    """

    animals: NDArray[np.int32]
    months: NDArray[np.uint8]


NO_SEASONS = Seasons(NO_UNKNOWN, np.frombuffer(b"", np.uint8).reshape(0, 12))


class CellAnimals(NamedTuple):
    """The animals of one cell in one dataset.

    `areas`: ISO 3166-1 alpha-2 codes. `animals`: ids, int32, ascending. `weights`: float32 in (0, 1].
    `status`: uint8, 1 native, 2 introduced. All three arrays have the same length. Some open sea has neither areas nor
    animals. `unknown`: int32, ids of the animals of which the dataset does not say where they live; the same in all
    cells. `relatives`: uint16, numbers of the relatives that live in the cell (model/relatives.csv), the most
    widespread first. `rollout`: the text of the database's `Rollout`, which came in the same row; empty if there is
    none. It is not cached.
    """

    cell: int
    version: str
    areas: tuple[str, ...]
    animals: NDArray[np.int32]
    weights: NDArray[np.float32]
    status: NDArray[np.uint8]
    unknown: NDArray[np.int32] = NO_UNKNOWN
    relatives: NDArray[np.uint16] = NO_RELATIVES
    seasons: Seasons = NO_SEASONS
    rollout: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether the dataset has neither areas nor animals for the cell."""
        return not self.areas and not len(self.animals)


NO_ANIMALS = CellAnimals(0, "", (), NO_UNKNOWN, np.frombuffer(b"", np.float32), np.frombuffer(b"", np.uint8))
"""No animals, of no dataset."""


def cell_animals_of(row: Sequence[Any], *, with_seasons: bool = False) -> CellAnimals:
    """Return the animals in a row of the SQL function `features_of` (faunalens/data/schema.sql has its columns).

    Rows of an earlier release lack the column of the rollout. `with_seasons`: whether the row ends with the two columns
    of `seasons_of`. Raises `ValueError` if requests could not use the animals.
    """
    *columns, seasonal, months = row if with_seasons else (*row, (), b"")
    cell, version, areas, animals, weights, statuses, unknown, relatives, *rollout = columns
    if not len(animals) == len(weights) == len(statuses):
        raise ValueError(
            f"arrays differ in length: {len(animals)} animals, {len(weights)} weights and {len(statuses)} statuses"
        )
    if not all(area.isascii() and area.isalnum() for area in areas):  # the codec joins areas with spaces
        raise ValueError("an area is not an alphanumeric ASCII code")
    # Conversion via bytes is three times as fast as numpy's from lists, and the arrays are read-only.
    found = CellAnimals(
        cell,
        version,
        tuple(areas),
        np.frombuffer(array("i", animals).tobytes(), np.int32),
        np.frombuffer(array("f", weights).tobytes(), np.float32),
        np.frombuffer(bytes(statuses), np.uint8),
        np.frombuffer(array("i", unknown).tobytes(), np.int32),
        np.frombuffer(array("H", relatives).tobytes(), np.uint16),
        rollout=(rollout[0] or "") if rollout else "",
    )
    if seasonal:
        of_months = np.frombuffer(bytes(months), np.uint8).reshape(len(seasonal), 12)
        found = found._replace(seasons=Seasons(np.frombuffer(array("i", seasonal).tobytes(), np.int32), of_months))
    expect_plausible(found)  # a value that other processes cannot use must not be written to Redis
    return found


class CachedValue(NamedTuple):
    """The animals of a cell, stale after `soft` and deleted after `hard`. All dates are in seconds since 1970."""

    cell_animals: CellAnimals
    created: float
    soft: float
    hard: float
    warmed: bool = False

    @classmethod
    def stamped(cls, animals: CellAnimals, ttl: TtlPolicy, now: float, *, warmed: bool = False) -> Self:
        """Return the value to cache for these animals. Its TTLs start at `now`, in seconds since 1970.

        >>> open_sea = CellAnimals(0, "v1", areas=(), animals=[], weights=[], status=[])
        >>> CachedValue.stamped(open_sea, TtlPolicy(soft=3600, hard=86400, empty_factor=0.25, jitter=0), now=0.0).soft
        900.0
        """
        factor = ttl.empty_factor if animals.is_empty else 1.0
        soft, hard = (
            now + factor * seconds * random.uniform(1 - ttl.jitter, 1 + ttl.jitter)  # noqa: S311 — jitter, not a secret
            for seconds in (ttl.soft, ttl.hard)
        )
        return cls(animals, now, soft, max(soft, hard), warmed)


def pack(value: CachedValue) -> bytes:
    """Return a value as bytes, in the format that `unpack` reads."""
    animals = value.cell_animals
    version, areas = animals.version.encode(), " ".join(animals.areas).encode("ascii")
    flags = (_WARMED if value.warmed else 0) | (_WITH_SEASONS if len(animals.seasons.animals) else 0)
    lengths = len(version), len(areas), len(animals.unknown)
    dates, counts = (value.created, value.soft, value.hard), (len(animals.animals), len(animals.relatives))
    head = HEADER.pack(MAGIC, 0, FORMAT, flags, *lengths, animals.cell, *dates, *counts)
    rest = b"".join(
        (
            head[_CRC_FROM:],
            animals.animals.astype("<i4", copy=False).tobytes(),
            animals.weights.astype("<f4", copy=False).tobytes(),
            animals.unknown.astype("<i4", copy=False).tobytes(),
            animals.relatives.astype("<u2", copy=False).tobytes(),
            animals.status.astype("u1", copy=False).tobytes(),
            version,
            areas,
            animals.seasons.animals.astype("<i4", copy=False).tobytes(),
            animals.seasons.months.astype("u1", copy=False).tobytes(),
        )
    )
    return MAGIC + crc32(rest).to_bytes(4, "little") + rest


def unpack(data: bytes, cell: int, version: str) -> CachedValue:
    """Unpack a value of `cell` in dataset `version`. Raises `CorruptValue` if the bytes are not such a value."""
    if len(data) < HEADER.size:
        raise CorruptValue(f"the value has {len(data)} bytes, expected at least {HEADER.size}")
    magic, crc, form, flags, v, a, u, its_cell, created, soft, hard, n, r = HEADER.unpack_from(data)
    if magic != MAGIC or form != FORMAT:
        raise CorruptValue("the value is not in the expected format")
    unknown = HEADER.size + 8 * n
    relatives = unknown + 4 * u
    status = relatives + 2 * r
    text = status + n
    end = text + v + a
    seasons = (len(data) - end) // _SEASON_BYTES if flags & _WITH_SEASONS else 0
    if seasons < 0 or len(data) != end + _SEASON_BYTES * seasons:
        raise CorruptValue(f"the value has {len(data)} bytes, expected {end} and {_SEASON_BYTES} for each season")
    if crc32(memoryview(data)[_CRC_FROM:]) != crc:
        raise CorruptValue("the value does not match its checksum")
    if its_cell != cell or data[text : text + v] != version.encode():
        raise CorruptValue("the value belongs to another cell or dataset")
    if not (isfinite(created) and created <= soft <= hard <= created + LONGEST_LIFE):
        raise CorruptValue("the value's dates are out of order or too far apart")
    areas = data[text + v : end]
    animals = CellAnimals(
        cell,
        version,
        tuple(areas.decode("ascii", "replace").split(" ")) if areas else (),
        np.frombuffer(data, "<i4", n, HEADER.size),
        np.frombuffer(data, "<f4", n, HEADER.size + 4 * n),
        np.frombuffer(data, "u1", n, status),
        np.frombuffer(data, "<i4", u, unknown),
        np.frombuffer(data, "<u2", r, relatives),
    )
    if seasons:
        months = np.frombuffer(data, "u1", 12 * seasons, end + 4 * seasons).reshape(seasons, 12)
        animals = animals._replace(seasons=Seasons(np.frombuffer(data, "<i4", seasons, end), months))
    expect_plausible(animals)
    return CachedValue(animals, created, soft, hard, bool(flags & _WARMED))


def expect_plausible(value: CellAnimals) -> None:
    """Raise `CorruptValue` for animals that this version of the app cannot use, in spite of a valid checksum.

    The writer may have a bug, or the dataset may be newer than the app and have, for example, a third status.
    """
    animals, weights, status = value.animals, value.weights, value.status
    if not len(animals):
        if len(value.seasons.animals):
            raise CorruptValue("there are seasons, but no animals")
        return
    if len(animals) > MOST_ANIMALS:
        raise CorruptValue(f"the value has {len(animals)} animals, expected at most {MOST_ANIMALS}")
    if animals[0] < 0 or not (animals[1:] > animals[:-1]).all():
        raise CorruptValue("the value's animal ids are not ascending")
    if not (weights.min() > 0 and weights.max() <= 1):  # false for NaN too
        raise CorruptValue("a weight is not in (0, 1]")
    if status.min() < _NATIVE or status.max() > _INTRODUCED:
        raise CorruptValue("a status is neither native nor introduced")
    seasonal = value.seasons.animals
    if len(seasonal):
        at = np.searchsorted(animals[:-1], seasonal)  # without the last one, every position is one of an animal
        if not ((seasonal[1:] > seasonal[:-1]).all() and (animals[at] == seasonal).all()):
            raise CorruptValue("the animals with a season are not ascending, or do not live in the cell")


def soft_expiry(head: bytes, cell: int) -> float:
    """Return the soft expiry in the header of a value. Raises `CorruptValue` if `head` is not a header for `cell`."""
    if len(head) != HEADER.size:
        raise CorruptValue(f"the header has {len(head)} bytes, expected {HEADER.size}")
    magic, _, form, _, _, _, _, its_cell, _, soft, _, _, _ = HEADER.unpack(head)
    if magic != MAGIC or form != FORMAT or its_cell != cell or not isfinite(soft):
        raise CorruptValue("the header does not belong to a value of this cell")
    return float(soft)
