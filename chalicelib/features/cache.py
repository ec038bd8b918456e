"""What lookups and warming use in Redis and PostgreSQL: the rollout of datasets, keys, values, counts and operations.

docs/explanation/features.md explains the keys. stores/redis_cache.py puts `REDIS_PREFIX` before each key. The key of a
cell's value and the key of its lease contain the same part in braces (a hash tag). A cluster therefore keeps both in
one slot, so one round trip can use both. The key of the lease does not contain the dataset's version, because a process
may take the lease before it knows the version.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple, Protocol, Self

from chalicelib.deadline import Deadline
from chalicelib.features.codec import CachedValue, CellAnimals, pack

BUCKETS = 10_000
"""Number of buckets into which cells are divided. A trial takes the first ones, so a larger share keeps its cells."""
_PRIME = 104_729


class Rollout(NamedTuple):
    """The active dataset, and a candidate that is on trial for a share of the cells.

    `switch`: number of the change that led to this state; a database numbers its changes, so no two states are equal.
    `active`, `candidate`: versions. `share`: number of the `BUCKETS` that are on trial. `in_shadow`: whether the
    active dataset answers for cells on trial too, and the candidate is only compared with it.
    """

    switch: int
    active: str
    candidate: str | None = None
    share: int = 0
    in_shadow: bool = False

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """Parse a text that `to_text` or the SQL function `rollout_text` returned. Raises `ValueError` for others."""
        with suppress(RecursionError):  # of lists within lists
            match json.loads(text):
                case [int() as switch, str() as active, str() | None as candidate, int() as share, bool() as in_shadow]:
                    return cls(switch, active, candidate, share, in_shadow)
        raise ValueError("the text is not a rollout as `to_text` writes it")

    def to_text(self) -> str:
        """Return the rollout as text."""
        return json.dumps(self, allow_nan=False)

    def version_of(self, cell: int) -> str:
        """Return the version of the dataset that answers for a cell."""
        if self.candidate is None or self.in_shadow or bucket_of(cell) >= self.share:
            return self.active
        return self.candidate

    def shadow_of(self, cell: int) -> str | None:
        """Return the version of the dataset in shadow for a cell, or None."""
        return self.candidate if self.in_shadow and bucket_of(cell) < self.share else None


def bucket_of(cell: int) -> int:
    """Return the bucket of a cell, as the SQL function `bucket_of` does. Neighbours are in unrelated buckets."""
    return cell % _PRIME * 48_271 % _PRIME * BUCKETS // _PRIME


class ActiveRollout:
    """The rollout of datasets, which the process trusts for `ttl` seconds after each read.

    `value` is None until the first successful read. `text`: what was last read, even if it was corrupt. All times are
    in seconds on the monotonic clock.
    """

    def __init__(self, ttl: float) -> None:
        self.value: Rollout | None = None
        self.text: bytes | None = None
        self._ttl = ttl
        self._since = -inf
        self._trusted_until = 0.0

    def is_trusted(self, moment: float) -> bool:
        """Return whether the rollout can still be used at `moment` without a new read."""
        return moment < self._trusted_until

    def version_of(self, cell: int) -> str | None:
        """Return the version of the dataset that answers for a cell, or None if it is unknown."""
        return self.value and self.value.version_of(cell)

    def shadow_of(self, cell: int) -> str | None:
        """Return the version of the dataset in shadow for a cell, or None."""
        return self.value and self.value.shadow_of(cell)

    def set(self, text: bytes, since: float) -> None:
        """Trust a rollout for `ttl` seconds from `since`, the time at which the read of it began.

        A switch during the read is then noticed within `ttl` seconds. For the same reason, a read that began before
        that of the known rollout is ignored. Raises `ValueError` if the text is corrupt.
        """
        if since < self._since:
            return
        self.text = text
        self.value = Rollout.from_text(text)
        self._since, self._trusted_until = since, since + self._ttl

    def keep(self, since: float) -> None:
        """Trust the known rollout, if there is one, for another `ttl` seconds from `since`."""
        if self.value is not None:
            self._since, self._trusted_until = since, since + self._ttl


ROLLOUT = b"rollout"
"""The key of the rollout of datasets: which one is active, and which one is on trial."""
HEALTH = b"health"
"""An empty key that each health check writes, with a TTL of one second."""
HOURS = 24
"""Number of hours for which Redis keeps demand."""
KEEP_SECONDS = (HOURS + 1) * 3600
"""TTL of one hour's counts in Redis, in seconds."""
SEEN_DAYS = 14
"""Number of days for which Redis keeps the counts of photos by class (telemetry/drift.py)."""
KEEP_SEEN = (SEEN_DAYS + 1) * 86_400
"""TTL of one hour's counts by class in Redis, in seconds."""


def value_key(cell: int, version: str) -> bytes:
    """Return the key of a cell's features in one dataset; `pack` makes its value."""
    return f"{{{cell:x}}}:{version}".encode()


def taxon_key(taxon: str, part: str, version: str) -> bytes:
    """Return the key of one part of the facts about a taxon, in compressed JSON. `part`: a query in taxa.sql."""
    return f"taxon:{taxon}:{part}:{version}".encode()


def lease_key(cell: int) -> bytes:
    """Return the key of a cell's lease, which is set while one process queries the database for the cell."""
    return f"{{{cell:x}}}:lease".encode()


def shadow_lease_key(cell: int) -> bytes:
    """Return the key of the lease for the dataset in shadow. No answer waits for it."""
    return f"{{{cell:x}}}:shadow-lease".encode()


def demand_key(hour: int) -> bytes:
    """Return the key of a sorted set: the cells by number of requests in one hour. `hour`: hours since 1970."""
    return f"demand:{hour}".encode()


def hits_key(hour: int) -> bytes:
    """Return the key of a hash with two counts for one hour: `hits`, and `warmed`, the hits on warmed values."""
    return f"hits:{hour}".encode()


def seen_key(hour: int) -> bytes:
    """Return the key of a hash: the number of photos of one hour in each of their classes (telemetry/drift.py)."""
    return f"seen:{hour}".encode()


def reference_key(release: str) -> bytes:
    """Return the key of a release's reference: the photos in each class, by hour of the day (telemetry/drift.py)."""
    return f"reference:{release}".encode()


def rollout_text_of(found: CellAnimals) -> bytes:
    """Return the text of the rollout in a database's row. An earlier release's has none; then its dataset is active."""
    return (found.rollout or Rollout(0, found.version).to_text()).encode()


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

    `known`: the rollout that this process knew before. The rollout in Redis is overwritten only if it equals `known` or
    is missing. Otherwise a lookup that began before a switch of datasets would undo the switch. None: the process knew
    no rollout, so one is written only if Redis has none.
    """

    entry: Entry
    rollout: bytes
    known: bytes | None


@dataclass(slots=True)
class DemandCounts:
    """Counts of requests, of photos and of answers since the last report to Redis.

    `cells`: requests by cell. `hits`: requests served without a database query. `warmed`: hits on values that cache
    warming wrote. `seen`: photos by each class that they belong to (telemetry/drift.py).
    """

    cells: dict[int, int] = field(default_factory=dict)
    hits: int = 0
    warmed: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Demand:
    """The counts of this process, for at most `cells` different cells and classes between two calls of `take`.

    Every few seconds, when the process reads the rollout from Redis, it sends its counts in the same round trip, so
    that counting needs no command of its own. A container that stops loses its counts of the last few seconds. There is
    no lock, so concurrent threads may lose a count. A lock would cost more than an exact count is worth.
    """

    def __init__(self, cells: int = 512) -> None:
        self._cells = cells
        self._counts = DemandCounts()

    def note(self, cell: int, *, hit: bool, warmed: bool) -> None:
        """Count one request for a cell."""
        counts = self._counts
        count = counts.cells.get(cell, 0)
        if count or len(counts.cells) < self._cells:
            counts.cells[cell] = count + 1
        counts.hits += hit
        counts.warmed += hit and warmed

    def see(self, classes: Iterable[str]) -> None:
        """Count a photo in each class that it belongs to."""
        seen = self._counts.seen
        seen.update(each for each in classes if each in seen or len(seen) < self._cells)

    def take(self) -> DemandCounts:
        """Return the counts so far and start again from zero."""
        counts, self._counts = self._counts, DemandCounts()
        return replace(counts, cells=dict(counts.cells), seen=Counter(counts.seen))  # a thread may still add to them


class Cache(Protocol):
    """The Redis operations, explained in stores/redis_cache.py. They raise `CacheError` and return by the deadline."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None: ...
    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None: ...
    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]: ...
    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None: ...
    def release(
        self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0
    ) -> None: ...
    # Used by warming
    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]: ...
    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None: ...
    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None: ...
    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]: ...
    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]: ...


class Store(Protocol):
    """The PostgreSQL operations, which stores/postgres.py explains. They raise `StoreError`."""

    @property
    def breaker_is_open(self) -> bool: ...
    def features_of(
        self, cells: Sequence[int], deadline: Deadline, version: str | None = None
    ) -> list[CellAnimals]: ...
