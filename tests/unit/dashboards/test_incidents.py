"""What the real alarms of the service and of its web tier do in incidents: page, make a ticket, or nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dashboards.alarms import MINUTE, State, timelines_of
from dashboards.files import Files, Placeholders, read_files
from dashboards.project import BALANCER, TARGETS
from dashboards.series import MetricStore
from tests.unit.dashboards.metric_lines import metric_line

SERVICE = read_files(Placeholders(stage="prod"), tier=False)
WEB = Placeholders(stage="prod")
TIER = read_files(WEB, tier=True)
BEGIN = 1_780_272_000
SLOW_BURN = {"burn-slow-short", "burn-slow-long", "burn-slow"}
WAKE = {"burn-fast-short", "burn-fast-long", "burn-fast", *SLOW_BURN, "page"}
KNOWN = 15
"""Minutes until every alarm has data; before, warming counts as silent."""
OURS = {"service": "faunalens", "stage": "prod"}
BALANCED = {"LoadBalancer": WEB.values()[BALANCER]}
TARGETED = BALANCED | {"TargetGroup": WEB.values()[TARGETS]}

type Values = Mapping[str, float | list[float]]


class Timeline:
    """The minutes of a service and of its web tier, in sequence, and the alarms of one of them."""

    def __init__(self, files: Files = SERVICE) -> None:
        self._files, self._store, self._minutes = files, MetricStore(), 0

    def add(
        self, minutes: int, requests: int, *, warm: bool = True, gateway: Values | None = None, **more: int
    ) -> "Timeline":
        """Add minutes with this many requests to the API each, all answered in 100 ms.

        `SlowIdentifications` of them take 3 s. `more`: counts of metrics in each minute. `gateway`: counts of API
        Gateway.
        """
        slow = more.pop("SlowIdentifications", 0)
        none = ("Faults", "Rejections", "Degraded", "CacheErrors", "DatabaseErrors", "UnknownArea", "NoAnimal")
        counts = dict.fromkeys((*none, "LocationFromRequest", "UnexpectedAnimals", "BreakerOpenings"), 0) | more
        counts |= {"Requests": requests, "Identifications": requests, "LocationFromExif": requests}
        counts |= {"Narrowed": requests - counts["Degraded"]}
        for _ in range(minutes):
            if requests:
                self._emit("Faunalens", OURS, counts)
                times = [3000.0] * slow + [100.0] * (requests - slow)
                self._emit("Faunalens", OURS | {"route": "/identify"}, {"Latency": times})
            if warm and self._minutes % 5 == 0:
                self._emit("Faunalens", OURS, {"WarmingRuns": 1, "WarmingFaults": int(counts["CacheErrors"] > 0)})
            if gateway:
                self._emit("AWS/ApiGateway", {"ApiName": "faunalens", "Stage": "prod"}, gateway)
            self._minutes += 1
        return self

    def add_to_tier(self, minutes: int, *, requests: int = 100, healthy: int = 2, **more: float) -> "Timeline":
        """Add minutes with this many requests to the tier each. `more`: values of other metrics in each minute."""

        def counts(*names: str) -> dict[str, float]:
            return {name: more.get(name, 0) for name in names}

        tier, slow = OURS | {"tier": "web"}, round(more.get("Slow", 0))
        faults = counts("HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count")
        for _ in range(minutes):
            self._emit("AWS/ApplicationELB", BALANCED, {"RequestCount": requests, **faults})
            if healthy or "UnHealthyHostCount" in more:
                hosts = {"HealthyHostCount": healthy, **counts("UnHealthyHostCount")}
                self._emit("AWS/ApplicationELB", TARGETED, hosts)
            times = [6000.0] * slow + [300.0] * (requests - slow)
            self._emit("Faunalens", tier | {"route": "/identify"}, {"Latency": times})
            self._emit("Faunalens", tier, counts("QueueRefusals", "InvokeFaults", "CutOff"))
            tasks = {"ClusterName": "faunalens-prod", "ServiceName": "web"}
            self._emit("AWS/ECS", tasks, {"CPUUtilization": more.get("CPUUtilization", 10)})
            log = {"LogGroupName": "/aws/ecs/faunalens-prod-web"}
            self._emit("AWS/Logs", log, counts("EMFValidationErrors", "EMFParsingErrors"))
            if "TriggeredRules" in more:  # AWS reports it only when there was an event
                self._emit("AWS/Events", {"RuleName": "faunalens-prod-web-rolled-back"}, counts("TriggeredRules"))
            self._minutes += 1
        return self

    def alarms(self) -> dict[str, list[State]]:
        """Return the states of all alarms, one for each minute."""
        found = timelines_of(self._files, self._store, BEGIN, BEGIN + self._minutes * MINUTE)
        return {name: list(timeline.states) for name, timeline in found.items()}

    def fired(self, known: int = KNOWN) -> set[str]:
        """Return the alarms that were on at any time after the first minutes, which lack data."""
        return {name for name, course in self.alarms().items() if "ALARM" in course[known:]}

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
    ],
)
def test_after_an_hour_as_usual_only_what_should_turns_red(
    usual: int, minutes: int, requests: int, trouble: dict[str, Any], expected: set[str]
) -> None:
    timeline = Timeline().add(60, requests=usual).add(minutes, requests=requests, **trouble)
    assert timeline.add(30, requests=usual).fired() == expected


def test_an_outage_pages_once_within_five_minutes() -> None:
    # GIVEN two good hours, ten minutes in which a fifth of the requests fail and Redis too, and a good hour
    outage = Timeline().add(120, requests=30).add(10, requests=30, Faults=6, CacheErrors=20)
    alarms = outage.add(60, requests=30).alarms()
    # THEN the fast alarm ends within five minutes of the recovery, and the page after half an hour
    page, fast = list(_minutes_on(alarms["page"])), list(_minutes_on(alarms["burn-fast"]))
    assert 120 < page[0] <= 125
    assert 130 <= fast[-1] <= 135
    assert page == list(range(page[0], 160))
    # THEN page and ticket never notify at the same time
    assert not set(page) & set(_minutes_on(alarms["ticket"]))


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


@pytest.mark.parametrize("function", ["faunalens-prod", "faunalens-prod-warm", "faunalens-prod-batch"])
def test_a_metrics_line_that_cloudwatch_cannot_read_makes_a_ticket(function: str) -> None:
    # GIVEN one line of one of the functions that write metrics
    timeline = Timeline().add(60, requests=4)
    timeline._emit("AWS/Logs", {"LogGroupName": f"/aws/lambda/{function}"}, {"EMFValidationErrors": 1})
    assert timeline.add(10, requests=4).fired() == {"metrics-lost", "ticket"}


# The web tier


def test_an_hour_without_trouble_and_a_deployment_turn_nothing_of_the_tier_red() -> None:
    # GIVEN quiet and busy minutes, with a task that drains for a minute
    busy = Timeline(TIER).add_to_tier(20).add_to_tier(10, requests=0).add_to_tier(10, requests=2000)
    assert busy.add_to_tier(1, healthy=3, UnHealthyHostCount=1).add_to_tier(20).fired(3) == set()


@pytest.mark.parametrize(
    ("minutes", "trouble", "expected"),
    [
        *((12, {f"HTTPCode_{each}_5XX_Count": 5}, {"web-faults", "web-page"}) for each in ("ELB", "Target")),
        *((1, {f"HTTPCode_{each}_5XX_Count": 20}, set()) for each in ("ELB", "Target")),
        (4, {"healthy": 0, "UnHealthyHostCount": 2}, {"web-no-tasks", "web-page"}),
        (4, {"healthy": 0}, {"web-no-tasks", "web-page"}),  # AWS may report nothing
        (12, {"Slow": 30}, {"web-latency", "web-page"}),
        (6, {"UnHealthyHostCount": 1}, {"web-unhealthy", "web-ticket"}),
        (20, {"CPUUtilization": 95}, {"web-cpu", "web-ticket"}),
        (1, {"QueueRefusals": 12}, {"web-queue-full", "web-ticket"}),
        (1, {"InvokeFaults": 6}, {"web-invoke-faults", "web-ticket"}),
        (1, {"CutOff": 1}, {"web-cut-off", "web-ticket"}),
        (1, {"TriggeredRules": 1}, {"web-rolled-back", "web-ticket"}),
        (1, {"EMFParsingErrors": 1}, {"web-metrics-lost", "web-ticket"}),
    ],
)
def test_trouble_of_the_tier_pages_if_users_notice_it(
    minutes: int, trouble: dict[str, Any], expected: set[str]
) -> None:
    timeline = Timeline(TIER).add_to_tier(20).add_to_tier(minutes, **trouble)
    assert timeline.add_to_tier(0 if "healthy" in trouble else 12).fired(3) == expected
