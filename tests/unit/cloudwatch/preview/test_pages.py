"""What is answered to a path of the preview, over a small recording and the real dashboards."""

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.preview.pages import RUNBOOK, STATIC, Pages
from cloudwatch.preview.recording import Recording
from cloudwatch.preview.server import split
from cloudwatch.simulation import day
from cloudwatch.simulation.command import lines

MINUTES = 90


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first hour and a half of the simulated day."""
    path = tmp_path_factory.mktemp("recording") / "morning.jsonl"
    path.write_text("".join(text for _, text in islice(lines(), MINUTES)))
    return path


@pytest.fixture(scope="module")
def pages(path: Path) -> Iterator[Pages]:
    with closing(Recording(path, "A morning", begin=day.START)) as recording:
        yield Pages(recording)


def data(pages: Pages, path: str, **query: str) -> dict[str, Any]:
    reply = pages.answer(f"data/{path}", query)
    assert (reply.status, reply.media_type) == (200, "application/json"), reply.body
    found: dict[str, Any] = json.loads(reply.body)
    return found


def test_a_recording_is_shown_whole_and_its_stage_is_known(pages: Pages) -> None:
    found = data(pages, "service")
    assert (found["stage"], found["stages"], found["range"], found["live"]) == ("prod", ["prod"], "all", False)
    assert (found["start"], found["end"]) == (day.START * 1e3, (day.START + MINUTES * 60) * 1e3)
    assert sum(found["alarms"].values()) > 10
    assert {widget["state"] for widget in found["widgets"]} <= {"ok", "empty"}


def test_a_time_can_be_chosen(pages: Pages) -> None:
    found = data(pages, "features", range="15m", until="2026-06-01T01:00")
    assert (found["start"], found["end"]) == ((day.START + 2700) * 1e3, (day.START + 3600) * 1e3)
    # nothing is shown of what is not recorded yet
    assert data(pages, "features", range="15m", until="2027-01-01T00:00")["end"] == (day.START + MINUTES * 60) * 1e3


@pytest.mark.parametrize(("stage", "shown"), [("dev", "dev"), ("local", "prod")])
def test_a_stage_is_shown_against_its_own_limits_or_it_is_said_against_whose(
    pages: Pages, stage: str, shown: str
) -> None:
    titles = [widget["title"] for widget in data(pages, "service", stage=stage)["widgets"]]
    assert f"How full is each part? % of {shown}'s limits" in titles


def test_a_stage_without_lines_has_no_data(pages: Pages) -> None:
    widgets = data(pages, "service", stage="dev")["widgets"]
    assert "ok" not in {widget["state"] for widget in widgets if widget["kind"] in {"chart", "bar"}}


def test_while_time_goes_on_a_dashboard_begins_with_its_own_range(path: Path) -> None:
    with closing(Recording(path, "live", live=True, now=lambda: day.START + 4000)) as recording:
        found = data(Pages(recording), "service")
    assert (found["range"], found["end"] - found["start"], found["live"]) == ("3h", 3 * 3600e3, True)


@pytest.mark.parametrize(
    ("board", "age", "expected"),
    [("service", 600, "15m"), ("service", 901, "1h"), ("features", 4000, "3h"), ("cost", 600, "3h")],
)
def test_what_has_just_begun_is_not_a_line_at_the_edge(path: Path, board: str, age: int, expected: str) -> None:
    # GIVEN a server that runs for so many seconds
    with closing(Recording(path, "live", live=True, begin=day.START, now=lambda: day.START + age)) as recording:
        pages = Pages(recording)
        # THEN a dashboard starts with a range that has it all, if that is less than what its file says
        assert data(pages, board)["range"] == expected
        # THEN another can be chosen
        assert data(pages, board, range="24h")["range"] == "24h"


def test_the_overview_has_every_dashboard_and_every_alarm(pages: Pages) -> None:
    found = data(pages, "overview")
    assert [each["name"] for each in found["dashboards"]] == ["service", "features", "model", "cost"]
    assert all(each["purpose"] for each in found["dashboards"])
    assert len(found["alarms"]) > 20
    # alarms begin when a whole minute has been recorded: what nobody recorded is not missing
    assert {alarm["periods"][0]["from"] for alarm in found["alarms"]} == {(day.START + 60) * 1e3}


def test_the_runbook_is_the_one_of_the_docs(pages: Pages) -> None:
    assert data(pages, "runbook")["markdown"] == RUNBOOK.read_text(encoding="utf-8")


def test_pages_name_themselves_and_their_neighbours(pages: Pages) -> None:
    for path, name in (("", ""), ("cost", "cost"), ("runbook", "runbook")):
        reply = pages.answer(path, {})
        assert (reply.status, reply.media_type) == (200, "text/html; charset=utf-8")
        assert f'data-name="{name}" data-names="service features model cost"' in reply.body.decode()
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]


def test_every_file_of_the_page_is_served_and_nothing_beside_it(pages: Pages) -> None:
    for file in STATIC.rglob("*.*"):
        reply = pages.answer(f"static/{file.relative_to(STATIC).as_posix()}", {})
        assert reply.status == (404 if file.suffix == ".LICENSE" else 200), file
    for path in ("static/../pages.py", "static/", "static/nothing.js", "static//etc/passwd"):
        assert pages.answer(path, {}).status == 404


@pytest.mark.parametrize(
    ("asked", "query", "words"),
    [
        ("nowhere", {}, "there is no page 'nowhere'; there are service, features, model, cost and runbook"),
        ("data/nowhere", {}, "there is no dashboard 'nowhere'"),
        ("data/service", {"range": "2h"}, "there is no time range '2h'; choose 15m, 1h, 3h, 24h or all"),
        ("data/service", {"until": "noon"}, "there is no time 'noon'; expected one such as 2026-06-01T12:30"),
        ("static/nothing.js", {}, "there is no file 'nothing.js'"),
    ],
)
def test_what_is_not_there_is_told(pages: Pages, asked: str, query: dict[str, str], words: str) -> None:
    reply = pages.answer(asked, query)
    assert reply.status == 404
    assert words in json.loads(reply.body)["detail"]


def test_a_file_that_cannot_be_read_is_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("name,value,unit,what,region,date,source\n")
    (tmp_path / "service.json").write_text("{")
    with closing(Recording(path, "A morning")) as recording:
        reply = Pages(recording, folder=tmp_path, runbook=tmp_path / "none.md").answer("data/service", {})
        none = Pages(recording, folder=tmp_path, runbook=tmp_path / "none.md").answer("data/runbook", {})
    assert reply.status == 500
    assert "service.json: line 1, column 2: invalid JSON" in json.loads(reply.body)["detail"]
    assert json.loads(none.body)["detail"] == "there is no none.md"


@pytest.mark.parametrize(
    ("address", "path"),
    [("/dashboards/service?a=b&c=%20", "service"), ("/dashboards/", ""), ("/dashboards", None), ("/", None)],
)
def test_an_address_is_split(address: str, path: str | None) -> None:
    assert split(address) == (path, {"a": "b", "c": " "} if "?" in address else {})
