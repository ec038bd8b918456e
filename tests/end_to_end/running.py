"""A command such as `make run`, started as a user starts it, and stopped at the end."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from local import STATE_DIR
from local.stack.child_process import alive, descendants
from local.stack.ports import HOST, free_port
from tests.support.feature_rig import copy_to_run
from tests.support.servers import until

# Without the variables that a surrounding `make test` sets for its children.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
START_TIMEOUT = 300.0
"""Seconds, generous because this machine may be busy; the README has the usual duration."""
EXIT_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A running command, such as `make run`, and its output so far."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def family(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        with closing(HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()

    def get_json(self, path: str) -> dict[str, Any]:
        status, body = self.request("GET", path)
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    def narrowed(self, path: str, photo: bytes) -> dict[str, Any]:
        """Return the first answer with the animals of the place: on a busy machine, some lookups are late."""
        answers = (self.request("POST", path, photo) for _ in range(100))
        return next(found for _, body in answers if (found := json.loads(body))["features"]["mode"] == "narrowed")


def loaded_port(model_folder: Path | None = None) -> int:
    """Return a free port whose run finds its data loaded. `model_folder`: the folder of the model that it serves."""
    port = free_port()
    copy_to_run(STATE_DIR / f"run-{port}", model_folder)
    return port


@contextmanager
def running(command: Sequence[str | Path], port: int, output: Path, *, ready: bool = True) -> Iterator[Running]:
    """Start a command in its own session; at the end, kill its processes and delete its data."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True)
    run = Running(process, port, output)
    try:
        if ready:
            assert until(lambda: "Ready in" in run.output or process.poll() is not None, START_TIMEOUT), run.output
            assert process.poll() is None, run.output
        yield run
    finally:
        family = run.family if process.poll() is None else []
        for pid in reversed(family):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        until(lambda: not any(alive(pid) for pid in family), EXIT_TIMEOUT)
        shutil.rmtree(STATE_DIR / f"run-{port}", ignore_errors=True)
