"""Features by cell, from process memory or from a lookup. A process runs at most one lookup per cell at a time."""

from dataclasses import replace

from chalicelib.config.features import FeaturePolicy
from chalicelib.features.active_rollout import ActiveRollout
from chalicelib.features.clock import Clock
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.features import CacheLevel, Features, degraded
from chalicelib.features.lookup import Lookup, MemoryEntry, Shared
from chalicelib.features.memory import Memory
from chalicelib.features.protocols import Cache, Store
from chalicelib.features.shadow import Shadow, ShadowLookup
from chalicelib.features.single_flight import SingleFlight
from chalicelib.features.trace import Trace

SHORTEST = 0.2
"""Minimum number of seconds for a lookup, even if its request has already waited in a queue."""


class CellFeatures:
    """The features of all cells, for the requests of one process. Thread-safe.

    `clock`: the machine's clocks by default; a simulation passes its own.

    `at` takes at most `FeaturePolicy.total` seconds, or less if the request has already waited, and never raises an
    error of Redis or PostgreSQL.
    """

    def __init__(
        self,
        cache: Cache,
        store: Store,
        policy: FeaturePolicy,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or Clock()
        self._policy, self._memory, self._demand = policy, Memory[MemoryEntry](policy.memory_cells), Demand()
        self._monotonic = clock.monotonic
        self._rollout = ActiveRollout(policy.version)
        self._shared = Shared(cache, store, policy, self._memory, self._demand, self._rollout, clock)
        self._shadow = Shadow(cache, store, policy.ttl, policy.lease, self._rollout, clock)
        self._flights = SingleFlight[Features]()

    def at(self, cell: int, waited: float = 0.0) -> Features:
        """Return the features of a cell. `waited`: seconds that the request has already spent in a queue.

        This time counts towards `FeaturePolicy.total`. Otherwise a store that does not reply would delay a request
        twice: in the queue, behind requests that wait for the store, and then in its own lookup. At least `SHORTEST`
        seconds remain for the lookup, which is enough if the stores are healthy.
        """
        moment = self._monotonic()
        entry, rollout = self._memory.get(cell), self._rollout
        if entry is not None and rollout.is_trusted(moment) and entry.is_current(moment, rollout.version_of(cell)):
            self._demand.note(cell, hit=True, warmed=entry.features.trace.warmed)
            return entry.features
        total = self._policy.total
        deadline = Deadline.after(max(total - waited, min(SHORTEST, total)), self._monotonic)
        features, is_own = self._flights.join(cell, Lookup(cell, deadline, self._shared).run, deadline)
        if features is None:
            features = degraded(("flight_timeout",))
        elif not is_own:
            level: CacheLevel = "memory" if features.mode != "degraded" else features.cache
            features = replace(features, cache=level, trace=Trace(warmed=features.trace.warmed))
        self._demand.note(cell, hit=features.cache in {"memory", "hit", "stale"}, warmed=features.trace.warmed)
        return features

    def in_shadow(self, cell: int) -> ShadowLookup | None:
        """Begin to look up a cell in the dataset in shadow, and return at once. Return None if there is none for it."""
        return self._shadow.start(cell)
