"""What a case of a fault is: what breaks, what is known beforehand, and what is answered then."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from chalicelib.feature_stage import build_cache, build_features, build_store
from chalicelib.features import CacheLevel, Features, Mode
from chalicelib.metrics import Record
from chalicelib.settings import Settings

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: level and codes as in `Features`; `within`: seconds that it takes at most."""

    cache: CacheLevel
    faults: tuple[str, ...] = ()
    within: float = 0.3
    mode: Mode = "narrowed"

    @property
    def metrics(self) -> dict[str, int]:
        """Metrics that count it, and by how much."""
        counted = {METRIC_OF_LEVEL[self.cache]: 1, "Degraded": int(self.mode == "degraded")}
        return counted | {"DependencyFaults": len(self.faults)}


def degraded(*faults: str, within: float = 0.3) -> Answer:
    """Features could not be had."""
    return Answer("bypass", faults, within, "degraded")


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

    def __str__(self) -> str:
        return self.name


class Container:
    """The feature stage of one Lambda container, built from settings as the app builds it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        settings = Settings.from_environment(variables)
        self.cache, self.store = build_cache(settings), build_store(settings)
        self.features = build_features(settings, self.cache, self.store)

    def of(self, cell: int) -> Features:
        return self.features.of(cell)

    def close(self) -> None:
        self.cache.close()
        self.store.close()


def asked(variables: Mapping[str, str], cell: int) -> Features:
    """The answer of a container that just started."""
    with closing(Container(variables)) as container:
        return container.of(cell)


def assert_answered(answer: Answer, container: Container, cell: int) -> float:
    """Ask, and compare with what is expected; returns the seconds it took."""
    started = monotonic()
    features = container.of(cell)
    taken = monotonic() - started
    told = (features.mode, features.cache, features.faults)
    assert told == (answer.mode, answer.cache, answer.faults), f"{told} after {taken:.3f} s"
    assert taken < answer.within, f"took {taken:.3f} s"
    record = Record("r", "/identify", features=features)
    assert {name: record.metrics()[name] for name in answer.metrics} == answer.metrics
    assert record.properties().get("faults", []) == list(answer.faults)
    return taken


def assert_recovers(container: Container, cell: int, within: float) -> float:
    """Once nothing is broken any more, the same container finds the cell in Redis, without a fault; returns when."""
    started = monotonic()
    while True:
        features = container.of(cell)
        taken = monotonic() - started
        if features.cache == "hit" and not features.faults:
            return taken
        assert taken < within, f"still {features.mode}, {features.cache}, {features.faults} after {taken:.2f} s"
