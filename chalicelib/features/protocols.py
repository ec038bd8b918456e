"""What feature lookups need of Redis and of PostgreSQL. stores/ implements it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chalicelib.features.codec import CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import DemandCounts


class Publication(NamedTuple):
    """A value to write under a key with a TTL in seconds, and the version of its dataset.

    `version_changed`: the version differs from the one in Redis, so overwrite that. Otherwise write the version only if
    Redis has none: a lookup that began before a switch of datasets must not undo the switch.
    """

    key: bytes
    value: bytes
    seconds: float
    version: str
    version_changed: bool


class Entry(NamedTuple):
    """A value to write under a key, with a TTL in seconds."""

    key: bytes
    value: bytes
    seconds: float


class Cache(Protocol):
    """What a lookup needs of Redis. Every method raises `CacheError` on failure and returns by the deadline."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """The value of a key."""

    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None:
        """Send demand counts and read a key, in one round trip."""

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease if it is free. Returns its previous holder (None: it is ours now) and the value of `key`."""

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the version of its dataset, and release the lease if we still hold it."""

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Release a lease if we still hold it, or leave a note in its place for `seconds`."""


class Store(Protocol):
    """What a lookup needs of PostgreSQL."""

    @property
    def breaker_is_open(self) -> bool:
        """Whether the circuit breaker rejects queries for now, after repeated failures."""

    def features_of(self, cells: Sequence[int], deadline: Deadline) -> list[CellAnimals]:
        """The active dataset's animals for each cell, in order. Raises `StoreError`; returns by the deadline."""
