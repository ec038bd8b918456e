"""What the alarms of the web tier do in incidents: page, make a ticket, or nothing."""

from collections.abc import Mapping, Sequence

import pytest

from cloudwatch.files import Placeholders, read_files
from cloudwatch.math.metric_store import MetricStore
from cloudwatch.preview.alarms import timelines_of
from cloudwatch.project import BALANCER, TARGETS
from tests.unit.cloudwatch.metric_lines import metric_line

PLACEHOLDERS = Placeholders(stage="prod")
FILES = read_files(PLACEHOLDERS, tier=True)
BALANCED = {"LoadBalancer": PLACEHOLDERS.values()[BALANCER]}
TARGETED = {**BALANCED, "TargetGroup": PLACEHOLDERS.values()[TARGETS]}
OURS = {"service": "faunalens", "stage": "prod", "tier": "web"}
ECS = {"ClusterName": "faunalens-prod", "ServiceName": "web"}
RULE = {"RuleName": "faunalens-prod-web-rolled-back"}
LOG = {"LogGroupName": "/aws/ecs/faunalens-prod-web"}
ELB = "AWS/ApplicationELB"
NOTHING: Mapping[str, float] = {}


class Timeline:
    """The minutes of a tier, in sequence."""

    def __init__(self) -> None:
        self._store, self._minutes = MetricStore(), 0

    def add(
        self, minutes: int, more: Mapping[str, float] = NOTHING, *, requests: int = 100, healthy: int = 2
    ) -> "Timeline":
        """Add minutes with this many requests each. `more`: values of other metrics in each minute."""
        known = {name: more.get(name, 0) for name in ("HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count")}
        slow = round(more.get("Slow", 0))
        for _ in range(minutes):
            self._emit(ELB, BALANCED, {"RequestCount": [requests]} | {name: [each] for name, each in known.items()})
            if healthy or "UnHealthyHostCount" in more:
                unhealthy = more.get("UnHealthyHostCount", 0)
                self._emit(ELB, TARGETED, {"HealthyHostCount": [healthy], "UnHealthyHostCount": [unhealthy]})
            times = [6000.0] * slow + [300.0] * (requests - slow)
            self._emit("Faunalens", OURS | {"route": "/identify"}, {"Latency": times})
            for name in ("QueueRefusals", "InvokeFaults", "CutOff"):
                self._emit("Faunalens", OURS, {name: [more.get(name, 0)]})
            self._emit("AWS/ECS", ECS, {"CPUUtilization": [more.get("CPUUtilization", 10)] * 2})
            self._emit(
                "AWS/Logs", LOG, {name: [more.get(name, 0)] for name in ("EMFValidationErrors", "EMFParsingErrors")}
            )
            if "TriggeredRules" in more:  # AWS reports it only when there was an event
                self._emit("AWS/Events", RULE, {"TriggeredRules": [more["TriggeredRules"]]})
            self._minutes += 1
        return self

    def fired(self) -> set[str]:
        """Return the alarms that were on at any minute, after the first three."""
        found = timelines_of(FILES, self._store, 180, self._minutes * 60)
        return {name for name, timeline in found.items() if "ALARM" in timeline.states}

    def _emit(self, namespace: str, dimensions: Mapping[str, str], values: Mapping[str, Sequence[float]]) -> None:
        self._store.add(metric_line(self._minutes * 60, values, dimensions, namespace))


def test_an_hour_without_trouble_and_a_deployment_turn_nothing_red() -> None:
    # GIVEN quiet and busy minutes, with a task that drains for a minute
    busy = Timeline().add(20).add(10, requests=0).add(10, requests=2000)
    assert busy.add(1, {"UnHealthyHostCount": 1}, healthy=3).add(20).fired() == set()


@pytest.mark.parametrize("count", ["HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"])
def test_failures_page_whoever_answers_with_them(count: str) -> None:
    assert Timeline().add(20).add(12, {count: 5}).fired() == {"web-faults", "web-page"}
    # AND a single bad minute does not
    assert Timeline().add(20).add(1, {count: 20}).add(15).fired() == set()


@pytest.mark.parametrize("reported", [{"UnHealthyHostCount": 2.0}, {}])
def test_no_healthy_task_pages_also_if_aws_reports_nothing(reported: dict[str, float]) -> None:
    assert Timeline().add(10).add(4, reported, healthy=0).fired() == {"web-no-tasks", "web-page"}


def test_slow_answers_page() -> None:
    assert Timeline().add(20).add(12, {"Slow": 30}).fired() == {"web-latency", "web-page"}


@pytest.mark.parametrize(
    ("minutes", "trouble", "alarm"),
    [
        (6, {"UnHealthyHostCount": 1}, "web-unhealthy"),
        (20, {"CPUUtilization": 95}, "web-cpu"),
        (1, {"QueueRefusals": 12}, "web-queue-full"),
        (1, {"InvokeFaults": 6}, "web-invoke-faults"),
        (1, {"CutOff": 1}, "web-cut-off"),
        (1, {"TriggeredRules": 1}, "web-rolled-back"),
        (1, {"EMFParsingErrors": 1}, "web-metrics-lost"),
    ],
)
def test_everything_else_makes_a_ticket(minutes: int, trouble: dict[str, float], alarm: str) -> None:
    assert Timeline().add(20).add(minutes, trouble).add(10).fired() == {alarm, "web-ticket"}
