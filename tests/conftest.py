"""Real servers for the tests, started on free ports once a session, and marks that follow from the folder."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import psycopg2
import pytest

from database.dataset import read_dataset
from database.load import activate, load
from infra.package import Package, build
from local.stack import postgres, valkey

hypothesis.settings.register_profile("shared", deadline=None)  # others use the machine too: time proves nothing
hypothesis.settings.load_profile("shared")

HERE = Path(__file__).parent
MARKED_FOLDERS = ("integration", "faults", "end_to_end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's folder is its mark."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL server with an empty database; who breaks it on purpose starts another with `postgres.serve()`."""
    with postgres.serve() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[valkey.ValkeyServer]:
    """A Valkey server in cluster mode; who breaks it on purpose starts another with `valkey.serve()`."""
    with valkey.serve() as server:
        yield server


@pytest.fixture(scope="session")
def loaded_database(postgres_server: postgres.PostgresServer) -> str:
    """URL of a database with the schema and this checkout's data; to be read, not to be changed."""
    with closing(psycopg2.connect(postgres_server.url)) as connection:
        activate(connection, load(connection, read_dataset()).version)
    return postgres_server.url


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """What `chalice deploy` uploads for the stage dev. Where none is kept yet, pip fetches the wheels for Lambda."""
    return build(tmp_path_factory.mktemp("package"))
