"""What the files say has to agree: limits that are drawn, told and set; prices and what they are multiplied with."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.metrics import billed
from dashboards.files import KEPT, read
from dashboards.prices import read_prices

ROOT = Path(__file__).parents[3]
FILES = read(KEPT)
PALETTE = {"#009E73", "#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#F0E442", "#7F7F7F"}
HALVES = {"burn-fast": "burn-fast-short", "burn-slow": "burn-slow-short"}
"""Alarms that are drawn under the name of their composite."""


def _drawn() -> Iterator[tuple[str, str, float]]:
    """Dashboard, alarm and value of each limit that bears an alarm's name."""
    for board, body in FILES.dashboards.items():
        for widget in body["widgets"]:
            for line in widget["properties"].get("annotations", {}).get("horizontal", []):
                for name in re.findall(r"[a-z]+(?:-[a-z]+)*", line["label"]):
                    if name in FILES.alarms or name in HALVES:
                        yield board, HALVES.get(name, name), line["value"]


def _settings(kind: str, stage: str) -> dict[str, Any]:
    if kind == "stack":
        parameters: dict[str, Any] = json.loads((ROOT / "infra" / "stages" / f"{stage}.json").read_text())["Parameters"]
        return parameters
    functions: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text())
    return functions


def _alarm_metrics() -> int:
    """Metrics that all alarms read, as they are billed."""
    return sum(
        sum("MetricStat" in each for each in body.get("Metrics", [{"MetricStat": {}}]))
        for body in FILES.alarms.values()
    )


@pytest.mark.parametrize(("board", "alarm", "value"), list(_drawn()))
def test_a_limit_that_is_drawn_is_the_alarms(board: str, alarm: str, value: float) -> None:
    # "latency alarm" on the gauge counts what was fast enough, the alarm what was not
    wanted = FILES.alarms[alarm]["Threshold"]
    assert value in (wanted, 100 - wanted) if alarm == "latency" else value == wanted, f"{board}: {alarm}"


def test_every_alarm_is_drawn() -> None:
    drawn = {alarm for _, alarm, _ in _drawn()} | {"burn-fast-long", "burn-slow-long"}
    assert drawn == FILES.alarms.keys()


def test_windows_of_one_composite_have_one_limit() -> None:
    for name in HALVES:
        assert FILES.alarms[f"{name}-short"]["Threshold"] == FILES.alarms[f"{name}-long"]["Threshold"]


def test_every_alarm_is_on_service() -> None:
    shown = {
        arn.rsplit(":", 1)[1].removeprefix("faunalens-STAGENAME-")
        for widget in FILES.dashboards["service"]["widgets"]
        if widget["type"] == "alarm"
        for arn in widget["properties"]["alarms"]
    }
    halves = {f"{name}-{window}" for name in HALVES for window in ("short", "long")}
    assert shown == (FILES.alarms.keys() - halves) | FILES.composites.keys()


def test_every_alarm_leads_to_page_or_ticket_and_only_these_act() -> None:
    rules = {
        name: set(re.findall(r'"faunalens-STAGENAME-([a-z-]+)"', body["AlarmRule"]))
        for name, body in FILES.composites.items()
    }
    reached = rules["page"] | rules["ticket"] | {each for name in rules["page"] for each in rules.get(name, ())}
    assert reached == FILES.alarms.keys() | {"page", *HALVES}
    assert {name for name, body in FILES.composites.items() if "AlarmActions" in body} == {"page", "ticket"}
    assert not any(key.endswith("Actions") for body in FILES.alarms.values() for key in body)


def test_the_guide_tells_every_alarm_as_it_is_set() -> None:
    rows = {
        cells[1].strip("` "): [cell.strip() for cell in cells[2:-1]]
        for line in (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8").splitlines()
        if len(cells := line.split("|")) == 9
    }
    for name, body in FILES.alarms.items():
        _, limit, period, of, missing, _ = rows[name]
        signs = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<"}
        periods = (
            {body["Period"]}
            if "Period" in body
            else {each["MetricStat"]["Period"] for each in body["Metrics"] if "MetricStat" in each}
        )
        assert limit == f"{signs[body['ComparisonOperator']]} {body['Threshold']:,}"
        assert period == f"{periods.pop():,} s"
        assert of == f"{body['DatapointsToAlarm']} of {body['EvaluationPeriods']}"
        assert missing == {"notBreaching": "fine", "breaching": "**alarm**"}[body["TreatMissingData"]]


@pytest.mark.parametrize("board", FILES.dashboards)
def test_colours_are_those_that_everybody_can_tell_apart(board: str) -> None:
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", json.dumps(FILES.dashboards[board]))) <= PALETTE


def test_our_own_times_are_never_told_as_averages_alone() -> None:
    for board, body in FILES.dashboards.items():
        for widget in body["widgets"]:
            for row in widget["properties"].get("metrics", []):
                if row[0] == "Faunalens" and row[1].endswith("Latency"):
                    assert row[-1].get("stat", "") not in ("", "Average"), f"{board}: {widget['properties']['title']}"


def test_limits_that_follow_a_setting_are_four_fifths_of_it_in_prod() -> None:
    stack, functions = _settings("stack", "prod"), _settings("functions", "prod")["stages"]["prod"]["lambda_functions"]
    containers = functions["api_handler"]["reserved_concurrency"]
    assert FILES.alarms["cache-ecpu"]["Threshold"] == 0.8 * int(stack["CacheMaxEcpuPerSecond"])
    assert FILES.alarms["lambda-concurrency"]["Threshold"] == 0.8 * containers
    assert FILES.alarms["database-connections"]["Threshold"] > containers
    smallest = min(int(_settings("stack", stage)["CacheMaxGigabytes"]) for stage in ("dev", "prod"))
    assert FILES.alarms["cache-storage"]["Threshold"] == 0.8 * smallest * 1e9


def test_what_prices_are_multiplied_with_is_what_there_is() -> None:
    prices, functions = read_prices(), _settings("functions", "prod")
    warm = functions["stages"]["prod"]["lambda_functions"]["warm"]
    assert prices["series_count"].value == billed()
    assert prices["alarm_metric_count"].value == _alarm_metrics()
    assert prices["composite_count"].value == len(FILES.composites)
    assert prices["dashboard_count"].value == len(FILES.dashboards)
    assert prices["lambda_memory_gb"].value == pytest.approx(functions["lambda_memory_size"] / 1024, abs=1e-4)
    assert prices["lambda_warm_memory_gb"].value == pytest.approx(warm["lambda_memory_size"] / 1024, abs=1e-4)
