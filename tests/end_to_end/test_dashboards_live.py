"""The dashboards on the local server: live, beside the app, and right about a fault of a real Redis."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from cloudwatch.files import Placeholders, read_files
from cloudwatch.preview.alarm_widget import alarms_of
from cloudwatch.preview.alarms import histories
from cloudwatch.preview.pages import Pages
from cloudwatch.preview.recording import Recording
from local.stack import valkey
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port
from local.stack.valkey import ValkeyServer
from testing.pictures import jpeg
from tests.end_to_end.browsing import Open

APP_TIMEOUT = 60.0
CALM = 2.2
"""Seconds before and after the fault: more than a minute of those that are looked at, so that one is without it."""
OUTAGE = 0.5
"""Seconds until Redis is started again; it takes two more to serve, as a cluster does."""
REFRESHED = 5000
"""Milliseconds after which the page asks anew."""
STRETCH = 30
"""What makes more than a minute, the period of alarms, of each."""


class Users:
    """A few people who ask all the time, each time for another place."""

    def __init__(self, port: int, number: int = 3) -> None:
        self._port = port
        self._over = Event()
        self._places = count()
        self.answers: list[int] = []
        self._threads = [Thread(target=self._ask) for _ in range(number)]

    def __enter__(self) -> "Users":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, seconds: float) -> None:
        """Let them ask for so long, and until at least some were answered."""
        end, before = monotonic() + seconds, len(self.answers)
        while monotonic() < end or len(self.answers) < before + 10:
            assert monotonic() < end + 20, "nobody is answered any more"
            assert all(thread.is_alive() for thread in self._threads), "somebody gave up"
            self._over.wait(0.05)

    def _ask(self) -> None:
        with closing(HTTPConnection(HOST, self._port, timeout=20)) as connection:
            while not self._over.wait(0.02):
                place = next(self._places)
                address = f"/animals?lat={place * 7 % 130 - 60}&lon={place * 11 % 350 - 170}"
                if place % 4:
                    connection.request("GET", address)
                else:
                    address = address.replace("/animals", "/identify")
                    connection.request("POST", address, PHOTO, {"Content-Type": "image/jpeg"})
                response = connection.getresponse()
                response.read()
                self.answers.append(response.status)


PHOTO = jpeg(120, 90)


def get(url: str, path: str) -> Any:
    parts = urlsplit(url)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=60)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return json.loads(body)


def test_numbers_grow_while_the_server_is_used(app_url: str, open_page: Open) -> None:
    # GIVEN a dashboard of a server that somebody uses, in a browser whose time is ours
    port = urlsplit(app_url).port
    assert port
    page = open_page(f"{app_url}openapi.json")
    page.clock.install()
    with Users(port, number=1) as users:
        users.go_on(0.5)
        page.goto(f"{app_url}dashboards/cost")
        expect(page.locator("#source")).to_contain_text("The local server, live", timeout=30_000)
        number = page.get_by_role("region", name="Identifications", exact=True).locator(".number dd")
        before = float(number.inner_text())
        assert before > 0
        # WHEN it is used more
        users.go_on(0.5)
        # THEN the page says so by itself, without being loaded anew
        page.clock.fast_forward(REFRESHED)
        expect(number).not_to_have_text(f"{before:.0f}")
        assert float(number.inner_text()) > before
    # THEN what only AWS emits is told to be so, and nothing is an error
    assert page.locator('.card[data-state="error"]').count() == 0
    expect(page.locator('.card[data-state="aws_only"]').first).to_contain_text("Only AWS emits these metrics")
    # THEN the app's own routes are its own
    assert get(app_url, "/health")["status"] in {"ok", "degraded"}


@contextmanager
def served(database: str, cache: ValkeyServer, folder: Path) -> Iterator[tuple[int, Path]]:
    """The local server on these stores: its port, and the file that it writes its metrics to. It starts the cache."""
    port, metrics = free_port(), folder / "metrics.jsonl"
    environment = os.environ | {"DATABASE_URL": database, "REDIS_URL": cache.url, "METRICS_FILE": str(metrics)}

    def answers() -> bool:
        try:
            return bool(get(f"http://{HOST}:{port}", "/health?deep=true")["status"] == "ok")
        except (OSError, HTTPException, AssertionError):
            return False

    command = [sys.executable, "-m", "local.http.serve", "--port", str(port)]
    cache.launch()
    with ChildProcess("the app", command, log=folder / "app.log", environment=environment) as app:
        cache.wait_until_ready()
        warm = [sys.executable, "-m", "local.stack.warm"]
        with ChildProcess("warming", warm, log=folder / "warm.log", environment=environment) as warming:
            app.wait_until(answers, APP_TIMEOUT)
            assert warming.wait(APP_TIMEOUT) == 0, warming.last_log_line()
        yield port, metrics


def fired(recording: Recording) -> set[str]:
    """Alarms and composites that were in alarm at any time since warming had run."""
    files = read_files(Placeholders(stage="local", limits="prod"))
    span = recording.span()
    found = histories(files, recording.store, span.start + 60, span.end + 300)
    return {name for name, history in found.items() if "ALARM" in history.states}


@pytest.fixture(scope="module")
def incident(loaded_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """What was recorded while a real Redis was gone for a few seconds under load, 20 times slower."""
    folder = tmp_path_factory.mktemp("incident")
    with valkey.prepared() as cache, served(loaded_database, cache, folder) as (port, metrics):
        with Users(port) as users:
            users.go_on(CALM)
            cache.kill()
            users.go_on(OUTAGE)
            cache.start()
            users.go_on(CALM)
        # nobody noticed
        assert set(users.answers) == {200}
    with closing(Recording(metrics, "an incident", stretch=STRETCH)) as recording:
        recording.read_on()
        yield recording


def test_a_redis_that_is_gone_fires_its_own_alarms_and_no_other(incident: Recording) -> None:
    # THEN Redis is named, and the one message that collects causes
    assert fired(incident) == {"cache-errors", "ticket"}


@pytest.mark.parametrize(
    ("name", "title"), [("service", "Errors of Redis and PostgreSQL"), ("features", "Errors of Redis")]
)
def test_the_fault_is_seen_where_one_looks(name: str, title: str, incident: Recording) -> None:
    # GIVEN a dashboard of the time
    data = Pages(incident).data(name, {})
    (widget,) = [each for each in data["widgets"] if each["title"] == title]
    # THEN the errors stand there, none at the beginning
    errors = values_of(widget["curves"][0])
    assert errors[0] == 0
    assert max(errors) > 5
    # THEN the alarm beside it was in alarm then
    assert "cache-errors" in alarms_of(read_files(Placeholders(stage="local", limits="prod")).dashboards[name], "local")
    (alarm,) = [
        alarm
        for each in data["widgets"]
        if each["kind"] == "alarms"
        for alarm in each["alarms"]
        if alarm["name"] == "cache-errors"
    ]
    assert "ALARM" in {period["state"] for period in alarm["periods"]}


def values_of(curve: dict[str, Any]) -> Sequence[float]:
    return [value for value in curve["values"] if value is not None]
