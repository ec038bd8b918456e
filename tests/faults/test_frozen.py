"""Both stores frozen, or slow to sign in: no answer of the HTTP server takes longer than 2 s."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from benchmarks.backends import served_app
from local.run import is_healthy
from local.stack import postgres, valkey
from local.stack.child_process import EmbeddedServer
from local.stack.ports import HOST
from tests.faults import soak
from tests.faults.proxy import Proxy
from tests.faults.rig import with_address
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
    with closing(HTTPConnection(HOST, port, timeout=30)) as connection:
        status, mode, _ = soak.ask(connection, place, photo=method == "POST")
        return Answer(status, mode, monotonic() - started)


@contextmanager
def served(
    folder: Path, database_url: str, redis_url: str, workers: int, is_ready: Callable[[int], bool] = is_healthy
) -> Iterator[int]:
    """Run the app until the end of the block. Yield its port, once it answers and `is_ready` returns true for it."""
    variables = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "METRICS_FILE": str(folder / "metrics.jsonl")}
    variables |= {"HTTP_WORKERS": str(workers), "BREAKER_REST": "2"}
    with served_app(variables, folder / "app.log") as (app, port):
        app.wait_until(lambda: is_ready(port), 30)
        yield port


def test_slow_sign_ins_delay_no_answer_and_serve_all_workers(
    stores: tuple[postgres.PostgresServer, valkey.ValkeyServer], tmp_path: Path
) -> None:
    # GIVEN the app with four workers, and stores that take 2 s to sign in
    database, cache = stores
    with Proxy.to(database.port) as postgres_proxy, Proxy.to(cache.port) as redis_proxy:
        proxies = (postgres_proxy, redis_proxy)
        for proxy in proxies:
            proxy.sign_in_slowly(2.0)
        urls = (
            with_address(database.url, HOST, postgres_proxy.port),
            with_address(cache.admin_url, HOST, redis_proxy.port),
        )
        with served(tmp_path, *urls, workers=4, is_ready=lambda _: True) as port:
            # WHEN clients look up cells all the time
            began = monotonic()

            def client(number: int) -> list[tuple[float, Answer]]:
                places, answers = random.Random(number), []
                while (started := monotonic()) < began + 3.5:
                    place = f"lat={places.uniform(-30, 0):.2f}&lon={places.uniform(120, 145):.2f}"
                    answers.append((started - began, ask(port, "GET", place)))
                    sleep(0.05)
                return answers

            with ThreadPoolExecutor(CLIENTS) as threads:
                answers = [answer for found in threads.map(client, range(CLIENTS)) for answer in found]
    # THEN no answer is late, and soon after the sign-ins all are complete
    assert {answer.status for _, answer in answers} == {200}
    assert max(answer.seconds for _, answer in answers) <= LIMIT
    assert "degraded" not in {answer.mode for at, answer in answers if at > 2.5}
    # AND each store had one sign-in under way at a time
    assert [proxy.most_silent for proxy in proxies] == [1, 1]


@pytest.mark.parametrize(("workers", "method"), [(1, "POST"), (2, "POST"), (2, "GET")])
def test_no_answer_takes_longer_than_2_seconds(
    stores: tuple[postgres.PostgresServer, valkey.ValkeyServer], workers: int, method: str, tmp_path: Path
) -> None:
    # GIVEN the app with warm connections, and more clients than workers, so that some requests wait in the queue
    database, cache = stores
    with served(tmp_path, database.url, cache.url, workers) as port, ExitStack() as stack:
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
