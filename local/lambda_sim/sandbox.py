"""Sandboxes: unpacked packages, and commands that run a process with Lambda's file system.

With the isolation `namespace`, the process has a mount namespace of its own, with the code at /var/task, /opt and
/var/runtime. It sees no other files of this checkout. The isolation `folder` is for machines that forbid namespaces:
the same files are in an ordinary folder. In both cases the code is read-only, and the process cannot import the
packages that are installed here, except those of Lambda's runtime.
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
from local import LocalError, package_folder
from local.lambda_sim import enter_sandbox

Isolation = Literal["namespace", "folder"]

RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client.*.so")
"""awslambdaric and its dependencies, as file names in site-packages."""
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""The other packages that Lambda's Python runtime contains."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
"""Folders of the operating system that programs need."""
PYTHON = Path(sys.executable).resolve()
SITE_PACKAGES = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


class Sandbox:
    """A package that is unpacked into the empty folder `home`. Use `unpacked` to create one.

    `task`, `opt`: folders of the code and of the layer on this machine. `task_root`, `site_packages`: paths of the code
    and of the layer's packages as the process in the sandbox sees them.
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
        in_namespace = isolation == "namespace"
        paths = {self.task: "/var/task", self.opt: "/opt", self._runtime: "/var/runtime"}
        self._paths = {on_lambda: on_lambda if in_namespace else str(path) for path, on_lambda in paths.items()}
        self.task_root = self._paths["/var/task"]
        self.site_packages = self._translate(f"/opt/{SITE_PACKAGES}")
        if not in_namespace:
            for source in _runtime_packages():
                (self._runtime / source.name).symlink_to(source)
            (home / "tmp").mkdir()
            (home / "tmp").chmod(0o1777)
            home.chmod(0o755)
            for folder in (self.task, self.opt, self._runtime):
                _make_read_only(folder)

    def command(self, environment: Mapping[str, str], program: Sequence[str] | None = None) -> list[str]:
        """Return the command that runs the function in the sandbox, with the variables of `environment`.

        The paths of Lambda in the variables are replaced by those of the sandbox. `program`: arguments for Python, in
        place of awslambdaric's loop.
        """
        # -S hides the packages installed here. The function, its layer and the runtime have Lambda's order.
        python = [str(PYTHON), "-S", "-P", *(program or ["-m", "awslambdaric", environment["_HANDLER"]])]
        variables = {name: self._translate(value) for name, value in environment.items()} | {
            "LAMBDA_TASK_ROOT": self.task_root,
            "LAMBDA_RUNTIME_DIR": self._paths["/var/runtime"],
            "PYTHONPATH": self._translate(f"/var/task:/opt/{SITE_PACKAGES}:/opt/python:/var/runtime"),
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
        for source in _runtime_packages():
            yield source, f"/var/runtime/{source.name}"

    def _translate(self, text: str) -> str:
        """Replace Lambda's paths in a text by the paths of this sandbox."""
        for on_lambda, here in self._paths.items():
            text = text.replace(on_lambda, here)
        return text


@contextmanager
def unpacked(package: Package, home: Path, isolation: Isolation | None = None) -> Iterator[Sandbox]:
    """Unpack a package into the folder `home` and delete the folder at the end of the block.

    `isolation`: None selects the best one that this machine allows. Raises `LocalError` if this machine cannot run the
    package.
    """
    machine = f"{platform.system()} on {platform.machine()}"
    if machine != "Linux on x86_64":
        raise LocalError(f"the package needs Linux on x86_64, and this machine is {machine}; use `make run`")
    _remove(home)  # a run that was killed has not deleted it
    home.mkdir(parents=True)
    try:
        yield Sandbox(package, home, isolation or best_isolation())
    finally:
        _remove(home)


@cache
def best_isolation() -> Isolation:
    """Return `namespace` if this user may create a mount namespace here, otherwise `folder`."""
    with tempfile.TemporaryDirectory(prefix="faunalens-lambda-") as root:
        binds = [[name, name] for name in _system_folders()]
        command = _enter(root=root, binds=binds, folder="/", command=["/bin/true"], environment={})
        done = subprocess.run(command, capture_output=True, check=False)
    return "folder" if done.returncode else "namespace"


def _enter(**spec: object) -> list[str]:
    return [sys.executable, "-I", "-S", enter_sandbox.__file__, json.dumps(spec, allow_nan=False)]


def _system_folders() -> list[str]:
    return [name for name in SYSTEM if Path(name).exists()]


@cache
def _runtime_packages() -> list[Path]:
    site = package_folder("awslambdaric").parent
    return [path for name in (*RUNTIME, *SDK) for path in sorted(site.glob(name))]


def _make_read_only(top: Path) -> None:
    """Allow all users to read a folder and its contents, and no user to write to them."""
    for path in (*top.rglob("*"), top):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def _remove(top: Path) -> None:
    for folder, _, _ in os.walk(top):
        Path(folder).chmod(0o700)
    shutil.rmtree(top, ignore_errors=True)
