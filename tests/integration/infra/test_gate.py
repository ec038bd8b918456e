"""The gate judges the real package as Lambda runs it."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.package import Package
from infra.release import live
from infra.release.gate import Refused, judge
from local.lambda_sim.container import API, Pool
from local.lambda_sim.deployment import RunningPackage, deployed
from local.stack import postgres
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import serve_loaded

ADMIN = "app.admin"


@pytest.fixture(scope="module")
def photo() -> Iterator[None]:
    """The photo in the gate's code, which infra/release/live.py puts there."""
    found = (Path(live.__file__).parent / "cat.jpg").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.release.gate.PHOTO", base64.b64encode(found).decode())
        yield


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.PostgresServer]:
    """A database of its own with this checkout's data: the gate changes it."""
    with serve_loaded() as server:
        yield server


@pytest.fixture(scope="module")
def deployment(
    package: Package,
    photo: None,  # noqa: ARG001
    database: postgres.PostgresServer,
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningPackage]:
    environment = {"DATABASE_URL": database.url, "REDIS_URL": valkey_server.url}
    with deployed(package, tmp_path_factory.mktemp("gate"), environment, containers=2) as running:
        yield running


@pytest.fixture(scope="module")
def admin(deployment: RunningPackage, database: postgres.PostgresServer) -> Iterator[Pool]:
    """Containers of the administrative function, which signs in as the database's administrator."""
    url = database.admin_url.rpartition("/")[0] + urlsplit(database.url).path
    with closing(changed(deployment.functions[ADMIN], DATABASE_URL=url)) as pool:
        yield pool


def judged(admin: Pool, version: Pool) -> str:
    """Let the gate judge the containers of a version."""

    def invoke(function: str, event: Mapping[str, Any]) -> tuple[Any, str]:
        result = (admin if function == "admin" else version).invoke(json.dumps(event).encode())
        if result.error:
            raise Refused(f"{function} failed: {result.payload.decode()}")
        return json.loads(result.payload), str(result.report)

    return judge(invoke, "faunalens-dev:7", "admin", "dev_faunalens_app")


def changed(pool: Pool, **environment: str) -> Pool:
    """Return containers of a version with other settings."""
    function = replace(pool.function, environment={**pool.function.environment, **environment})
    return Pool(function, pool.sandbox, pool.folder)


def test_the_package_of_this_checkout_passes(deployment: RunningPackage, admin: Pool) -> None:
    seen = judged(admin, deployment.functions[API])
    # THEN the photo has the known answer in a place of the data, and it says what is released
    assert "dataset None" not in seen
    assert seen.startswith("faunalens-dev:7: model ")
    assert not seen.endswith("started in 0 ms")


def test_a_version_that_would_fail_is_refused(
    deployment: RunningPackage, admin: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.release.gate.PATIENCE", 1.0)
    broken = changed(deployment.functions[API], MODEL_PATH="/var/task/model/none.onnx")
    with closing(broken) as pool, pytest.raises(Refused, match="health is 503: the model is unavailable"):
        judged(admin, pool)
