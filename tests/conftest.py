"""Real servers for the tests, started once per session on free ports, and a marker for each folder of tests."""

import gc
from collections.abc import Iterator

import hypothesis
import pytest

from infra.package import Package
from local.stack import postgres, valkey
from tests.built_package import built_once
from tests.support.feature_rig import serve_loaded

hypothesis.settings.register_profile("shared", deadline=None)  # on a busy machine, durations prove nothing
hypothesis.settings.load_profile("shared")

MARKED_FOLDERS = ("integration", "faults", "end_to_end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the name of its folder."""
    for item in items:
        folder = item.nodeid.removeprefix("tests/").partition("/")[0]
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among modules and tests: it took a sixth of the unit tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL server with an empty database. Tests that break a server start their own: `postgres.serve()`."""
    with postgres.serve() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[valkey.ValkeyServer]:
    """A Valkey server in cluster mode. Tests that break a server start their own: `valkey.serve()`."""
    with valkey.serve() as server:
        yield server


@pytest.fixture(scope="session")
def loaded_valkey() -> Iterator[valkey.ValkeyServer]:
    """A Valkey for apps on `loaded_database`. Tests with other datasets announce theirs in `valkey_server`."""
    with valkey.serve() as server:
        yield server


@pytest.fixture(scope="session")
def loaded_database() -> Iterator[str]:
    """URL of a database with the schema and this checkout's data; tests must not change it."""
    with serve_loaded() as server:
        yield server.url


@pytest.fixture(scope="session")
def package() -> Package:
    """The package that `chalice deploy` uploads for the stage dev; tests must not change it. The first build downloads
    wheels for Lambda. Workers and later runs share the package until one of its files changes.
    """
    return built_once()
