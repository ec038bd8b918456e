"""A connection to a new database for each test, as its owner, who is no superuser; and a small model to load."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from faunalens.data.__main__ import main
from faunalens.data.dataset_files import FILES
from tests.integration.faunalens.data.sample_data import KOALA


@pytest.fixture(autouse=True)
def _no_cache_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset REDIS_URL, so that no test announces its datasets to the developer's cache."""
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Connect to the test's database."""
    with closing(psycopg2.connect(database_url)) as connection:
        yield connection


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the labels of eight animals, which are loaded quickly, and the range of the koala."""
    labels = FILES["labels"].read_text(encoding="utf-8").splitlines(keepends=True)
    wild = [line for line in labels if ",wild," in line and "phascolarctos-cinereus" not in line][:7]
    koala = [line for line in labels if ",phascolarctos-cinereus," in line]
    (tmp_path / "labels.csv").write_text("".join([labels[0], *koala, *wild]), encoding="utf-8")
    (tmp_path / "ranges.csv").write_text(KOALA)
    return tmp_path


class Command:
    """Runs commands on the test's database. `out`, `err`: what the last one printed."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._capsys = url, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: object, program: Callable[[list[str]], int] = main) -> int:
        code = program([*map(str, arguments), "--database-url", self._url])
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """A runner of commands."""
    return Command(database_url, capsys)
