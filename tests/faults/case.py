"""A fault case: a fault, the cache state before the fault, and the expected lookup during the fault.

A case in which nothing waits for a timeout runs twice: with `PATIENT` budgets and without limits on any machine, and
with the real budgets and limits when tests run alone. All other cases run alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal, NamedTuple

import pytest

from chalicelib.features.features import CacheLevel, Mode
from tests.faults.containers import ContainerLookup

LOOKUP_LIMIT = 1.5
"""`FEATURES_TOTAL`: the longest lookup during any fault, seconds."""
RECOVERY = 2.0
"""Longest time from the end of a fault until a container uses the server again, with `rig.QUICK`; seconds."""
PATIENCE = 20.0
"""The same on a busy machine, and for what comes before a case: servers that have just started."""
PATIENT = {
    "REDIS_CONNECT": "3",
    "REDIS_COMMAND": "2",
    "REDIS_TOTAL": "8",
    "DATABASE_CONNECT": "5",
    "DATABASE_STATEMENT": "5",
    "DATABASE_TOTAL": "10",
    "FEATURES_LEASE": "11",
    "FEATURES_TOTAL": "18",
}
"""Time budgets that a busy machine does not exceed."""

CacheState = Literal["fresh", "stale", "memory", "none"]
"""The cached values of the cell before the fault: a `fresh` or `stale` value in Redis, a fresh value in both Redis and
process `memory`, or `none`."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected lookup: cache level, faults and mode as in `Features`.

    `within`: the longest duration of the lookup in seconds. `or_faults`: faults that are allowed instead of `faults`,
    if the exact timing decides which faults happen.
    """

    cache: CacheLevel
    faults: tuple[str, ...] = ()
    within: float = 0.3
    mode: Mode = "narrowed"
    or_faults: tuple[str, ...] | None = None

    @property
    def is_waited_for(self) -> bool:
        """Whether the lookup waits until a time budget is over."""
        return any(fault.endswith(("_timeout", "_signing_in")) for fault in self.faults)


def degraded(*faults: str, within: float = 0.3, or_faults: tuple[str, ...] | None = None) -> Expected:
    """Return the expectation for a lookup that finds no features."""
    return Expected("bypass", faults, within, "degraded", or_faults)


type Fault[R] = Callable[[R], AbstractContextManager[None]]
"""Breaks a server until the end of a `with` block."""


class Row(NamedTuple):
    """One cache state of one case: a row of docs/reference/faults.md."""

    name: str
    state: CacheState
    expected: Expected


@dataclass(frozen=True, slots=True)
class FaultCase[R]:
    """One fault case. `expected`: the lookup, by cache state.

    `connected`: the container has connections before the fault. `direct`: the container bypasses the proxies.
    `settings`: environment variables of the container that differ from those of the rig.
    """

    name: str
    fault: Fault[R]
    expected: Mapping[CacheState, Expected]
    connected: bool = False
    direct: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


def fault[R](cause: Callable[[R], object], undo: Callable[[R], object]) -> Fault[R]:
    """Return a fault: `cause` starts it, and `undo` ends it at the end of the block."""

    @contextmanager
    def during(rig: R) -> Iterator[None]:
        cause(rig)
        try:
            yield
        finally:
            undo(rig)

    return during


def connected[R](
    name: str, fault: Fault[R], expected: Mapping[CacheState, Expected], *, direct: bool = False, **settings: str
) -> FaultCase[R]:
    """Return a case whose container has connections before the fault."""
    return FaultCase(name, fault, expected, connected=True, direct=direct, settings=settings)


def assert_lookup(expected: Expected, container: ContainerLookup, cell: int, within: float | None = None) -> float:
    """Look up a cell and check the result and its duration. Return the duration in seconds.

    `within`: the longest duration, if not that of the expectation.
    """
    started, limit = monotonic(), expected.within if within is None else within
    features = container.at(cell)
    taken = monotonic() - started
    faults = expected.or_faults if features.faults == expected.or_faults else expected.faults
    found = (features.mode, features.cache, features.faults)
    assert found == (expected.mode, expected.cache, faults), f"the lookup was {found} after {taken:.3f} s"
    assert taken < limit, f"the lookup took {taken:.3f} s, expected less than {limit} s"
    return taken


def assert_recovers(container: ContainerLookup, cell: int, within: float) -> float:
    """Repeat a lookup until it is a Redis hit without faults, at most `within` seconds. Return the seconds taken."""
    started = monotonic()
    while True:
        features = container.at(cell)
        taken = monotonic() - started
        if features.cache == "hit" and not features.faults:
            return taken
        assert taken < within, f"still {features.mode}, {features.cache}, {features.faults} after {taken:.2f} s"


class Scenario[R](NamedTuple):
    """One cache state of a case. `timed`: whether the real budgets and limits hold."""

    case: FaultCase[R]
    state: CacheState
    timed: bool

    def __str__(self) -> str:
        return f"{self.case.name}: {self.state}{', in time' if self.timed else ''}"


def parametrize[R](cases: Sequence[FaultCase[R]]) -> pytest.MarkDecorator:
    """Return a mark that runs a test for each scenario of each case. Those with limits run alone."""
    scenarios = [
        Scenario(case, state, timed)
        for case in cases
        for state in case.expected
        for timed in (False, True)
        if timed or not any(expected.is_waited_for for expected in case.expected.values())
    ]
    params = [pytest.param(each, id=str(each), marks=[pytest.mark.alone] * each.timed) for each in scenarios]
    return pytest.mark.parametrize("scenario", params)
