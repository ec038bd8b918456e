"""A small, bounded memory of one process: the first and fastest level of the features' cache."""

from threading import Lock
from typing import Protocol


class Perishable(Protocol):
    """Something that is gone after `hard`, seconds since 1970."""

    @property
    def hard(self) -> float: ...


class Memory[T: Perishable]:
    """At most `size` entries by cell; the one written longest ago makes room.

    Reading takes no lock and moves nothing, so that a hit costs one dictionary look-up. First in, first out comes
    close to least recently used all the same: what is asked often is written anew each time it turns stale.
    Entries stay until their hard expiry, long past being fresh: they are what is left when every server is down.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[int, T] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, cell: int) -> T | None:
        """The entry of a cell, fresh or not."""
        return self._entries.get(cell)

    def usable(self, cell: int, now: float) -> T | None:
        """The entry of a cell that is not past its hard expiry; one that is, is forgotten."""
        entry = self._entries.get(cell)
        if entry is not None and entry.hard <= now:
            with self._lock:
                self._entries.pop(cell, None)
            return None
        return entry

    def put(self, cell: int, entry: T) -> None:
        """Keep an entry as the newest."""
        if not self._size:
            return
        with self._lock:
            self._entries.pop(cell, None)
            self._entries[cell] = entry
            if len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]
