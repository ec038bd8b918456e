"""Both stores frozen: no answer of the HTTP server takes longer than 2 s."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pytest

from benchmarks.backends import served_app
from local.run import is_healthy
from local.stack import postgres, valkey
from local.stack.ports import HOST
from tests.faults import soak
from tests.support.feature_rig import serve_loaded

pytestmark = pytest.mark.alone

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
    with serve_loaded() as database, valkey.serve() as cache:
        yield database, cache


def ask(port: int, method: str, place: str) -> Answer:
    started = monotonic()
    with closing(HTTPConnection(HOST, port, timeout=30)) as connection:
        status, mode, _ = soak.ask(connection, place, photo=method == "POST")
        return Answer(status, mode, monotonic() - started)


@pytest.mark.parametrize(("workers", "method"), [(1, "POST"), (2, "POST"), (2, "GET")])
def test_no_answer_takes_longer_than_2_seconds(
    stores: tuple[postgres.PostgresServer, valkey.ValkeyServer], workers: int, method: str, tmp_path: Path
) -> None:
    # GIVEN the app with warm connections, and more clients than workers, so that some requests wait in the queue
    database, cache = stores
    variables = {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "METRICS_FILE": str(tmp_path / "metrics.jsonl")}
    variables |= {"HTTP_WORKERS": str(workers), "BREAKER_REST": "2"}
    with served_app(variables, tmp_path / "app.log") as (app, port), ExitStack() as stack:
        app.wait_until(lambda: is_healthy(port), 30)
        assert ask(port, "POST", "lat=-33.9&lon=151.2").mode == "narrowed"
        for server in (database, cache):
            stack.callback(server.resume)
            server.pause()
        until = monotonic() + FROZEN_FOR

        def client(number: int) -> list[Answer]:
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
