"""A connection to a new database for each test, as its owner, who is no superuser."""

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812


@pytest.fixture(autouse=True)
def _no_cache_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset REDIS_URL, so that no test announces its datasets to the developer's cache."""
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def connection(database_url: str) -> "Iterator[Connection]":
    """Connect to the test's database."""
    with closing(psycopg2.connect(database_url)) as connection:
        yield connection
