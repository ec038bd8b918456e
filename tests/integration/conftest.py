"""The app on real HTTP, PostgreSQL and Valkey, with the real model."""

import http.client
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import psycopg2
import pytest

from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer

START_TIMEOUT = 60.0
"""Seconds; a start takes two on a machine with nothing else to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the server."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, its metrics and its log."""

    port: int
    metrics: Path
    log: Path

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
    ) -> Reply:
        """Send one request on a new connection."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            target = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, target, body, {"Content-Type": content_type} if content_type else {})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read().decode("utf-8"))
        finally:
            connection.close()

    def identify(self, photo: bytes, query: Mapping[str, str] | None = None, content_type: str = "image/jpeg") -> Reply:
        """`POST /identify` with a photo."""
        return self.request("POST", "/identify", query, photo, content_type)

    def is_up(self) -> bool:
        """Return whether it answers."""
        try:
            return self.request("GET", "/openapi.json").status == 200
        except OSError:
            return False


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's cache. All processes of these tests share it, because the cells take half a minute to compute."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of an empty database for its owner, who is no superuser."""
    name = f"database_{uuid4().hex}"
    url = urlsplit(postgres_server.url)
    with closing(psycopg2.connect(postgres_server.admin_url)) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"create database {name} owner {url.username}")
            yield url._replace(path=f"/{name}").geturl()
            cursor.execute(f"drop database {name} with (force)")


def serve(folder: Path, environment: Mapping[str, str]) -> Iterator[Served]:
    """Run a server with some settings."""
    port, metrics, log = free_port(), folder / "metrics.jsonl", folder / "server.log"
    command = [sys.executable, "-m", "local.serve", "--port", str(port)]
    served = Served(port, metrics, log)
    with ChildProcess(
        "the app", command, log=log, environment={**os.environ, "METRICS_FILE": str(metrics), **environment}
    ) as app:
        app.wait_until(served.is_up, START_TIMEOUT)
        yield served


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[Served]:
    """The app on the loaded database and Valkey."""
    environment = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    yield from serve(tmp_path_factory.mktemp("served"), environment)
