"""A bounded cache in process memory: the first and fastest level of the feature cache."""

from threading import Lock
from typing import Protocol


class Perishable(Protocol):
    """A value that expires at `hard`, in seconds since 1970."""

    @property
    def hard(self) -> float: ...


class Memory[T: Perishable]:
    """At most `size` entries by cell; the entry written longest ago is evicted.

    A read takes no lock and reorders nothing, so a hit costs one dictionary lookup. First in, first out is close to
    least recently used here: popular entries are rewritten each time they turn stale.
    Entries outlive their freshness until their hard expiry: they are served when every server is down.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[int, T] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, cell: int) -> T | None:
        """The entry of a cell, whether fresh, stale or expired."""
        return self._entries.get(cell)

    def usable(self, cell: int, now: float) -> T | None:
        """The entry of a cell unless it is past its hard expiry, in which case it is deleted."""
        entry = self._entries.get(cell)
        if entry is not None and entry.hard <= now:
            with self._lock:
                self._entries.pop(cell, None)
            return None
        return entry

    def put(self, cell: int, entry: T) -> None:
        """Store an entry as the newest."""
        if not self._size:
            return
        with self._lock:
            self._entries.pop(cell, None)
            self._entries[cell] = entry
            if len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]
