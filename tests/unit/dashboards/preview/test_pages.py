"""Responses to the preview's paths, over a small recording and the real dashboards."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dashboards.preview.pages import STATIC, Pages
from dashboards.preview.recording import Recording
from dashboards.simulation import schedule
from dashboards.simulation.day import lines

MINUTES = 90
END = (schedule.START + MINUTES * 60) * 1e3


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first hour and a half of the simulated day as a file."""
    path = tmp_path_factory.mktemp("recording") / "morning.jsonl"
    path.write_text("".join(islice(lines(), MINUTES)))
    return path


@pytest.fixture(scope="module")
def pages(path: Path) -> Pages:
    return Pages(Recording(path, "A morning", begin=schedule.START))


def data(pages: Pages, path: str, **query: str) -> dict[str, Any]:
    reply = pages.respond(f"data/{path}", query)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json"), reply.body
    found: dict[str, Any] = json.loads(reply.body)
    return found


def test_a_recording_is_shown_whole_and_its_stage_is_known(pages: Pages) -> None:
    found = data(pages, "service")
    assert (found["stage"], found["range"], found["live"]) == ("prod", "all", False)
    assert (found["start"], found["end"]) == (schedule.START * 1e3, END)
    assert sum(found["alarms"].values()) > 10
    assert {widget["state"] for widget in found["widgets"]} <= {"ok", "empty"}


@pytest.mark.parametrize(
    ("until", "end"), [("2026-06-01T01:00", (schedule.START + 3600) * 1e3), ("2027-01-01T00:00", END)]
)
def test_a_time_can_be_chosen_up_to_the_end_of_the_recording(until: str, end: float, pages: Pages) -> None:
    found = data(pages, "features", range="15m", until=until)
    assert (found["start"], found["end"]) == (end - 900e3, end)


@pytest.mark.parametrize(
    ("board", "age", "expected"),
    [("service", 600, "15m"), ("service", 901, "1h"), ("features", 4000, "3h"), ("cost", 5 * 3600, "3h")],
)
def test_a_young_live_recording_starts_with_a_shorter_range(path: Path, board: str, age: int, expected: str) -> None:
    # GIVEN a server that has run for some seconds
    pages = Pages(Recording(path, "live", live=True, begin=schedule.START, now=lambda: schedule.START + age))
    # THEN a dashboard starts with a range that holds all data, if that is shorter than its own
    assert data(pages, board)["range"] == expected


def test_the_overview_has_every_dashboard_and_every_alarm(pages: Pages) -> None:
    found = data(pages, "overview")
    assert [each["name"] for each in found["dashboards"]] == ["service", "web", "features", "model", "batches", "cost"]
    assert all(each["purpose"] for each in found["dashboards"])
    assert len(found["alarms"]) > 20
    # alarms begin after the first recorded minute: earlier data are not missing, only not recorded
    assert {alarm["periods"][0]["from"] for alarm in found["alarms"]} == {(schedule.START + 60) * 1e3}


@pytest.mark.parametrize("name", ["", "cost", "runbook"])
def test_pages_name_themselves_and_their_neighbours(name: str, pages: Pages) -> None:
    reply = pages.respond(name, {})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f'data-name="{name}" data-names="service web features model batches cost"' in str(reply.body)
    assert "default-src 'self'" in reply.headers["Content-Security-Policy"]


def test_every_file_of_the_page_is_served_and_no_other(pages: Pages) -> None:
    for file in STATIC.rglob("*.*"):
        reply = pages.respond(f"static/{file.relative_to(STATIC).as_posix()}", {})
        assert reply.status == (404 if file.suffix == ".LICENSE" else 200), file
    for path in ("static/../pages.py", "static/", "static/nothing.js", "static//etc/passwd"):
        assert pages.respond(path, {}).status == 404


@pytest.mark.parametrize(
    ("address", "query", "words"),
    [
        ("nowhere", {}, "there is no page with this name; open service, web, features, model, batches, cost or"),
        ("data/nowhere", {}, "there is no dashboard with this name"),
        ("data/service", {"range": "2h"}, "there is no time range '2h'; choose 15m, 1h, 3h, 24h or all"),
        ("data/service", {"until": "noon"}, "time 'noon' is invalid; expected UTC, such as 2026-06-01T12:30"),
    ],
)
def test_an_unknown_page_or_time_is_named(pages: Pages, address: str, query: dict[str, str], words: str) -> None:
    reply = pages.respond(address, query)
    assert reply.status == 404
    assert words in json.loads(reply.body)["detail"]


def test_a_file_that_cannot_be_read_is_an_error(path: Path, tmp_path: Path) -> None:
    (tmp_path / "service.json").write_text("{")
    pages = Pages(Recording(path, "A morning"), folder=tmp_path)
    reply = pages.respond("data/service", {})
    message = f"{tmp_path.name}/service.json: line 1, column 2: invalid JSON"
    assert (reply.status, json.loads(reply.body)["detail"].partition(" (")[0]) == (500, message)
