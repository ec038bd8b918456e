"""The trace of one feature lookup: its queries, waits and errors, for metrics and logs."""

from typing import NamedTuple

from chalicelib.errors import CacheError, DependencyError


class Trace(NamedTuple):
    """The counts, durations and errors of one lookup. All numbers are zero for a hit in process memory.

    `queries`, `query_ms`: number and duration of database queries, including failed ones. `lease_waits`,
    `lease_wait_ms`: number and duration of waits for another process's value. `opened`: dependencies whose circuit
    breaker this lookup opened. `warmed`: whether cache warming wrote the value. `details`: error messages of the
    dependencies.
    """

    queries: int = 0
    query_ms: float = 0.0
    lease_waits: int = 0
    lease_wait_ms: float = 0.0
    opened: tuple[str, ...] = ()
    warmed: bool = False
    details: tuple[str, ...] = ()


NO_TRACE = Trace()
"""An empty trace: no queries, no waits and no errors."""
WARMED = Trace(warmed=True)
"""An empty trace of a lookup whose value was written by cache warming."""


class TraceBuilder:
    """The trace of a lookup that is still running. `faults`: fault codes in order, without repetition."""

    __slots__ = ("details", "faults", "opened", "queries", "query_ms", "wait_ms", "waits")

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.opened: list[str] = []
        self.details: list[str] = []
        self.queries, self.query_ms = 0, 0.0
        self.waits, self.wait_ms = 0, 0.0

    def add_fault(self, fault: str) -> None:
        """Add a fault code, unless it was added before."""
        if fault not in self.faults:
            self.faults.append(fault)

    def add_error(self, error: DependencyError) -> None:
        """Add a dependency's error: its fault code, its message, and whether it opened the circuit breaker."""
        if error.fault not in self.faults:
            self.details.append(error.summary)
        self.add_fault(error.fault)
        if error.opened:
            self.opened.append("redis" if isinstance(error, CacheError) else "postgres")

    def build(self, *, warmed: bool) -> Trace:
        """Return the finished trace. `warmed`: whether cache warming wrote the value that is served."""
        return Trace(
            self.queries, self.query_ms, self.waits, self.wait_ms, tuple(self.opened), warmed, tuple(self.details)
        )
