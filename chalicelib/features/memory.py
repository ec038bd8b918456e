"""A bounded cache in process memory: the first and fastest level of the feature cache."""

from threading import Lock
from typing import Protocol


class Perishable(Protocol):
    """An entry that expires at `hard`, in seconds since 1970."""

    @property
    def hard(self) -> float: ...


class Memory[T: Perishable]:
    """A cache of at most `size` entries, by cell. If it is full, it evicts the entry that was written first.

    A read takes no lock and reorders no entries, so a hit costs one dictionary lookup. Eviction in order of writing is
    close to eviction by last use, because popular entries are rewritten each time they turn stale.
    Stale entries are kept until their hard expiry, since they are served while Redis and PostgreSQL are down.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[int, T] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, cell: int) -> T | None:
        """Return the entry of a cell, even if it is stale or expired. None if the cell has no entry."""
        return self._entries.get(cell)

    def usable(self, cell: int, now: float) -> T | None:
        """Return the entry of a cell, or None. An entry that is past its hard expiry at `now` is deleted."""
        entry = self._entries.get(cell)
        if entry is not None and entry.hard <= now:
            with self._lock:
                self._entries.pop(cell, None)
            return None
        return entry

    def put(self, cell: int, entry: T) -> None:
        """Store an entry. If the cache is then too large, evict the oldest entry."""
        if not self._size:
            return
        with self._lock:
            self._entries.pop(cell, None)
            self._entries[cell] = entry
            if len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]
