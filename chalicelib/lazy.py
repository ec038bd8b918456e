"""Values that are made when they are first needed, and faster imports."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any


class Lazy[T]:
    """A value that the first `get` makes, and that all later ones return. Thread-safe.

    If making it fails, `get` raises the error, and the next `get` tries again.

    >>> greeting = Lazy(lambda: "hello")
    >>> greeting.is_made, greeting.get(), greeting.is_made
    (False, 'hello', True)
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[T] | None = None
        self._lock = Lock()

    @property
    def is_made(self) -> bool:
        """Return whether the value exists."""
        return self._made is not None

    def get(self) -> T:
        """Return the value. Threads that come at once wait for one value instead of making one each."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = (self._make(),)
        return self._made[0]


@contextmanager
def without_versions() -> Iterator[None]:
    """Keep libraries that are imported in this block from looking up their own version, which nothing uses.

    The look-up imports `importlib.metadata`, which imports zipfile and email, and searches all packages: 20 ms of a
    cold start.
    """
    name = "importlib.metadata"
    stand_in = ModuleType(name)

    def real(attribute: str) -> Any:  # for another thread, which imports what asks for more than a version
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        sys.modules.pop(name, None)
        return getattr(import_module(name), attribute)

    stand_in.__dict__.update(version=lambda _: "0", PackageNotFoundError=ModuleNotFoundError, __getattr__=real)
    sys.modules.setdefault(name, stand_in)  # another thread may import it just now
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
