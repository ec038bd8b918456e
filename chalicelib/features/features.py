"""The features of one place: the animals that live in its cell, and where they were found."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.trace import NO_TRACE, Trace

Mode = Literal["narrowed", "no_location", "unknown_area", "degraded"]
CacheLevel = Literal["memory", "hit", "stale", "miss", "bypass"]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The animals of a cell, and where they were found.

    `animals` (int32 ids, ascending), `weights` (float32 in (0, 1]) and `status` (uint8: 1 native, 2 introduced) have
    the same length and are read-only. `version`: of the dataset; None if none could be read. `faults`: codes of what
    went wrong during the lookup, in order, also if it succeeded in the end.
    """

    mode: Mode
    cache: CacheLevel
    version: str | None
    areas: tuple[str, ...]
    animals: NDArray[np.int32]
    weights: NDArray[np.float32]
    status: NDArray[np.uint8]
    faults: tuple[str, ...] = ()
    trace: Trace = NO_TRACE


_EMPTY: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]] = (
    np.frombuffer(b"", np.int32),
    np.frombuffer(b"", np.float32),
    np.frombuffer(b"", np.uint8),
)
NO_LOCATION = Features("no_location", "bypass", None, (), *_EMPTY)
"""Features of a request that asked not to be narrowed."""


def degraded(faults: tuple[str, ...], trace: Trace = NO_TRACE) -> Features:
    """Features that could not be read from anywhere."""
    return Features("degraded", "bypass", None, (), *_EMPTY, faults=faults, trace=trace)
