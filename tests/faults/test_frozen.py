"""Both stores frozen: no answer of the HTTP server takes longer than 2 s, before, while and after the breakers open."""

import http.client
import json
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import psycopg2
import pytest

from database.dataset import read_dataset
from database.load import activate, load
from local.stack import postgres, valkey
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port
from local.stack.run import is_healthy
from local.stack.server import EmbeddedServer
from testing.pictures import jpeg

LIMIT = 2.0
"""Longest degraded answer, in seconds. docs/explanation/dashboards.md promises it."""
CLIENTS = 4
FROZEN_FOR = 6.0
"""Seconds: the breakers open, and then each tries again several times (`BREAKER_REST`)."""


class Answer(NamedTuple):
    """The status, the mode and the seconds of one request."""

    status: int
    mode: str
    seconds: float


@pytest.fixture(scope="module")
def stores() -> Iterator[tuple[postgres.PostgresServer, valkey.ValkeyServer]]:
    """Stores with the data, which this module may freeze."""
    with postgres.serve() as database, valkey.serve() as cache:
        connection = psycopg2.connect(database.url)
        activate(connection, load(connection, read_dataset()).version)
        connection.close()
        yield database, cache


@contextmanager
def frozen(*servers: EmbeddedServer) -> Iterator[None]:
    """Stop the servers with SIGSTOP until the end of the block. Their connections stay open."""
    for server in servers:
        server.pause()
    try:
        yield
    finally:
        for server in servers:
            server.resume()


def ask(port: int, method: str, place: str) -> Answer:
    """Send one request on a connection of its own."""
    started = monotonic()
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        if method == "POST":
            connection.request("POST", f"/identify?{place}", jpeg(), {"Content-Type": "image/jpeg"})
        else:
            connection.request("GET", f"/animals?{place}")
        response = connection.getresponse()
        features = json.loads(response.read()).get("features", {})
        return Answer(response.status, features.get("mode", ""), monotonic() - started)
    finally:
        connection.close()


@pytest.mark.parametrize(("workers", "method"), [(1, "POST"), (2, "POST"), (2, "GET")])
def test_no_answer_takes_longer_than_2_seconds(
    stores: tuple[postgres.PostgresServer, valkey.ValkeyServer], workers: int, method: str, tmp_path: Path
) -> None:
    # GIVEN the app with warm connections, and more clients than workers, so that some requests wait in the queue
    database, cache = stores
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "REDIS_URL": cache.url,
        "METRICS_FILE": str(tmp_path / "metrics.jsonl"),
        "HTTP_WORKERS": str(workers),
        "BREAKER_REST": "2",
    }
    command = [sys.executable, "-m", "local.http.serve", "--port", str(port)]
    with ExitStack() as stack:
        app = stack.enter_context(ChildProcess("the app", command, log=tmp_path / "app.log", environment=environment))
        app.wait_until(lambda: is_healthy(port), 30)
        assert ask(port, "POST", "lat=-33.9&lon=151.2").mode == "narrowed"
        stack.enter_context(frozen(database, cache))
        until = monotonic() + FROZEN_FOR

        def client(number: int) -> list[Answer]:
            """Look new cells up until the end."""
            places, answers = random.Random(number), []
            while monotonic() < until:
                place = f"lat={places.uniform(-60, 60):.2f}&lon={places.uniform(-170, 170):.2f}"
                answers.append(ask(port, method, place))
            return answers

        # WHEN both stores freeze
        with ThreadPoolExecutor(CLIENTS) as threads:
            answers = [answer for found in threads.map(client, range(CLIENTS)) for answer in found]
    # THEN every request gets a degraded answer, and none takes longer than promised
    assert {(answer.status, answer.mode) for answer in answers} == {(200, "degraded")}
    slowest = max(answer.seconds for answer in answers)
    print(f"{method}, {workers} workers, {CLIENTS} clients: {len(answers)} answers, the slowest {slowest:.2f} s")
    assert slowest <= LIMIT
    # AND the slowest ones really waited for the stores
    assert slowest > 1.0
