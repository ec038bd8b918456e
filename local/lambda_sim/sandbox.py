"""Where the unpacked package lies, and how a process is started that sees it as on Lambda.

`namespace`: exactly /var/task, /opt and /var/runtime, in a mount namespace of the process's own; nothing else of this
checkout is there. `folder`: the same below one folder, where namespaces are forbidden. Either way the code cannot be
written to, and nothing of this Python's own packages can be imported but what Lambda's runtime brings.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from infra.package import Package
from local.lambda_sim import bootstrap as lambda_bootstrap
from local.lambda_sim import box as lambda_box
from local.stack.errors import LocalError

Way = Literal["namespace", "folder"]

RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client.*.so")
"""awslambdaric and what it needs, as found beside it."""
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""What Lambda's runtime for Python brings besides."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
"""What a program needs of the machine to run at all."""
PYTHON = Path(sys.executable).resolve()


class Sandbox:
    """A package, unpacked into `home`, an empty folder. Make one with `unpacked`.

    Parameters: writable, whether the code can be written to; only to see that nothing tries.
    """

    def __init__(self, package: Package, home: Path, way: Way, *, writable: bool = False) -> None:
        self.way = way
        self.task, self.opt = home / "task", home / "opt"
        self._root, self._runtime = home / "root", home / "runtime"
        for archive, folder in ((package.function, self.task), (package.layer, self.opt)):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        self._root.mkdir()
        self._runtime.mkdir()
        shutil.copyfile(Path(lambda_bootstrap.__file__), self._runtime / "bootstrap.py")
        if way == "folder":
            for source in _runtime_packages():
                (self._runtime / source.name).symlink_to(source)
            (home / "tmp").mkdir()
            (home / "tmp").chmod(0o1777)
            home.chmod(0o755)
            for folder in (self.task, self.opt, self._runtime):
                _protect(folder, writable=writable)

    @property
    def task_root(self) -> str:
        """Where the function's process finds its own code."""
        return self._seen(self.task)

    def command(self, environment: Mapping[str, str], program: Sequence[str] | None = None) -> list[str]:
        """What to start so that the function runs here, with an environment in which paths are Lambda's.

        `program` takes the place of awslambdaric's loop: arguments of a Python that sees the same.
        """
        runtime, opt = self._seen(self._runtime), self._seen(self.opt)
        python = [str(PYTHON), "-S", "-P", *(program or [f"{runtime}/bootstrap.py", opt])]
        seen = {name: self._moved(value) for name, value in environment.items()} | {
            "LAMBDA_TASK_ROOT": self.task_root,
            "LAMBDA_RUNTIME_DIR": runtime,
            "PYTHONPATH": runtime,
            "LD_LIBRARY_PATH": self._moved("/var/task:/var/task/lib:/opt/lib"),
        }
        if self.way == "folder":
            seen["TMPDIR"] = str(self._root.parent / "tmp")
        spec = {
            "root": str(self._root) if self.way == "namespace" else None,
            "binds": [[str(source), place] for source, place in self._binds()],
            "folder": self.task_root,
            "command": python,
            "environment": seen,
        }
        return [sys.executable, "-I", "-S", lambda_box.__file__, json.dumps(spec)]

    def site_packages(self) -> str:
        """Where the process finds the layer's packages."""
        return (
            f"{self._seen(self.opt)}/python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        )

    def _binds(self) -> Iterator[tuple[Path, str]]:
        for name in SYSTEM:
            if Path(name).exists():
                yield Path(name), name
        base = Path(sys.base_prefix).resolve()
        if not base.is_relative_to("/usr"):
            yield base, str(base)
        yield self.task, "/var/task"
        yield self.opt, "/opt"
        yield self._runtime / "bootstrap.py", "/var/runtime/bootstrap.py"
        for source in _runtime_packages():
            yield source, f"/var/runtime/{source.name}"

    def _seen(self, path: Path) -> str:
        if self.way == "folder":
            return str(path)
        return {self.task: "/var/task", self.opt: "/opt", self._runtime: "/var/runtime"}[path]

    def _moved(self, text: str) -> str:
        """A text with paths as on Lambda, as they are here."""
        if self.way == "folder":
            for path, real in ((self.task, "/var/task"), (self.opt, "/opt"), (self._runtime, "/var/runtime")):
                text = text.replace(real, str(path))
        return text


@contextmanager
def unpacked(package: Package, home: Path, way: Way | None = None, *, writable: bool = False) -> Iterator[Sandbox]:
    """The package, unpacked as on Lambda, in a folder that is gone at the end, with whatever it held.

    Raises `LocalError` where it cannot run at all.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise LocalError("the package holds programs for Linux on x86_64, and runs nowhere else; `make run` does")
    _remove(home)  # what a run that was killed has left
    home.mkdir(parents=True)
    try:
        yield Sandbox(package, home, way or best_way(), writable=writable)
    finally:
        _remove(home)


@cache
def best_way() -> Way:
    """`namespace` where this user may have one."""
    with tempfile.TemporaryDirectory(prefix="faunalens-lambda-") as folder:
        binds = [[name, name] for name in SYSTEM if Path(name).exists()]
        spec = {"root": folder, "binds": binds, "folder": "/", "command": ["/bin/true"], "environment": {}}
        command = [sys.executable, "-I", "-S", lambda_box.__file__, json.dumps(spec)]
        done = subprocess.run(command, capture_output=True, check=False)
    return "folder" if done.returncode else "namespace"


@cache
def _runtime_packages() -> list[Path]:
    found = find_spec("awslambdaric")
    if found is None or found.origin is None:
        raise LocalError("the package awslambdaric is not installed; run: make setup")
    site = Path(found.origin).parents[1]
    return [path for name in (*RUNTIME, *SDK) for path in sorted(site.glob(name))]


def _protect(top: Path, *, writable: bool) -> None:
    """Let everybody read all of a folder, and nobody, or everybody, write to it."""
    write = 0o222 if writable else 0
    for path in (*top.rglob("*"), top):
        if not path.is_symlink():
            path.chmod(write | (0o555 if path.is_dir() else 0o444))


def _remove(top: Path) -> None:
    for folder, _, _ in os.walk(top):
        Path(folder).chmod(0o700)
    shutil.rmtree(top, ignore_errors=True)
