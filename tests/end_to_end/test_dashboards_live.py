"""The dashboards on the local server: live, beside the app, and during an outage of a real Redis."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from cloudwatch.files import Placeholders, read_files
from cloudwatch.preview.alarms import timelines_of
from cloudwatch.preview.pages import Pages
from cloudwatch.preview.recording import Recording
from local.stack import valkey
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get
from local.stack.valkey import ValkeyServer
from tests.end_to_end.browsing import Open
from tests.support.pictures import jpeg

pytestmark = pytest.mark.alone

APP_TIMEOUT = 60.0
CALM = 2.2
"""Seconds before and after the outage: stretched, more than a minute, so that one minute is without it."""
OUTAGE = 0.5
"""Seconds until Redis is started again; as a cluster, it needs two more to be ready."""
REFRESHED = 5000
"""Milliseconds between refreshes of the page."""
STRETCH = 30
"""Stretches each of these to more than a minute, the period of alarms."""


class Users:
    """A few clients that send requests all the time, each for another place."""

    def __init__(self, port: int, number: int = 3) -> None:
        self._port = port
        self._over = Event()
        self._places = count()
        self.answers: list[int] = []
        self._threads = [Thread(target=self._send_requests) for _ in range(number)]

    def __enter__(self) -> "Users":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def run_for(self, seconds: float) -> None:
        """Let them send requests for some seconds, and until at least ten have a response."""
        end, before = monotonic() + seconds, len(self.answers)
        while monotonic() < end or len(self.answers) < before + 10:
            assert monotonic() < end + 20, "there are no more responses"
            assert all(thread.is_alive() for thread in self._threads), "a client failed"
            self._over.wait(0.05)

    def _send_requests(self) -> None:
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


def get(port: int, path: str) -> Any:
    status, _, body = http_get(port, path, 60.0)
    assert status == 200, body
    return json.loads(body)


def test_numbers_grow_while_the_server_has_requests(app_url: str, open_page: Open) -> None:
    # GIVEN a dashboard of a busy server, in a browser whose clock the test controls
    port = urlsplit(app_url).port
    assert port
    page = open_page(f"{app_url}openapi.json")
    page.clock.install()
    with Users(port, number=1) as users:
        users.run_for(0.5)
        page.goto(f"{app_url}dashboards/cost")
        expect(page.locator("#source")).to_contain_text("The local server, live", timeout=30_000)
        number = page.get_by_role("region", name="Identifications", exact=True).locator(".number dd")
        before = float(number.inner_text())
        assert before > 0
        # WHEN more requests arrive
        users.run_for(0.5)
        # THEN the page shows them without a reload
        page.clock.fast_forward(REFRESHED)
        expect(number).not_to_have_text(f"{before:.0f}")
        assert float(number.inner_text()) > before
    # THEN one note says which widgets only AWS could fill, these are not shown empty, and nothing is an error
    assert page.locator('.card[data-state="error"]').count() == 0
    expect(page.locator('.collapsed [data-state="aws_only"]')).to_contain_text("Only AWS emits these metrics")
    expect(page.locator('.card[data-state="aws_only"]:visible')).to_have_count(0)
    # THEN the app's own routes still work
    assert get(port, "/health")["status"] in {"ok", "degraded"}


@contextmanager
def served(database: str, cache: ValkeyServer, folder: Path) -> Iterator[tuple[int, Path]]:
    """Start the cache and the local server. Yield its port and its file of metrics."""
    port, metrics = free_port(), folder / "metrics.jsonl"
    environment = os.environ | {"DATABASE_URL": database, "REDIS_URL": cache.url, "METRICS_FILE": str(metrics)}

    def answers() -> bool:
        try:
            return bool(get(port, "/health?deep=true")["status"] == "ok")
        except (OSError, AssertionError):
            return False

    command = [sys.executable, "-m", "local.serve", "--port", str(port)]
    cache.launch()
    with ChildProcess("the app", command, log=folder / "app.log", environment=environment) as app:
        cache.wait_until_ready()
        warm = [sys.executable, "-m", "local.warm"]
        with ChildProcess("warming", warm, log=folder / "warm.log", environment=environment) as warming:
            app.wait_until(answers, APP_TIMEOUT)
            assert warming.wait(APP_TIMEOUT) == 0, warming.last_log_line()
        yield port, metrics


def fired(recording: Recording) -> set[str]:
    """Return the alarms and composites that fired at any time after the first warming."""
    files = read_files(Placeholders(stage="local", limits="prod"), tier=False)
    span = recording.span()
    found = timelines_of(files, recording.store, span.start + 60, span.end + 300)
    return {name for name, timeline in found.items() if "ALARM" in timeline.states}


def stretched(metrics: Path, factor: float) -> Path:
    """Write lines of metrics as if each second had lasted `factor` seconds. Return the new file."""
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    first = lines[0]["_aws"]["Timestamp"]
    for line in lines:
        line["_aws"]["Timestamp"] = round(first + (line["_aws"]["Timestamp"] - first) * factor)
    slow = metrics.with_name("stretched.jsonl")
    slow.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return slow


@pytest.fixture(scope="module")
def incident(loaded_database: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return a recording of a few seconds without Redis under load, stretched."""
    folder = tmp_path_factory.mktemp("incident")
    with valkey.serve(start=False) as cache, served(loaded_database, cache, folder) as (port, metrics):
        with Users(port) as users:
            users.run_for(CALM)
            cache.kill()
            users.run_for(OUTAGE)
            cache.start()
            users.run_for(CALM)
        # no client noticed
        assert set(users.answers) == {200}
    recording = Recording(stretched(metrics, STRETCH), "an incident")
    recording.read_new_lines()
    return recording


def test_an_outage_of_redis_fires_its_own_alarms_and_no_other(incident: Recording) -> None:
    # THEN the alarm on Redis fires, and the ticket that collects causes
    assert fired(incident) == {"cache-errors", "ticket"}


@pytest.mark.parametrize(
    ("name", "title"), [("service", "Errors of Redis and PostgreSQL"), ("features", "Errors of Redis")]
)
def test_the_outage_shows_on_the_dashboards(name: str, title: str, incident: Recording) -> None:
    # GIVEN a dashboard of that time
    data = Pages(incident).data(name, {})
    # THEN it shows the errors, and none at the beginning
    (curve,) = [each["curves"][0] for each in data["widgets"] if each["title"] == title]
    errors = [value for value in curve["values"] if value is not None]
    assert errors[0] == 0
    assert max(errors) > 5
    # THEN the alarm beside it fired
    shown = [alarm for each in data["widgets"] if each["kind"] == "alarms" for alarm in each["alarms"]]
    (alarm,) = [each for each in shown if each["name"] == "cache-errors"]
    assert "ALARM" in {period["state"] for period in alarm["periods"]}
