"""Real servers for the tests, started on free ports once a session, and marks that follow from the folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import postgres, valkey

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
