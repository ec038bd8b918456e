"""Where features come from: what the algorithm in features.py needs of Redis and of PostgreSQL, and no more."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chalicelib.features.codec import CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import DemandCounts


class Publication(NamedTuple):
    """A value to write under a key for so many seconds, and the version of its dataset.

    `news`: the version differs from what Redis said. Otherwise it is only written where Redis has none, so that a
    look-up that began before a switch of datasets cannot undo its announcement.
    """

    key: bytes
    value: bytes
    seconds: float
    version: str
    news: bool


class Entry(NamedTuple):
    """A value to write under a key, for so many seconds."""

    key: bytes
    value: bytes
    seconds: float


class Cache(Protocol):
    """What the algorithm needs of Redis. Every method raises `CacheError` and ends by the deadline."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """The value of a key."""

    def check_in(self, key: bytes, tally: DemandCounts, deadline: Deadline) -> bytes | None:
        """The value of a key, and in the same message the demand counted since the last time."""

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease if it is free. Returns who held it before (None: it is ours now) and the value of `key`."""

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the version of its dataset, and give the lease back if it is still ours."""

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Give a lease back if it is still ours, or leave a note in its place for `seconds`."""


class Store(Protocol):
    """What the algorithm needs of PostgreSQL."""

    @property
    def is_resting(self) -> bool:
        """Whether it failed so often that it is left alone for now."""

    def features_of(self, cells: Sequence[int], deadline: Deadline) -> list[CellAnimals]:
        """What the active dataset knows of each cell, one entry a cell. Raises `StoreError`; ends by the deadline."""
