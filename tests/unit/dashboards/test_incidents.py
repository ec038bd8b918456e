"""What the real alarms do in incidents: page, make a ticket, or nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cloudwatch.files import Placeholders, read_files
from cloudwatch.math.metric_store import MetricStore
from cloudwatch.preview.alarms import State, timelines_of
from cloudwatch.preview.metric_alarm import MINUTE
from tests.unit.cloudwatch.metric_lines import metric_line

FILES = read_files(Placeholders(stage="prod"), tier=False)
BEGIN = 1_780_272_000
SLOW_BURN = {"burn-slow-short", "burn-slow-long", "burn-slow"}
WAKE = {"burn-fast-short", "burn-fast-long", "burn-fast", *SLOW_BURN, "page"}
KNOWN = 15
"""Minutes until every alarm has data; before, warming counts as silent."""
OURS = {"service": "faunalens", "stage": "prod"}
GATEWAY = {"ApiName": "faunalens", "Stage": "prod"}

type Values = Mapping[str, list[float]]


class Timeline:
    """The minutes of a service, in sequence."""

    def __init__(self) -> None:
        self._store, self._minutes = MetricStore(), 0

    def add(
        self,
        minutes: int,
        requests: int,
        *,
        warm: bool = True,
        gateway: Mapping[str, int] | None = None,
        containers: int = 0,
        **ours: int,
    ) -> "Timeline":
        """Add minutes with this many requests each, all answered in 100 ms. `ours`: counts of metrics in each minute.

        `SlowIdentifications` of the requests take 3 s. `gateway`: counts of API Gateway. `containers`: Lambda's
        containers in use, 0 for no such metric.
        """
        for _ in range(minutes):
            slow = ours.get("SlowIdentifications", 0)
            counts = {"Faults": 0, "Rejections": 0, "Degraded": 0, "CacheErrors": 0, "DatabaseErrors": 0} | ours
            counts |= {"Requests": requests, "Identifications": requests, "UnknownArea": 0, "NoAnimal": 0}
            counts |= {"Narrowed": requests - counts["Degraded"], "LocationFromExif": requests}
            counts |= {
                "LocationFromRequest": 0,
                "UnexpectedAnimals": 0,
                "BreakerOpenings": ours.get("BreakerOpenings", 0),
            }
            counts.pop("SlowIdentifications", None)
            if requests:
                self._emit("Faunalens", OURS, {name: [count] for name, count in counts.items()})
                times = [3000.0] * slow + [100.0] * (requests - slow)
                self._emit("Faunalens", OURS | {"route": "/identify"}, {"Latency": times})
            if warm and self._minutes % 5 == 0:
                self._emit("Faunalens", OURS, {"WarmingRuns": [1], "WarmingFaults": [int(counts["CacheErrors"] > 0)]})
            if gateway:
                self._emit("AWS/ApiGateway", GATEWAY, {name: [count] for name, count in gateway.items()})
            if containers:
                self._emit("AWS/Lambda", {"FunctionName": "faunalens-prod"}, {"ConcurrentExecutions": [containers]})
            self._minutes += 1
        return self

    def alarms(self) -> dict[str, list[State]]:
        """Return the states of all alarms, one for each minute."""
        found = timelines_of(FILES, self._store, BEGIN, BEGIN + self._minutes * MINUTE)
        return {name: list(timeline.states) for name, timeline in found.items()}

    def fired(self) -> set[str]:
        """Return the alarms that were on at any time after the first minutes, which lack data."""
        return {name for name, course in self.alarms().items() if "ALARM" in course[KNOWN:]}

    def _emit(self, namespace: str, dimensions: Mapping[str, str], values: Values) -> None:
        self._store.add(metric_line(BEGIN + self._minutes * MINUTE + 30, values, dimensions, namespace))


def _minutes_on(course: list[State]) -> Iterator[int]:
    return (minute for minute, state in enumerate(course) if state == "ALARM")


@pytest.mark.parametrize(
    ("usual", "minutes", "requests", "trouble", "expected"),
    [
        pytest.param(30, 60, 30, {}, set(), id="a day without trouble"),
        pytest.param(0, 60, 0, {}, set(), id="a night without users"),
        pytest.param(1, 1, 1, {"Faults": 1}, set(), id="one bad request in a quiet night"),
        pytest.param(100, 360, 100, {"Faults": 1}, {*SLOW_BURN, "page"}, id="1 % fail, too few for the fast window"),
        pytest.param(30, 15, 30, {"SlowIdentifications": 10}, {"latency", "page"}, id="slow answers"),
        pytest.param(30, 2, 30, {"Degraded": 20}, set(), id="a database that resumes"),
        pytest.param(30, 15, 30, {"Degraded": 5}, {"degraded", "ticket"}, id="degraded answers"),
        pytest.param(30, 35, 30, {"Rejections": 20}, {"rejections", "ticket"}, id="invalid requests"),
        pytest.param(30, 10, 90, {"containers": 150}, set(), id="containers below the threshold of the 200 of prod"),
        pytest.param(30, 10, 90, {"containers": 170}, {"lambda-concurrency", "ticket"}, id="containers above it"),
    ],
)
def test_after_an_hour_as_usual_only_what_should_turns_red(
    usual: int, minutes: int, requests: int, trouble: dict[str, Any], expected: set[str]
) -> None:
    timeline = Timeline().add(60, requests=usual).add(minutes, requests=requests, **trouble)
    assert timeline.add(30, requests=usual).fired() == expected


def test_an_outage_pages_once_within_five_minutes() -> None:
    # GIVEN two good hours, ten minutes in which a fifth of the requests fail, and a good hour
    alarms = Timeline().add(120, requests=30).add(10, requests=30, Faults=6).add(60, requests=30).alarms()

    # THEN the fast alarm ends within five minutes of the recovery, and the page after half an hour
    page, fast = list(_minutes_on(alarms["page"])), list(_minutes_on(alarms["burn-fast"]))
    assert 120 < page[0] <= 125
    assert 130 <= fast[-1] <= 135
    assert page == list(range(page[0], 160))
    assert "ALARM" not in alarms["ticket"][KNOWN:]


def test_a_crash_before_the_first_log_line_pages() -> None:
    # GIVEN a function that crashes before its first log line: only API Gateway counts requests
    timeline = Timeline().add(60, requests=30, gateway={"Count": 30, "5XXError": 0})
    timeline.add(15, requests=0, gateway={"Count": 30, "5XXError": 30})

    assert timeline.fired() == WAKE


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4])
def test_a_minute_without_redis_makes_a_ticket_and_does_not_page(offset: int) -> None:
    # GIVEN a minute without Redis, at any offset from a warming run
    timeline = Timeline().add(60 + offset, requests=60).add(1, requests=60, CacheErrors=25, BreakerOpenings=2)

    assert timeline.add(30, requests=60).fired() == {"cache-errors", "ticket"}


def test_a_resuming_database_is_fine_and_one_that_stays_down_makes_a_ticket() -> None:
    quiet = Timeline().add(60, requests=4)
    resumed = quiet.add(2, requests=4, DatabaseErrors=4, Degraded=4, BreakerOpenings=2).add(30, requests=4)
    assert resumed.fired() == set()
    gone = quiet.add(10, requests=4, DatabaseErrors=4, BreakerOpenings=1).add(5, requests=4)
    assert gone.fired() == {"database-errors", "breaker-open", "ticket"}


def test_silent_warming_makes_a_ticket() -> None:
    alarms = Timeline().add(60, requests=0).add(30, requests=0, warm=False).alarms()
    assert next(minute for minute in _minutes_on(alarms["warming-silent"]) if minute > KNOWN) in range(70, 75)
    assert alarms["ticket"][-1] == "ALARM"
    assert "ALARM" not in alarms["page"]


def test_page_and_ticket_are_never_on_together() -> None:
    # GIVEN an outage with a cause
    timeline = Timeline().add(90, requests=30).add(10, requests=30, Faults=10, CacheErrors=20, Degraded=15)
    alarms = timeline.add(30, requests=30).alarms()
    # THEN only one of them notifies at a time
    assert not set(_minutes_on(alarms["page"])) & set(_minutes_on(alarms["ticket"]))
    assert "ALARM" in alarms["page"]
