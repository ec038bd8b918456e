"""Facts that several files repeat must agree: thresholds in alarms, graphs and docs; sizes of functions."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.alarms import timelines_of
from dashboards.figures import read_prices, stages_of
from dashboards.files import UNRESOLVED, Files, Placeholders, read_files
from dashboards.graphed_metrics import TimeSeries, of_alarm
from dashboards.preview.widgets import alarms_of
from dashboards.project import belongs_to_tier
from tests.unit.dashboards.metric_lines import minutes_of

ROOT = Path(__file__).parents[3]
CHALICE = json.loads((ROOT / ".chalice" / "config.json").read_text())
FILES = read_files(UNRESOLVED)
PARTS = {"service": read_files(UNRESOLVED, tier=False), "web": read_files(UNRESOLVED, tier=True)}
"""The files by the dashboard that shows their alarms."""
PALETTE = {"#009E73", "#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#F0E442", "#7F7F7F"}
HALVES = {"burn-fast": "burn-fast-short", "burn-slow": "burn-slow-short"}
"""Alarms whose threshold is drawn with the name of their composite."""


def _drawn() -> Iterator[tuple[str, str, float]]:
    """Yield dashboard, alarm and value of each drawn threshold that has the name of an alarm."""
    for board, body in FILES.dashboards.items():
        for widget in body["widgets"]:
            for line in widget["properties"].get("annotations", {}).get("horizontal", []):
                for name in re.findall(r"[a-z]+(?:-[a-z]+)*", line["label"]):
                    if name in FILES.alarms or name in HALVES:
                        yield board, HALVES.get(name, name), line["value"]


def _stack(stage: str) -> Any:
    return json.loads((ROOT / "infra" / "stages" / f"{stage}.json").read_text())["Parameters"]


def _functions(stage: str) -> Any:
    return CHALICE["stages"][stage]["lambda_functions"]


def _containers(functions: Any) -> int:
    """Return the limit of containers of API and batches together."""
    return sum(int(functions[name]["reserved_concurrency"]) for name in ("api_handler", "batch"))


def test_every_alarm_is_drawn_at_its_threshold() -> None:
    drawn = {alarm for _, alarm, _ in _drawn()} | {"burn-fast-long", "burn-slow-long"}
    assert drawn == FILES.alarms.keys()
    for board, alarm, value in _drawn():
        # The gauge shows the share of fast identifications, the alarm the share of slow ones.
        wanted = FILES.alarms[alarm]["Threshold"]
        assert value in ((wanted, 100 - wanted) if alarm == "latency" else (wanted,)), f"{board}: {alarm}"
    for name in HALVES:
        assert FILES.alarms[f"{name}-short"]["Threshold"] == FILES.alarms[f"{name}-long"]["Threshold"]


@pytest.mark.parametrize("board", FILES.dashboards)
def test_the_upper_left_says_what_the_dashboard_is_for_and_links_to_the_runbook(board: str) -> None:
    first = min(FILES.dashboards[board]["widgets"], key=lambda widget: (widget["y"], widget["x"]))
    assert "RUNBOOKURL" in first["properties"].get("markdown", "")


@pytest.mark.parametrize(
    ("board", "page", "ticket"), [("service", "page", "ticket"), ("web", "web-page", "web-ticket")]
)
def test_every_alarm_is_on_its_first_dashboard_and_in_page_or_ticket_and_only_these_notify(
    board: str, page: str, ticket: str
) -> None:
    files = PARTS[board]
    halves = {f"{name}-{window}" for name in HALVES for window in ("short", "long")}
    shown = {*alarms_of(files.dashboards[board], "STAGENAME")}
    assert shown == (files.alarms.keys() - halves) | files.composites.keys()
    names = re.compile(r'"faunalens-STAGENAME-([a-z-]+)"')
    rules = {name: {*names.findall(body["AlarmRule"])} for name, body in files.composites.items()}
    reached = rules[page] | rules[ticket] | {each for name in rules[page] for each in rules.get(name, ())}
    assert reached == files.alarms.keys() | files.composites.keys() - {ticket}
    assert {name for name, body in files.composites.items() if "AlarmActions" in body} == {page, ticket}
    assert not any(key.endswith("Actions") for body in files.alarms.values() for key in body)


def test_files_of_the_tier_are_all_that_need_its_load_balancer() -> None:
    text = {name: json.dumps(body) for name, body in [*FILES.dashboards.items(), *FILES.alarms.items()]}
    assert all(belongs_to_tier(name) for name, body in text.items() if re.search(r'WEB(BALANCER|TARGETS)|"tier"', body))


def test_colours_are_safe_for_colour_blindness_and_latencies_never_averages() -> None:
    for board, body in FILES.dashboards.items():
        assert set(re.findall(r"#[0-9A-Fa-f]{6}", json.dumps(body))) <= PALETTE, board
        for widget in body["widgets"]:
            for row in widget["properties"].get("metrics", []):
                if row[0] == "Faunalens" and row[1].endswith("Latency"):
                    assert row[-1].get("stat", "") not in ("", "Average"), f"{board}: {widget['properties']['title']}"


@pytest.mark.parametrize("stage", stages_of(ROOT))
@pytest.mark.parametrize(
    ("alarm", "divisor", "allowed"),
    [
        ("cache-ecpu", 60, lambda stack, _: 0.8 * int(stack["CacheMaxEcpuPerSecond"])),
        ("cache-storage", 1, lambda stack, _: 0.8e9 * int(stack["CacheMaxGigabytes"])),
        ("lambda-concurrency", 1, lambda _, functions: 0.8 * functions["api_handler"]["reserved_concurrency"]),
        ("database-connections", 1, lambda _, functions: 1.25 * _containers(functions)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_alarm_fires_at_its_share_of_the_limit(
    alarm: str, divisor: int, allowed: Callable[[Any, Any], float], stage: str
) -> None:
    # GIVEN the alarm of a stage, and the limit in the settings of the stage
    body = read_files(Placeholders(stage=stage)).alarms[alarm]
    most = allowed(_stack(stage), _functions(stage)) * divisor
    # WHEN the AWS metric is slightly below its share of the limit, and slightly above
    below, above = (_fires(body, stage, most * factor) for factor in (0.99, 1.01))
    # THEN
    assert (below, above) == (False, True)


@pytest.mark.parametrize("stage", stages_of(ROOT))
def test_the_connections_alarm_is_above_the_need_and_below_the_servers_limit(stage: str) -> None:
    functions = _functions(stage)
    limit = FILES.alarms["database-connections"]["Threshold"] / 100 * _containers(functions)
    # THEN every container of every function may hold one connection, and Aurora allows more: 211 for each ACU of its
    # maximum, up to 2,000 if its minimum is 0 or 0.5
    most = min(211 * float(_stack(stage)["DatabaseMaxCapacity"]) - 23, 2000)
    assert sum(each["reserved_concurrency"] for each in functions.values()) < limit < most


def _fires(body: dict[str, Any], stage: str, value: float, metric: TimeSeries | None = None) -> bool:
    """Return whether an alarm is on after an AWS metric, by default its only one, had this value for half an hour."""
    if metric is None:
        (metric,) = _metrics(body)
    store = minutes_of(0, {metric.name: [value] * 30}, dict(metric.dimensions), metric.namespace)
    return timelines_of(Files(stage, alarms={"it": body}), store, 0, 30 * 60)["it"].state == "ALARM"


def _metrics(body: dict[str, Any]) -> list[TimeSeries]:
    return [line.metric for line in of_alarm(body) if line.metric]


def test_a_throttled_sign_in_fires_whichever_dimension_aws_counts_it_by() -> None:
    body = read_files(Placeholders(stage="prod")).alarms["database-sign-ins"]
    metrics = _metrics(body)
    names = {value for metric in metrics for _, value in metric.dimensions}
    assert names == {"faunalens-prod", "faunalens-prod-1", "faunalens-prod-2"}
    for metric in metrics:
        assert (_fires(body, "prod", 0, metric), _fires(body, "prod", 1, metric)) == (False, True)


def test_sizes_of_functions_in_the_table_of_prices_are_right() -> None:
    prices = read_prices()
    for name, sized in (("lambda_memory_gb", CHALICE), ("lambda_warm_memory_gb", _functions("prod")["warm"])):
        assert float(prices[name]) == pytest.approx(sized["lambda_memory_size"] / 1024, abs=1e-4)
