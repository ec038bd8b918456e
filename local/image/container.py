"""A container of the web tier's image, run by runc on this machine's network."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from local.image.bundle import specify, unpack
from local.stack.child_process import ChildProcess
from local.stack.errors import LocalError
from local.stack.http_get import http_get

MEMORY = 512 * 2**20
"""Limit of memory in bytes, that of a task in infra/web.yaml."""
START_TIMEOUT = 30.0
"""Seconds from the start to the first answer of `/healthz`; a busy machine needs them."""


class Root:
    """The unpacked files of an image, which containers share, since none can write to them. Use `unpacked`."""

    def __init__(self, layout: Path, folder: Path) -> None:
        self.path = folder
        self.image: dict[str, Any] = unpack(layout, folder)


@contextmanager
def unpacked(layout: Path, folder: Path) -> Iterator[Root]:
    """Unpack the image of an OCI layout into `folder`, and delete the folder at the end of the block.

    Raises `LocalError` without runc, and for users other than root: files keep their owners.
    """
    if not shutil.which("runc"):
        raise LocalError("runc, which runs containers, was not found; on Debian: apt-get install runc")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield Root(layout, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Container:
    """A container that serves on `port`. Use it as a context manager; the end of the block stops it.

    `environment`: variables besides those of the image. `folder`: for its configuration and its log, which `log` names.
    `memory`: limit in bytes.
    """

    def __init__(
        self, root: Root, folder: Path, port: int, environment: Mapping[str, str], memory: int = MEMORY
    ) -> None:
        self.port, self.log = port, folder / "container.log"
        self._state, self._name = folder / "runc", f"web-{uuid4().hex[:12]}"
        specification = specify(root.image, root.path, environment, memory)
        specification["process"]["args"] += ["--port", str(port)]  # as `docker run IMAGE --port …` does
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(specification, allow_nan=False), encoding="utf-8")
        command = ["runc", "--root", str(self._state), "run", "--bundle", str(folder), self._name]
        self.process = ChildProcess("the container", command, log=self.log, stop_timeout=60.0)

    def __enter__(self) -> "Container":
        self.process.start()
        try:
            self.process.wait_until(lambda: self.health() == 200, START_TIMEOUT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        self._runc("delete", "--force", self._name)  # in case runc itself was killed

    @property
    def pid(self) -> int:
        """Id of the container's first process, as this machine sees it."""
        return int(json.loads(self._runc("state", self._name))["pid"])

    def health(self) -> int:
        """Return the status of `/healthz`, or 0 if nothing answers."""
        try:
            return http_get(self.port, "/healthz", 2.0)[0]
        except OSError:
            return 0

    def send(self, signal: str) -> None:
        """Send a signal to the program, such as TERM, with which services ask a container to stop."""
        self._runc("kill", self._name, signal)

    def _runc(self, *arguments: str) -> str:
        command = ["runc", "--root", str(self._state), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
