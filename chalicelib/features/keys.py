"""The keys in Redis. docs/explanation/features.md lists them.

A cell's value and its lease share the part in braces (a hash tag), so a cluster keeps them in one slot and one round
trip reaches both. Only the value's key has the dataset version: a process may take the lease before it knows it.
"""

VERSION = b"faunalens:version"
"""Version of the active dataset, as text."""


def value_key(cell: int, version: str) -> bytes:
    """Features of a cell in one dataset, in the format of codec.py."""
    return f"faunalens:{{{cell:x}}}:{version}".encode()


def lease_key(cell: int) -> bytes:
    """The lease of a cell: set while one process queries the database for it."""
    return f"faunalens:{{{cell:x}}}:lease".encode()


def demand_key(hour: int) -> bytes:
    """Sorted set of cells by requests in one hour (hours since 1970)."""
    return b"faunalens:demand:%d" % hour


def hits_key(hour: int) -> bytes:
    """Hash of counts in one hour: `hits`, and `warmed`, the hits on values that the warming schedule wrote."""
    return b"faunalens:hits:%d" % hour
