"""What a case of a fault is: what breaks, what is known beforehand, and what is answered then."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Literal, NamedTuple, Protocol

import pytest

from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.demand import Demand
from chalicelib.features.features import CacheLevel, Features, Mode
from chalicelib.features.lookup import Policy
from chalicelib.features.memory import Memory
from chalicelib.services import build_cache, build_features, build_store, build_ttl_policy
from chalicelib.telemetry.record import Record
from testing.clock import WallClock

TOTAL = 1.5
"""`FEATURES_TOTAL`: seconds that no look-up exceeds, whatever breaks."""
RECOVERY = 2.0
"""Seconds after a fault by which a server is used again, where `BREAKER_REST` and `FEATURES_REST` are 0.2 s."""

State = Literal["fresh", "stale", "held", "none"]
"""What is known of the cell before something breaks: a `fresh` or `stale` value in Redis, a fresh one that the process
holds as well (`held`), or `none`."""

METRIC_OF_LEVEL: Mapping[CacheLevel, str] = {
    "memory": "MemoryHits",
    "hit": "CacheHits",
    "stale": "StaleHits",
    "miss": "CacheMisses",
    "bypass": "CacheBypasses",
}

ERROR_METRICS: Mapping[str, tuple[str, ...]] = {
    "CacheErrors": ("redis_", "value_corrupt", "version_corrupt"),
    "DatabaseErrors": ("postgres_", "lease_failed"),
}
"""How the codes begin that each metric counts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: level and codes as in `Features`; `within`: seconds that it takes at most.

    `or_faults`: codes in place of `faults`, where it is a matter of microseconds what is met.
    """

    cache: CacheLevel
    faults: tuple[str, ...] = ()
    within: float = 0.3
    mode: Mode = "narrowed"
    or_faults: tuple[str, ...] | None = None

    @property
    def metrics(self) -> dict[str, int]:
        """Metrics that count it, and by how much."""
        counted = {METRIC_OF_LEVEL[self.cache]: 1, "Degraded": int(self.mode == "degraded")}
        return counted | {
            name: sum(fault.startswith(codes) for fault in self.faults) for name, codes in ERROR_METRICS.items()
        }


def degraded(*faults: str, within: float = 0.3) -> Answer:
    """Features could not be had."""
    return Answer("bypass", faults, within, "degraded")


class Row(NamedTuple):
    """One state of one case."""

    name: str
    state: State
    answer: Answer


@dataclass(frozen=True, slots=True)
class Case[R]:
    """One fault. `fault`: breaks the rig, until the end of its block. `answers`: by what was known before.

    `connected`: whether the container had connections before it broke. `direct`: past the proxy, straight to the
    server. `settings`: variables of the container that differ from the rig's.
    """

    name: str
    fault: Callable[[R], AbstractContextManager[None]]
    answers: Mapping[State, Answer]
    connected: bool = False
    direct: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


class Ground(Protocol):
    """Where a case is played."""

    def cell(self) -> int:
        """A cell with animals that nobody asked for yet."""

    def know(self, state: State, container: "Container") -> int:
        """A cell of which so much is known."""

    def connect(self, container: "Container") -> None:
        """Let a container ask both servers, and find something in Redis last."""


class Container:
    """The feature stage of one Lambda container, built from settings as the app builds it.

    `ahead`: seconds by which its clock is.
    """

    def __init__(self, variables: Mapping[str, str], ahead: float = 0.0) -> None:
        settings = Settings.from_environment(variables)
        self.cache, self.store = build_cache(settings), build_store(settings)
        self.features = build_features(settings, self.cache, self.store)
        if ahead:
            policy = Policy(build_ttl_policy(settings))
            clock = WallClock(lambda: time() + ahead)
            self.features = CellFeatures(self.cache, self.store, policy, Memory(10), Demand(), clock)

    def at(self, cell: int) -> Features:
        return self.features.at(cell)

    def close(self) -> None:
        self.cache.close()
        self.store.close()


def asked(variables: Mapping[str, str], cell: int) -> Features:
    """The answer of a container that just started."""
    with closing(Container(variables)) as container:
        return container.at(cell)


def assert_answered(answer: Answer, container: Container, cell: int) -> float:
    """Ask, and compare with what is expected; returns the seconds it took."""
    started = monotonic()
    features = container.at(cell)
    taken = monotonic() - started
    faults = answer.or_faults if features.faults == answer.or_faults else answer.faults
    told = (features.mode, features.cache, features.faults)
    assert told == (answer.mode, answer.cache, faults), f"{told} after {taken:.3f} s"
    assert taken < answer.within, f"took {taken:.3f} s"
    record = Record("r", "/identify", features=features)
    assert {name: record.metrics()[name] for name in answer.metrics} == answer.metrics
    assert record.properties().get("faults", []) == list(faults)
    return taken


def assert_recovers(container: Container, cell: int, within: float) -> float:
    """Once nothing is broken any more, the same container finds the cell in Redis, without a fault; returns when."""
    started = monotonic()
    while True:
        features = container.at(cell)
        taken = monotonic() - started
        if features.cache == "hit" and not features.faults:
            return taken
        assert taken < within, f"still {features.mode}, {features.cache}, {features.faults} after {taken:.2f} s"


def play[R: Ground](case: Case[R], state: State, answer: Answer, ground: R, variables: Mapping[str, str]) -> None:
    """One state of a case, from before the fault until after it."""
    # GIVEN a container, and what is known of a cell
    with closing(Container({**variables, **case.settings})) as container:
        if case.connected:
            ground.connect(container)
        cell = ground.know(state, container)
        # WHEN something breaks THEN the answer is as expected, in time, and so is the next
        with case.fault(ground):
            taken = assert_answered(answer, container, cell)
            started = monotonic()
            next_one = container.at(ground.cell())
            assert monotonic() - started < TOTAL
            assert next_one.mode == "narrowed" or any(fault.startswith("postgres") for fault in next_one.faults)
        # AND once it is whole again, it is used again
        recovered = assert_recovers(container, ground.cell(), RECOVERY)
        print(f"{case.name}: {state}: {taken * 1e3:.0f} ms, used again after {recovered:.2f} s")  # pytest -s shows it


def parameters[R](cases: Sequence[Case[R]]) -> pytest.MarkDecorator:
    """The mark of a test that plays each state of each case."""
    return pytest.mark.parametrize(
        ("case", "state", "answer"),
        [
            pytest.param(case, state, answer, id=f"{case.name}: {state}")
            for case in cases
            for state, answer in case.answers.items()
        ],
    )
