"""The app over HTTP, and its backends: real PostgreSQL with the project's data, and real Valkey."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg2

from faunalens.data.dataset import Dataset, read_dataset
from faunalens.data.load import load
from faunalens.data.switch import activate
from local.stack import postgres, valkey
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get


def load_active(url: str, dataset: Dataset) -> None:
    """Load a dataset into a database and activate it."""
    with closing(psycopg2.connect(url)) as connection:
        activate(connection, load(connection, dataset, report=lambda _: None).version)


@contextmanager
def backends() -> Iterator[dict[str, str]]:
    """Run PostgreSQL and Valkey until the end of the block; yield the environment variables of the app.

    The app takes no second look at photos: made-up photos are doubtful, so each would get one. That is no server
    overhead; `benchmarks.request` measures its time, and `benchmarks.field` its benefit.
    """
    with valkey.serve(start=False) as cache, postgres.serve() as database:
        cache.launch()
        load_active(database.url, read_dataset())
        cache.wait_until_ready()
        yield {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "METRICS_FILE": os.devnull, "SECOND_LOOK": "false"}


def is_served(port: int) -> bool:
    """Return whether the app answers on a port."""
    try:
        return http_get(port, "/openapi.json", 5)[0] == 200
    except OSError:
        return False


def post(port: int, photo: bytes, target: str = "/identify") -> int:
    """Send a photo to a server on this machine. Return the status, 0 if the connection failed."""
    try:
        with closing(HTTPConnection(HOST, port, timeout=120)) as connection:
            connection.request("POST", target, photo, {"Content-Type": "application/octet-stream"})
            response = connection.getresponse()
            response.read()
            return response.status
    except (OSError, HTTPException):
        return 0


@contextmanager
def served_app(
    environment: Mapping[str, str],
    log: Path,
    *module: str,
    python: str | Path = sys.executable,
    is_ready: Callable[[int], bool] = is_served,
) -> Iterator[tuple[ChildProcess, int]]:
    """Serve the app from another process until the end of the block; yield the process and its port.

    `module`: name and arguments of another program that serves the app. `is_ready`: whether it answers on a port.
    """
    port = free_port()
    program = [python, "-m", *(module or ("local.serve",)), "--port", str(port)]
    with ChildProcess("the server", program, log=log, environment={**os.environ, **environment}) as app:
        app.wait_until(lambda: is_ready(port), 60)
        yield app, port
