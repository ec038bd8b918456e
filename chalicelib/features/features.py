"""The features of one cell: its animals, and the cache level they came from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.codec import NO_SEASONS, CellAnimals, Seasons
from chalicelib.features.trace import NO_TRACE, Trace

Mode = Literal["narrowed", "no_location", "unknown_area", "degraded"]
CacheLevel = Literal["memory", "hit", "stale", "miss", "bypass"]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The animals of a cell, and the cache level they came from.

    `animals` (int32 ids, ascending), `weights` (float32 in (0, 1]) and `status` (uint8: 1 native, 2 introduced) have
    the same length. `unknown`, `relatives` and `seasons` are as in `CellAnimals`. `month`: 1 to 12, the month
    whose season is in the weights; None if no season is. All arrays are read-only. `version`: the
    dataset's version; None if no features could be read. `faults`: codes of the faults during the lookup, in order,
    even if the lookup succeeded in the end.
    """

    mode: Mode
    cache: CacheLevel
    version: str | None
    areas: tuple[str, ...]
    animals: NDArray[np.int32]
    weights: NDArray[np.float32]
    status: NDArray[np.uint8]
    unknown: NDArray[np.int32]
    relatives: NDArray[np.uint16]
    faults: tuple[str, ...] = ()
    trace: Trace = NO_TRACE
    seasons: Seasons = NO_SEASONS
    month: int | None = None


_EMPTY: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint16]] = (
    np.frombuffer(b"", np.int32),
    np.frombuffer(b"", np.float32),
    np.frombuffer(b"", np.uint8),
    np.frombuffer(b"", np.int32),
    np.frombuffer(b"", np.uint16),
)
NO_LOCATION = Features("no_location", "bypass", None, (), *_EMPTY)
"""The features of a request with `location=none`."""


def features_of(
    found: CellAnimals, cache: CacheLevel, faults: tuple[str, ...] = (), trace: Trace = NO_TRACE
) -> Features:
    """Return the features of a cell from what a store has of it."""
    arrays = (found.areas, found.animals, found.weights, found.status, found.unknown, found.relatives)
    mode: Mode = "unknown_area" if found.is_empty else "narrowed"
    return Features(mode, cache, found.version, *arrays, faults, trace, found.seasons)


def degraded(faults: tuple[str, ...], trace: Trace = NO_TRACE) -> Features:
    """Return empty features, for a lookup that could not read any."""
    return Features("degraded", "bypass", None, (), *_EMPTY, faults=faults, trace=trace)
