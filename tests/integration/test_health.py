"""The health check is not ok while a store refuses requests, and once it is ok, the next request uses both stores."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from faunalens.data.database import activate
from faunalens.data.load import load
from local.run import is_healthy
from local.stack import postgres, valkey
from tests.integration.conftest import Served, serve
from tests.integration.faunalens.data import sample_data

SLOTS = ("0", "99")


@contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[Served]:
    yield from serve(folder, environment)


def test_ready_means_that_the_next_request_is_narrowed(tmp_path: Path, database_url: str) -> None:
    # GIVEN an app whose Redis is a cluster that lacks slots, and whose PostgreSQL has no schema yet
    with valkey.serve() as server, closing(redis.Redis.from_url(server.admin_url)) as admin:
        admin.execute_command("CLUSTER DELSLOTSRANGE", *SLOTS)  # type: ignore[no-untyped-call]
        environment = {"DATABASE_URL": database_url, "REDIS_URL": server.url}
        with running(tmp_path, environment) as app:
            # WHEN clients send requests meanwhile, so that the breaker of PostgreSQL opens
            for n in range(5):
                assert animals(app, n)["features"]["mode"] == "degraded"
            # THEN neither health check is ok, and both name what each store refuses
            deep, shallow = health(app, deep="true"), health(app)
            assert (deep["status"], shallow["status"]) == ("degraded", "degraded")
            assert deep["cache"]["detail"] == shallow["cache"]["detail"] == "redis_clusterdown"
            assert {deep["database"]["detail"], shallow["database"]["detail"]} <= {
                "postgres_refused",
                "postgres_breaker_open",
            }
            assert not is_healthy(app.port)
            # WHEN Redis has its slots and PostgreSQL has a schema, but no active dataset
            admin.execute_command("CLUSTER ADDSLOTSRANGE", *SLOTS)  # type: ignore[no-untyped-call]
            with closing(psycopg2.connect(database_url)) as connection:
                version = load(connection, sample_data.dataset("one")).version
                assert not is_healthy(app.port)
                activate(connection, version)
            # THEN the app gets ready
            deadline = time.monotonic() + 30
            while not is_healthy(app.port):
                assert time.monotonic() < deadline, health(app, deep="true")
                time.sleep(0.05)
            # AND the next request uses both stores
            features = animals(app, 48.6, 7.8)["features"]  # `sample_data.HERE`
            assert (features["mode"], features["cache"]) == ("narrowed", "miss")


@pytest.mark.parametrize("outage", ["stop", "pause"])
def test_health_follows_an_outage_to_its_end_without_further_requests(tmp_path: Path, outage: str) -> None:
    # GIVEN an app whose health check does not ask the database, because none of its requests has failed there
    with valkey.serve() as cache, postgres.serve() as database:
        with closing(psycopg2.connect(database.url)) as connection:
            activate(connection, load(connection, sample_data.dataset("one")).version)
        environment = {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "BREAKER_REST": "0.2"}
        with running(tmp_path, environment) as app:
            assert health(app)["database"]["state"] == "not_asked"
            # WHEN requests find that the database is down, or hangs
            getattr(database, outage)()
            for n in range(4):
                assert animals(app, n)["features"]["mode"] == "degraded"
            # THEN the health says so as long as the outage lasts, without a further request
            until = time.monotonic() + 1.5
            while time.monotonic() < until:
                assert health(app)["status"] == "degraded"
                time.sleep(0.05)
            # AND its end as well
            {"stop": database.start, "pause": database.resume}[outage]()
            until = time.monotonic() + 30
            while health(app)["status"] != "ok":
                assert time.monotonic() < until, health(app)
                time.sleep(0.05)


def health(app: Served, **query: str) -> Any:
    reply = app.request("GET", "/health", query)
    assert reply.status == 200
    return reply.json


def animals(app: Served, latitude: float, longitude: float = 20) -> Any:
    """Return the animals of a cell of its own for each whole latitude."""
    reply = app.request("GET", "/animals", {"lat": str(latitude), "lon": str(longitude)})
    assert reply.status == 200
    return reply.json
