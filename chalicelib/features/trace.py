"""One look-up of features, from door to door: what it may still take, and what happened on the way."""

from dataclasses import dataclass, field

from chalicelib.errors import CacheError, DependencyError
from chalicelib.features.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Trace:
    """What one look-up did, for metrics; all zero for a hit in memory.

    `queries`, `query_ms`: to the database, failed ones included. `lease_waits`, `lease_wait_ms`: polls for another's
    value. `opened`: dependencies whose breaker opened. `warmed`: the value was written by the warming schedule.
    `details`: for logs, what dependencies said of their faults.
    """

    queries: int = 0
    query_ms: float = 0.0
    lease_waits: int = 0
    lease_wait_ms: float = 0.0
    opened: tuple[str, ...] = ()
    warmed: bool = False
    details: tuple[str, ...] = ()


NO_TRACE = Trace()
"""Of what needed neither Redis nor PostgreSQL."""


@dataclass(slots=True)
class Visit:
    """State of one look-up, made at the door and passed along."""

    cell: int
    deadline: Deadline
    faults: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    queries: int = 0
    query_ms: float = 0.0
    waits: int = 0
    wait_ms: float = 0.0

    def note(self, fault: str) -> None:
        """A fault counts once a look-up, however often it is met."""
        if fault not in self.faults:
            self.faults.append(fault)

    def met(self, error: DependencyError) -> None:
        """Note what a dependency did, and whether its breaker opened over it."""
        if error.fault not in self.faults:
            self.details.append(error.summary)
        self.note(error.fault)
        if error.opened:
            self.opened.append("redis" if isinstance(error, CacheError) else "postgres")

    def trace(self, *, warmed: bool) -> Trace:
        """What there is to tell at the end; `warmed`: of the value that is served."""
        return Trace(
            self.queries, self.query_ms, self.waits, self.wait_ms, tuple(self.opened), warmed, tuple(self.details)
        )
