"""The image of the web tier in a container on this machine, run by runc as container services run it.

The container is as strict as a task of infra/web.yaml: the image's own user and entry point, a read-only file system, a
file system in memory for each volume of the image, no capabilities, no new privileges, a limit of memory. It uses this
machine's network, so it reaches the servers of a test.
https://github.com/opencontainers/image-spec, https://github.com/opencontainers/runtime-spec
"""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from infra.image import Image
from infra.template.web import task_size
from local.stack.child_process import ChildProcess
from local.stack.ports import http_get

START_TIMEOUT = 30.0
"""Seconds from the start to the first answer of `/healthz`; a busy machine needs them."""


class Root(NamedTuple):
    """The folder with an image's files, which containers share, since none can write to them, and its configuration."""

    path: Path
    config: Mapping[str, Any]


@contextmanager
def unpacked(image: Image, folder: Path) -> Iterator[Root]:
    """Unpack the layers of an image into the new folder `folder`, and delete the folder at the end of the block.

    Layers must not delete files of lower layers, as those of faunalens/web/Dockerfile do not.
    """
    folder.mkdir(parents=True)
    try:
        manifest = json.loads(image.blob(image.digest).read_bytes())
        for layer in manifest["layers"]:
            with tarfile.open(image.blob(layer["digest"])) as opened:
                opened.extractall(folder, filter="fully_trusted")  # noqa: S202  our own image; files keep their owners
        yield Root(folder, json.loads(image.blob(manifest["config"]["digest"]).read_bytes())["config"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Container:
    """A container that serves on `port`. Use it as a context manager; the end of the block stops it.

    `environment`: variables besides those of the image. `folder`: for its configuration and its log, which `log` names.
    `memory`: limit in bytes; by default that of a task on Fargate.
    """

    def __init__(self, root: Root, folder: Path, port: int, environment: Mapping[str, str], memory: int = 0) -> None:
        self.port, self.log = port, folder / "container.log"
        self._state, self._name = folder / "runc", f"web-{uuid4().hex[:12]}"
        specification = specify(root, environment, memory or task_size().memory_mb * 2**20)
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


_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")
_UNCHANGEABLE = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_MOUNTS = {
    "/proc": ("proc", []),
    "/dev": ("tmpfs", ["nosuid", "mode=755", "size=64k"]),
    "/sys": ("sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    "/sys/fs/cgroup": ("cgroup", ["nosuid", "noexec", "nodev", "ro"]),
}


def specify(root: Root, environment: Mapping[str, str], memory: int) -> dict[str, Any]:
    """Return the runtime's configuration for an image.

    `environment`: variables besides those of the image. `memory`: limit in bytes.
    """
    user, group = map(int, root.config["User"].split(":"))
    volume = ["nosuid", "noexec", "nodev", "mode=0700", f"uid={user}", f"gid={group}", "size=2g"]
    mounts = _MOUNTS | dict.fromkeys(root.config.get("Volumes", ()), ("tmpfs", volume))
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root.path), "readonly": True},
        "hostname": "web",
        "process": {
            "args": [*root.config["Entrypoint"], *root.config.get("Cmd", ())],
            "env": [*root.config["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": root.config["WorkingDir"],
            "user": {"uid": user, "gid": group},
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": [
            {"destination": path, "type": kind, "source": kind, "options": options}
            for path, (kind, options) in mounts.items()
        ],
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}], "memory": {"limit": memory}},
            "maskedPaths": list(_HIDDEN),
            "readonlyPaths": list(_UNCHANGEABLE),
        },
    }
