"""The operations of Redis and PostgreSQL that lookups and warming use. chalicelib/stores implements them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from chalicelib.features.codec import CachedValue, CellAnimals, pack
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import DemandCounts
from chalicelib.features.redis_keys import value_key


class Entry(NamedTuple):
    """A value to write under a key, with a TTL in seconds."""

    key: bytes
    value: bytes
    seconds: float

    @classmethod
    def of(cls, value: CachedValue) -> Self:
        """Return the entry of a cell's animals, which Redis deletes at the hard expiry."""
        found = value.cell_animals
        return cls(value_key(found.cell, found.version), pack(value), value.hard - value.created)


class Publication(NamedTuple):
    """An entry to write, and the rollout that the database has.

    `known`: the rollout that this process knew before. The one in Redis is overwritten only if it is still that one, or
    if there is none, so that a lookup that began before a switch of datasets does not undo the switch. None: the
    process knew none, so only a missing one is written.
    """

    entry: Entry
    rollout: bytes
    known: bytes | None


class Cache(Protocol):
    """The operations of Redis. Every method raises `CacheError` on failure and returns by the deadline."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """Return the value of a key, or None."""

    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None:
        """Send demand counts and return the value of a key, in one round trip."""

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease for `seconds` if it is free, by writing `token` to it, and read `key` in the same round trip.

        Returns the previous content of the lease (None if it was free) and the value of `key`.
        """

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the rollout, and delete the lease if it still contains `token`."""

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Delete the lease, or replace it with `note` for `seconds`, but only if it still contains `token`."""

    # Used by warming

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        """Return the first `codec.HEADER.size` bytes of each key's value; b"" if the key has no value."""

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        """Write values with their TTLs."""

    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None:
        """Write the rollout for `seconds`. `known`: overwrite only this one; None: overwrite any."""

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        """Return the requests of the `count` most requested cells of each hour since 1970. Delete all other counts."""

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        """Return the number of cache hits in one hour, and the number of hits on warmed values among them."""


class Store(Protocol):
    """The operations of PostgreSQL."""

    @property
    def breaker_is_open(self) -> bool:
        """Return whether the circuit breaker currently rejects queries."""

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        """Return the animals of each cell, in order, by the deadline.

        They are of the dataset that answers for the cell, or of `version`. Raises `StoreError`.
        """
