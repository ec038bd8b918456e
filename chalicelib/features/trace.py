"""What one lookup of features did: collected while it runs, then frozen for metrics and logs."""

from typing import NamedTuple

from chalicelib.errors import CacheError, DependencyError


class Trace(NamedTuple):
    """What one lookup did, for metrics. All zero for a hit in process memory.

    `queries`, `query_ms`: database queries and their time, failed ones included. `lease_waits`, `lease_wait_ms`: polls
    for a value that another process was fetching. `opened`: dependencies whose circuit breaker this lookup opened.
    `warmed`: the warming schedule wrote the value. `details`: error messages of the dependencies, for logs.
    """

    queries: int = 0
    query_ms: float = 0.0
    lease_waits: int = 0
    lease_wait_ms: float = 0.0
    opened: tuple[str, ...] = ()
    warmed: bool = False
    details: tuple[str, ...] = ()


NO_TRACE = Trace()
"""The trace of a lookup that needed neither Redis nor PostgreSQL."""
WARMED = Trace(warmed=True)
"""The same, for a value that the warming schedule wrote."""


class TraceBuilder:
    """Collects faults, queries and waits during one lookup. `faults`: fault codes in order, each once."""

    __slots__ = ("details", "faults", "opened", "queries", "query_ms", "wait_ms", "waits")

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.opened: list[str] = []
        self.details: list[str] = []
        self.queries, self.query_ms = 0, 0.0
        self.waits, self.wait_ms = 0, 0.0

    def add_fault(self, fault: str) -> None:
        """Add a fault code; a repeated code counts once."""
        if fault not in self.faults:
            self.faults.append(fault)

    def add_error(self, error: DependencyError) -> None:
        """Add a dependency's error, and whether it opened the circuit breaker."""
        if error.fault not in self.faults:
            self.details.append(error.summary)
        self.add_fault(error.fault)
        if error.opened:
            self.opened.append("redis" if isinstance(error, CacheError) else "postgres")

    def build(self, *, warmed: bool) -> Trace:
        """The finished trace. `warmed`: whether the warming schedule wrote the value that is served."""
        return Trace(
            self.queries, self.query_ms, self.waits, self.wait_ms, tuple(self.opened), warmed, tuple(self.details)
        )
