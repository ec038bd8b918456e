"""Features by cell, from process memory or from a lookup. A process runs at most one lookup per cell at a time."""

from dataclasses import replace

from chalicelib.features.active_version import ActiveVersion
from chalicelib.features.clock import Clock
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.features import CacheLevel, Features, degraded
from chalicelib.features.lookup import Lookup, MemoryEntry, Policy, Shared
from chalicelib.features.memory import Memory
from chalicelib.features.protocols import Cache, Store
from chalicelib.features.single_flight import SingleFlight
from chalicelib.features.trace import Trace


class CellFeatures:
    """The features of all cells, for the requests of one process. Thread-safe.

    `at` takes at most `Policy.total` seconds and never raises an error of Redis or PostgreSQL.
    """

    def __init__(
        self,
        cache: Cache,
        store: Store,
        policy: Policy,
        memory: Memory[MemoryEntry],
        demand: Demand,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or Clock()
        self._policy, self._memory, self._demand = policy, memory, demand
        self._monotonic = clock.monotonic
        self._version = ActiveVersion(policy.version)
        self._shared = Shared(cache, store, policy, memory, demand, self._version, clock)
        self._flights = SingleFlight[Features]()

    def at(self, cell: int) -> Features:
        """Return the features of a cell."""
        moment = self._monotonic()
        entry = self._memory.get(cell)
        if entry is not None and self._version.is_trusted(moment) and entry.is_current(moment, self._version.value):
            self._demand.note(cell, hit=True, warmed=entry.features.trace.warmed)
            return entry.features
        deadline = Deadline.after(self._policy.total, self._monotonic)
        features, is_own = self._flights.join(cell, Lookup(cell, deadline, self._shared).run, deadline)
        if features is None:
            features = degraded(("flight_timeout",))
        elif not is_own:
            level: CacheLevel = "memory" if features.mode != "degraded" else features.cache
            features = replace(features, cache=level, trace=Trace(warmed=features.trace.warmed))
        self._demand.note(cell, hit=features.cache in {"memory", "hit", "stale"}, warmed=features.trace.warmed)
        return features
