"""A command such as `make run`, started as somebody types it, and gone at the end."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from local.paths import ROOT, STATE_DIR
from local.stack.child_process import alive, descendants
from local.stack.ports import HOST

# Not what the `make test` that runs this tells its children.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
READY = 60.0
"""Seconds; what it takes is printed and bounded in the README, not here: this machine may be busy."""
GONE = 20.0


class Running:
    """A `make run` (or what stands in for it) and what it said so far."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self._output = output

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def family(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        connection = HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get_json(self, path: str) -> dict[str, Any]:
        status, body = self.request("GET", path)
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def running(command: Sequence[str | Path], port: int, output: Path, *, ready: bool = True) -> Iterator[Running]:
    """The command, started in a session of its own; nothing of it stays, nor of its data."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True)
    run = Running(process, port, output)
    try:
        if ready:
            assert until(lambda: "Ready in" in run.said or process.poll() is not None, READY), run.said
            assert process.poll() is None, run.said
        yield run
    finally:
        family = run.family if process.poll() is None else []
        for pid in reversed(family):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        until(lambda: not any(alive(pid) for pid in family), GONE)
        shutil.rmtree(STATE_DIR / f"run-{port}", ignore_errors=True)
