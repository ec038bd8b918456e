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
from typing import Any
from uuid import uuid4

from infra.template.web import task_size
from local import LocalError
from local.stack.child_process import ChildProcess
from local.stack.ports import http_get

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
    `memory`: limit in bytes; by default that of a task on Fargate.
    """

    def __init__(self, root: Root, folder: Path, port: int, environment: Mapping[str, str], memory: int = 0) -> None:
        self.port, self.log = port, folder / "container.log"
        self._state, self._name = folder / "runc", f"web-{uuid4().hex[:12]}"
        specification = specify(root.image, root.path, environment, memory or task_size().memory_mb * 2**20)
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


VOLUME_BYTES = 2 * 2**30
"""Size of a volume."""
NAMESPACES = ("pid", "ipc", "uts", "mount")
_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")
_UNCHANGEABLE = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def unpack(layout: Path, folder: Path) -> dict[str, Any]:
    """Unpack the layers of the only image in an OCI layout into the empty folder `folder`. Return its configuration.

    Its files must not delete files of lower layers, as those of web/Dockerfile do not.
    """
    manifest = _blob(layout, _json(layout / "index.json")["manifests"][0])
    for layer in json.loads(manifest.read_bytes())["layers"]:
        with tarfile.open(_blob(layout, layer)) as opened:
            opened.extractall(folder, filter="fully_trusted")  # noqa: S202  our own image; keeps owners, as runtimes do
    return _json(_blob(layout, json.loads(manifest.read_bytes())["config"]))


def specify(image: Mapping[str, Any], root: Path, environment: Mapping[str, str], memory: int) -> dict[str, Any]:
    """Return the runtime's configuration for an image whose files are in `root`.

    `environment`: variables besides those of the image. `memory`: limit in bytes.
    """
    config = image["config"]
    user, group = map(int, config["User"].split(":"))
    variables = [f"{name}={value}" for name, value in environment.items()]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root), "readonly": True},
        "hostname": "web",
        "process": {
            "args": [*config["Entrypoint"], *config.get("Cmd", ())],
            "env": [*config["Env"], *variables],
            "cwd": config["WorkingDir"],
            "user": {"uid": user, "gid": group},
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": [*_mounts(), *(_memory_file_system(path, user, group) for path in config.get("Volumes", ()))],
        "linux": {
            "namespaces": [{"type": name} for name in NAMESPACES],
            "resources": {"devices": [{"allow": False, "access": "rwm"}], "memory": {"limit": memory}},
            "maskedPaths": list(_HIDDEN),
            "readonlyPaths": list(_UNCHANGEABLE),
        },
    }


def _mounts() -> Iterator[dict[str, Any]]:
    quiet = ["nosuid", "noexec", "nodev"]
    yield {"destination": "/proc", "type": "proc", "source": "proc"}
    yield {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]}
    yield {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*quiet, "ro"]}
    yield {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": [*quiet, "ro"]}


def _memory_file_system(path: str, user: int, group: int) -> dict[str, Any]:
    options = ["nosuid", "noexec", "nodev", "mode=0700", f"uid={user}", f"gid={group}", f"size={VOLUME_BYTES}"]
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": options}


def _blob(layout: Path, descriptor: Mapping[str, Any]) -> Path:
    return layout / "blobs" / str(descriptor["digest"]).replace(":", "/")


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content
