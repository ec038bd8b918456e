"""Unpacks a package and starts processes that see it as on Lambda.

With `namespace` isolation, the process's own mount namespace has the code at /var/task, /opt and /var/runtime, and
nothing else of this checkout. With `folder` isolation, for machines that forbid namespaces, the same layout lies in a
plain folder. Both make the code read-only and hide the packages of this Python, except those of Lambda's runtime.
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
from pathlib import Path
from typing import Literal

from infra.package import Package
from local.lambda_sim import bootstrap, enter_sandbox
from local.stack.errors import LocalError
from local.stack.installed import package_folder

Isolation = Literal["namespace", "folder"]

RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client.*.so")
"""awslambdaric and its dependencies, beside it in site-packages."""
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""The other packages of Lambda's Python runtime."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
"""System folders that programs need."""
PYTHON = Path(sys.executable).resolve()
SITE_PACKAGES = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


class Sandbox:
    """A package, unpacked into `home`, an empty folder. Create one with `unpacked`.

    Attributes: task, opt, folders of code and layer on this machine; task_root, site_packages, paths of the code and of
    the layer's packages as the function's process sees them.
    """

    def __init__(self, package: Package, home: Path, isolation: Isolation) -> None:
        self.isolation = isolation
        self.task, self.opt = home / "task", home / "opt"
        self._root, self._runtime = home / "root", home / "runtime"
        for archive, folder in ((package.function, self.task), (package.layer, self.opt)):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        self._root.mkdir()
        self._runtime.mkdir()
        shutil.copyfile(Path(bootstrap.__file__), self._runtime / "bootstrap.py")
        in_namespace = isolation == "namespace"
        paths = {self.task: "/var/task", self.opt: "/opt", self._runtime: "/var/runtime"}
        self._paths = {on_lambda: on_lambda if in_namespace else str(path) for path, on_lambda in paths.items()}
        self.task_root = self._paths["/var/task"]
        self.site_packages = f"{self._paths['/opt']}/{SITE_PACKAGES}"
        if not in_namespace:
            for source in _runtime_packages():
                (self._runtime / source.name).symlink_to(source)
            (home / "tmp").mkdir()
            (home / "tmp").chmod(0o1777)
            home.chmod(0o755)
            for folder in (self.task, self.opt, self._runtime):
                _make_read_only(folder)

    def command(self, environment: Mapping[str, str], program: Sequence[str] | None = None) -> list[str]:
        """Return a command that runs the function in the sandbox; it translates Lambda's paths in `environment`.

        `program` replaces awslambdaric's loop: arguments of a Python that sees the same files.
        """
        runtime, opt = self._paths["/var/runtime"], self._paths["/opt"]
        python = [str(PYTHON), "-S", "-P", *(program or [f"{runtime}/bootstrap.py", opt])]
        variables = {name: self._translate(value) for name, value in environment.items()} | {
            "LAMBDA_TASK_ROOT": self.task_root,
            "LAMBDA_RUNTIME_DIR": runtime,
            "PYTHONPATH": runtime,
            "LD_LIBRARY_PATH": self._translate("/var/task:/var/task/lib:/opt/lib"),
        }
        if self.isolation == "folder":
            variables["TMPDIR"] = str(self._root.parent / "tmp")
        return _enter(
            root=str(self._root) if self.isolation == "namespace" else None,
            binds=[[str(source), path] for source, path in self._binds()],
            folder=self.task_root,
            command=python,
            environment=variables,
        )

    def _binds(self) -> Iterator[tuple[Path, str]]:
        for name in _system_folders():
            yield Path(name), name
        base = Path(sys.base_prefix).resolve()
        if not base.is_relative_to("/usr"):
            yield base, str(base)
        yield self.task, "/var/task"
        yield self.opt, "/opt"
        yield self._runtime / "bootstrap.py", "/var/runtime/bootstrap.py"
        for source in _runtime_packages():
            yield source, f"/var/runtime/{source.name}"

    def _translate(self, text: str) -> str:
        """Replace Lambda's paths in a text by the paths in this sandbox."""
        for on_lambda, here in self._paths.items():
            text = text.replace(on_lambda, here)
        return text


@contextmanager
def unpacked(package: Package, home: Path, isolation: Isolation | None = None) -> Iterator[Sandbox]:
    """Unpack a package in `home`, with the best isolation unless one is given; delete `home` before and after.

    Raises `LocalError` if this machine cannot run the package at all.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise LocalError("the package runs on Linux on x86_64 only; use `make run` on this machine")
    _remove(home)  # a killed run leaves it
    home.mkdir(parents=True)
    try:
        yield Sandbox(package, home, isolation or best_isolation())
    finally:
        _remove(home)


@cache
def best_isolation() -> Isolation:
    """Return `namespace` if this user may create a mount namespace on this machine, else `folder`."""
    with tempfile.TemporaryDirectory(prefix="faunalens-lambda-") as root:
        binds = [[name, name] for name in _system_folders()]
        command = _enter(root=root, binds=binds, folder="/", command=["/bin/true"], environment={})
        done = subprocess.run(command, capture_output=True, check=False)
    return "folder" if done.returncode else "namespace"


def _enter(**spec: object) -> list[str]:
    return [sys.executable, "-I", "-S", enter_sandbox.__file__, json.dumps(spec)]


def _system_folders() -> list[str]:
    return [name for name in SYSTEM if Path(name).exists()]


@cache
def _runtime_packages() -> list[Path]:
    site = package_folder("awslambdaric").parent
    return [path for name in (*RUNTIME, *SDK) for path in sorted(site.glob(name))]


def _make_read_only(top: Path) -> None:
    """Let all users read a folder, and none write to it."""
    for path in (*top.rglob("*"), top):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def _remove(top: Path) -> None:
    for folder, _, _ in os.walk(top):
        Path(folder).chmod(0o700)
    shutil.rmtree(top, ignore_errors=True)
