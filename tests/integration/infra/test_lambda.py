"""The real package as Lambda runs it: with awslambdaric, read-only code, real events, PostgreSQL and Valkey."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from chalicelib.api.page import WEB
from infra.package import Package
from local.lambda_sim.api_gateway import serving
from local.lambda_sim.container import Container
from local.lambda_sim.deployment import RunningPackage, deployed
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Served
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise

PHOTO = jpeg(exif=exif(SYDNEY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lambda")


@pytest.fixture(scope="module")
def deployment(
    package: Package, folder: Path, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[RunningPackage]:
    """Yield the package with the loaded database, its Valkey, and at most three containers for the API."""
    environment = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    with deployed(package, folder, environment, containers=3) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def api(deployment: RunningPackage, folder: Path) -> Iterator[Served]:
    """Yield the API over HTTP."""
    with serving(deployment.gateway, 0) as port:
        yield Served(port, folder / "metrics.jsonl", folder / "faunalens-dev.log")


def containers(deployment: RunningPackage) -> list[Container]:
    """Return the API's containers that wait for an event."""
    return list(deployment.functions["app.app"].idle)


def is_frozen(container: Container) -> bool:
    """Return whether the container is stopped within 5 s: a signal takes time."""
    deadline = time.monotonic() + 5
    while Path(f"/proc/{container.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        if time.monotonic() > deadline:
            return False
    return True


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_photo_is_identified_from_a_read_only_package_as_on_the_local_server(api: Served, served: Served) -> None:
    # GIVEN the same photo, sent to the package and to the server of `make run`
    there, here = (each.identify(PHOTO, {"top": "3"}) for each in (api, served))
    assert (there.status, here.status) == (200, 200)
    # THEN the answers are equal, except for request id, timings and cache
    assert _without_volatile_fields(there.json) == _without_volatile_fields(here.json)
    assert there.json["location"]["source"] == "exif"
    assert there.json["features"]["mode"] == "narrowed"
    # AND it has API Gateway's request id
    assert there.json["request_id"] == there.headers["x-amzn-RequestId"]


def test_the_other_routes_answer_and_errors_are_problems(api: Served) -> None:
    # WHEN a client requests the animals of a place THEN they come from the database
    animals = api.request("GET", "/animals", {"lat": "-33.9", "lon": "151.2"})
    assert (animals.status, len(animals.json["animals"]) > 10) == (200, True)
    # AND the public may not wake the database
    deep = api.request("GET", "/health", {"deep": "true"})
    assert (deep.status, deep.json["code"]) == (403, "forbidden")
    script = next(path.name for path in WEB.glob("*.js"))
    assert [api.request("GET", path).status for path in ("/", f"/web/{script}", "/openapi.json")] == [200] * 3
    # AND a form arrives whole
    body = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n' + PHOTO + b"\r\n--b--\r\n"
    reply = api.identify(body, content_type="multipart/form-data; boundary=b")
    assert (reply.status, reply.json["location"]["source"]) == (200, "exif")
    # AND a request that the app refuses is a problem, and so is one that never reaches it
    refused = api.identify(b"no photo", {"location": "none"})
    assert (refused.status, refused.json["code"]) == (415, "unsupported_media_type")
    nowhere = api.request("GET", "/nothing")
    assert (nowhere.status, nowhere.json["code"]) == (404, "not_found")
    assert nowhere.headers["Content-Type"] == "application/problem+json"
    assert nowhere.json["request_id"] == nowhere.headers["x-amzn-RequestId"]


def test_a_photo_that_does_not_fit_into_an_event_is_refused_by_the_gateway(api: Served) -> None:
    # GIVEN 5 MB, or 6.7 MB as base64, and a size above API Gateway's own limit
    for size in (5_000_000, 11_000_000):
        reply = api.identify(PHOTO + b"\0" * size)
        # THEN both errors give the same advice
        assert (reply.status, reply.json["code"]) == (413, "photo_too_large")
        assert "POST /uploads" in reply.json["detail"]
    # AND a photo that fits is identified, with far less memory than is billed
    for fits in (PHOTO + b"\0" * 4_300_000, encoded(noise(4000, 3000), "JPEG", quality=80)):
        assert api.identify(fits, {"location": "none"}).status == 200
    reports = [line for line in lines(api.log) if "REPORT" in line]
    assert all(int(line.split("Max Memory Used: ")[1].split()[0]) < 400 for line in reports)


def test_connections_are_as_good_after_a_freeze(api: Served, deployment: RunningPackage, loaded_database: str) -> None:
    query = {"lat": "-33.9", "lon": "151.2"}
    api.request("GET", "/animals", query)
    # GIVEN a frozen container whose database connection the server has closed
    container = containers(deployment)[-1]
    assert is_frozen(container)
    _close_connections_to(loaded_database)
    # WHEN a request that needs the database thaws it
    reply = api.request("GET", "/animals", {"lat": "10.1", "lon": "20.2"})
    # THEN it reconnects, and the answer shows no fault
    assert (reply.status, reply.json["features"]["mode"]) == (200, "narrowed")
    assert containers(deployment)[-1] is container


def test_a_container_that_dies_costs_one_request(api: Served, deployment: RunningPackage) -> None:
    container = containers(deployment)[-1]
    # GIVEN a container that was killed between requests
    os.kill(container.pid, signal.SIGKILL)
    query = {"lat": "-33.9", "lon": "151.2"}
    lost = api.request("GET", "/animals", query)
    assert (lost.status, lost.json["code"]) == (503, "unavailable")
    assert int(lost.headers["Retry-After"]) > 0
    assert "signal: SIGKILL" in api.log.read_text()
    # THEN the next request has another
    assert api.request("GET", "/animals", query).status == 200
    assert container not in containers(deployment)


def test_the_schedule_warms_in_a_container_of_its_own(deployment: RunningPackage, folder: Path) -> None:
    invoked = deployment.run_schedule("app.warm")
    # THEN its report has no faults
    assert invoked.error is None
    report: dict[str, Any] = json.loads(invoked.payload)
    assert not report["faults"]
    # AND it uses far less memory than the model would
    assert invoked.report.memory_used < 128 < invoked.report.memory == 512
    # AND its metrics, with the stage, are where dashboards look
    assert any('"WarmingRuns": 1' in line and '"stage": "dev"' in line for line in lines(folder / "metrics.jsonl"))


def _without_volatile_fields(answer: dict[str, Any]) -> dict[str, Any]:
    features = {name: value for name, value in answer["features"].items() if name != "cache"}
    return {**answer, "request_id": "", "timings_ms": {}, "features": features}


def _close_connections_to(database: str) -> None:
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        connection.cursor().execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = user"
        )
