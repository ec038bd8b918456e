"""A connection to a database of its own for each test, as the owner that is no superuser sees it."""

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812


@pytest.fixture(autouse=True)
def _no_cache_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of who runs the tests names no cache that would be told of their datasets."""
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def connection(database_url: str) -> "Iterator[Connection]":
    """A connection to that database."""
    with closing(psycopg2.connect(database_url)) as connection:
        yield connection
