"""The keys in Redis, and the prefix of them all; docs/explanation/features.md explains the keys.

The keys of a cell's value and of its lease contain the same part in braces (a hash tag). A cluster therefore keeps both
keys in one slot, so one round trip can use both. The key of the lease does not contain the dataset's version,
because a process may take the lease before it knows the version.
"""

PREFIX = "faunalens:"
"""The beginning of every key: what a user of Redis may touch, and what stages on one Redis would have to differ in."""
ROLLOUT = f"{PREFIX}rollout".encode()
"""The key of the rollout of datasets: which one is active, and which one is on trial (features/rollout.py)."""
HEALTH = f"{PREFIX}health".encode()
"""An empty key that each health check writes, with a TTL of one second."""


def value_key(cell: int, version: str) -> bytes:
    """Return the key of a cell's features in one dataset; `pack` makes its value."""
    return f"{PREFIX}{{{cell:x}}}:{version}".encode()


def taxon_key(taxon: str, part: str, version: str) -> bytes:
    """Return the key of what one dataset says of a taxon; the value is compressed JSON. `part`: `facts`, `range` …"""
    return f"{PREFIX}taxon:{taxon}:{part}:{version}".encode()


def lease_key(cell: int) -> bytes:
    """Return the key of a cell's lease, which is set while one process queries the database for the cell."""
    return f"{PREFIX}{{{cell:x}}}:lease".encode()


def shadow_lease_key(cell: int) -> bytes:
    """Return the key of the lease for the dataset in shadow. No answer waits for it."""
    return f"{PREFIX}{{{cell:x}}}:shadow-lease".encode()


def demand_key(hour: int) -> bytes:
    """Return the key of a sorted set: the cells by number of requests in one hour. `hour`: hours since 1970."""
    return f"{PREFIX}demand:{hour}".encode()


def hits_key(hour: int) -> bytes:
    """Return the key of a hash with two counts for one hour: `hits`, and `warmed`, the hits on warmed values."""
    return f"{PREFIX}hits:{hour}".encode()


def seen_key(hour: int) -> bytes:
    """Return the key of a hash: the photos of one hour by each class that they belong to (telemetry/drift.py)."""
    return f"{PREFIX}seen:{hour}".encode()


def reference_key(release: str) -> bytes:
    """Return the key of the photos by class, hour by hour of a day, that a release is compared with."""
    return f"{PREFIX}reference:{release}".encode()
