"""What the alarms, as they are set, do when something breaks: who is woken, what makes a ticket, what is nothing."""

import json
from collections.abc import Iterator, Mapping

import pytest

from cloudwatch.files import Placeholders, read_files
from cloudwatch.preview.alarms import MINUTE, State, states
from cloudwatch.preview.series import Store

FILES = read_files(Placeholders(stage="prod"))
BEGIN = 1_780_272_000
WAKE = {"burn-fast-short", "burn-fast-long", "burn-fast", "burn-slow-short", "burn-slow-long", "burn-slow", "page"}
KNOWN = 15
"""Minutes until something is known of each alarm; before, warming has not been heard of."""
OURS = {"service": "faunalens", "stage": "prod"}
GATEWAY = {"ApiName": "faunalens", "Stage": "prod"}

type Values = Mapping[str, list[float]]


class Timeline:
    """Minutes of a service, one after the other."""

    def __init__(self) -> None:
        self._store, self._minutes = Store(), 0

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
        """Minutes with as many requests each, all answered in 100 ms, and what went wrong in each: counts by metric.

        `SlowIdentifications` of them take 3 s. `gateway`: what API Gateway counted in each. `containers`: how
        many Lambda had at work, where it tells.
        """
        for _ in range(minutes):
            slow = ours.get("SlowIdentifications", 0)
            counts = {"Faults": 0, "Rejections": 0, "Degraded": 0, "CacheErrors": 0, "DatabaseErrors": 0} | ours
            counts |= {"Requests": requests, "Identifications": requests, "UnknownArea": 0, "NoAnimal": 0}
            counts |= {
                "Narrowed": requests - counts["Degraded"],
                "LocationFromExif": requests,
                "LocationFromRequest": 0,
            }
            counts |= {"UnexpectedAnimals": 0, "BreakerOpenings": ours.get("BreakerOpenings", 0)}
            counts.pop("SlowIdentifications", None)
            if requests:
                self._tell("Faunalens", OURS, {name: [count] for name, count in counts.items()})
                times = [3000.0] * slow + [100.0] * (requests - slow)
                self._tell("Faunalens", OURS | {"route": "/identify"}, {"Latency": times})
            if warm and self._minutes % 5 == 0:
                self._tell("Faunalens", OURS, {"WarmingRuns": [1], "WarmingFaults": [int(counts["CacheErrors"] > 0)]})
            if gateway:
                self._tell("AWS/ApiGateway", GATEWAY, {name: [count] for name, count in gateway.items()})
            if containers:
                self._tell("AWS/Lambda", {"FunctionName": "faunalens-prod"}, {"ConcurrentExecutions": [containers]})
            self._minutes += 1
        return self

    def alarms(self) -> dict[str, list[State]]:
        """States of all alarms, a minute each."""
        return states(FILES, self._store, BEGIN, BEGIN + self._minutes * MINUTE)

    def fired(self) -> set[str]:
        """Alarms that were on at any time, but for the first minutes, in which nothing is known yet."""
        return {name for name, course in self.alarms().items() if "ALARM" in course[KNOWN:]}

    def _tell(self, namespace: str, dimensions: Mapping[str, str], values: Values) -> None:
        metrics = [{"Name": name} for name in values]
        directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": metrics}
        stamp = (BEGIN + self._minutes * MINUTE + 30) * 1000
        line = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}, **dimensions, **values}
        self._store.add(json.dumps(line))


def _minutes_on(course: list[State]) -> Iterator[int]:
    return (minute for minute, state in enumerate(course) if state == "ALARM")


def test_a_day_without_trouble_turns_nothing_red() -> None:
    assert Timeline().add(120, requests=30).fired() == set()


def test_a_night_without_users_turns_nothing_red() -> None:
    assert Timeline().add(120, requests=0).fired() == set()


def test_one_bad_request_in_a_quiet_night_wakes_nobody() -> None:
    assert Timeline().add(60, requests=1).add(1, requests=1, Faults=1).add(60, requests=1).fired() == set()


def test_an_outage_wakes_within_five_minutes_and_is_told_once() -> None:
    # GIVEN two hours of service, ten minutes in which a fifth of requests fail, and service again
    alarms = Timeline().add(120, requests=30).add(10, requests=30, Faults=6).add(60, requests=30).alarms()

    # THEN the fast alarm ends within five minutes of the mend, and the page when its half hour is over
    page, fast = list(_minutes_on(alarms["page"])), list(_minutes_on(alarms["burn-fast"]))
    assert 120 < page[0] <= 125
    assert 130 <= fast[-1] <= 135
    assert page == list(range(page[0], 160))
    assert "ALARM" not in alarms["ticket"][KNOWN:]


def test_what_the_app_never_saw_wakes_as_well() -> None:
    # GIVEN a function that crashes before it writes a line: only API Gateway counts
    timeline = Timeline().add(60, requests=30, gateway={"Count": 30, "5XXError": 0})
    timeline.add(15, requests=0, gateway={"Count": 30, "5XXError": 30})

    # THEN
    assert timeline.fired() == WAKE


def test_few_failures_for_hours_wake_in_the_end() -> None:
    # GIVEN 1 % of requests, for which the fast window is not meant
    timeline = Timeline().add(60, requests=100).add(360, requests=100, Faults=1)

    # THEN
    assert timeline.fired() == {"burn-slow-short", "burn-slow-long", "burn-slow", "page"}


def test_slow_answers_wake() -> None:
    timeline = Timeline().add(60, requests=30).add(15, requests=30, SlowIdentifications=10)
    assert timeline.fired() == {"latency", "page"}


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4])
def test_a_minute_without_redis_makes_a_ticket_and_wakes_nobody(offset: int) -> None:
    # GIVEN a minute, on whichever side of a run of warming
    timeline = Timeline().add(60 + offset, requests=60).add(1, requests=60, CacheErrors=25, BreakerOpenings=2)

    # THEN
    assert timeline.add(30, requests=60).fired() == {"cache-errors", "ticket"}


def test_a_database_that_wakes_up_is_nothing_and_one_that_stays_away_is_a_ticket() -> None:
    quiet = Timeline().add(60, requests=4)
    assert (
        quiet.add(2, requests=4, DatabaseErrors=4, Degraded=4, BreakerOpenings=2).add(30, requests=4).fired() == set()
    )
    gone = quiet.add(10, requests=4, DatabaseErrors=4, BreakerOpenings=1).add(5, requests=4)
    assert gone.fired() == {"database-errors", "breaker-open", "ticket"}


def test_a_database_that_sleeps_degrades_for_a_moment_only() -> None:
    assert Timeline().add(60, requests=30).add(2, requests=30, Degraded=20).add(30, requests=30).fired() == set()


def test_answers_without_their_place_make_a_ticket() -> None:
    assert Timeline().add(60, requests=30).add(15, requests=30, Degraded=5).fired() == {"degraded", "ticket"}


def test_warming_that_is_not_heard_of_makes_a_ticket() -> None:
    alarms = Timeline().add(60, requests=0).add(30, requests=0, warm=False).alarms()
    assert next(minute for minute in _minutes_on(alarms["warming-silent"]) if minute > KNOWN) in range(70, 75)
    assert alarms["ticket"][-1] == "ALARM"
    assert "ALARM" not in alarms["page"]


def test_a_client_that_sends_nonsense_makes_a_ticket() -> None:
    assert Timeline().add(60, requests=30).add(35, requests=30, Rejections=20).fired() == {"rejections", "ticket"}


def test_containers_near_the_limit_of_the_stage_make_a_ticket() -> None:
    # GIVEN `prod`, which may have 200: a crowd that it takes, and one that it will soon not
    assert Timeline().add(60, requests=30).add(10, requests=90, containers=150).fired() == set()
    crowd = Timeline().add(60, requests=30).add(10, requests=90, containers=170)
    assert crowd.fired() == {"lambda-concurrency", "ticket"}


def test_page_and_ticket_are_never_on_together() -> None:
    # GIVEN an outage with a cause
    alarms = (
        Timeline()
        .add(90, requests=30)
        .add(10, requests=30, Faults=10, CacheErrors=20, Degraded=15)
        .add(30, requests=30)
        .alarms()
    )

    # THEN it is told once while it lasts
    assert not set(_minutes_on(alarms["page"])) & set(_minutes_on(alarms["ticket"]))
    assert "ALARM" in alarms["page"]
