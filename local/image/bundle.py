"""OCI bundles: the files of an image and how to start them, in the form that runc takes.

The container is as strict as a task of infra/web.yaml: the image's own user and entry point, a read-only file system, a
file system in memory for each volume of the image, no capabilities, no new privileges, a limit of memory. It uses this
machine's network, so it reaches the servers of a test.
https://github.com/opencontainers/image-spec, https://github.com/opencontainers/runtime-spec
"""

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
