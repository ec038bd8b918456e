"""The names that things have in Redis. docs/explanation/features.md lists them.

A cell's value and its lease share the part in braces, so that they live on one server of a cluster and travel in
one message. Only the value's key carries the dataset version: who holds the lease may not know the version yet.
"""

VERSION = b"faunalens:version"
"""Version of the active dataset, as text."""


def value_key(cell: int, version: str) -> bytes:
    """Packed features of a cell in one dataset."""
    return f"faunalens:{{{cell:x}}}:{version}".encode()


def lease_key(cell: int) -> bytes:
    """MemoryEntry by whoever asks the database about the cell."""
    return f"faunalens:{{{cell:x}}}:lease".encode()


def demand_key(hour: int) -> bytes:
    """Sorted set of cells by requests in one hour (hours since 1970)."""
    return b"faunalens:demand:%d" % hour


def hits_key(hour: int) -> bytes:
    """Hash of counts in one hour: `hits`, and `warmed`, those of them on values that warming wrote."""
    return b"faunalens:hits:%d" % hour
