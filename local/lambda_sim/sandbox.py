"""Sandboxes: unpacked packages, and commands that run a process with Lambda's file system.

The process has a mount namespace of its own, with the code at /var/task, /opt and /var/runtime, all of it read-only. It
sees no other files of this checkout, and cannot import the packages that are installed here, except those of Lambda's
runtime.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from infra.package import Package
from local import LocalError, package_folder

RUNTIME = (
    *("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client.*.so"),
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"),
)
"""What Lambda's Python runtime contains, awslambdaric and others, as file names in site-packages."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
"""Folders of the operating system that programs need."""
ENTER = Path(__file__).with_name("enter_sandbox")
PYTHON = Path(sys.executable).resolve()
SITE_PACKAGES = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


class Sandbox:
    """A package that is unpacked into the empty folder `home`: its code into `task`, its layer into `opt`."""

    def __init__(self, package: Package, home: Path) -> None:
        self.task, self.opt, self._root = home / "task", home / "opt", home / "root"
        for archive, folder in ((package.function, self.task), (package.layer, self.opt)):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        self._root.mkdir()

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """Return the command that runs the function in the sandbox, with the variables of `environment`."""
        # -S hides the packages installed here. The function, its layer and the runtime have Lambda's order.
        python = [str(PYTHON), "-S", "-P", "-m", "awslambdaric", environment["_HANDLER"]]
        variables = {
            **environment,
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "PYTHONPATH": f"/var/task:/opt/{SITE_PACKAGES}:/opt/python:/var/runtime",
            "LD_LIBRARY_PATH": "/var/task:/var/task/lib:/opt/lib",
        }
        return _enter(self._root, self._binds(), "/var/task", python, variables)

    def _binds(self) -> Iterator[tuple[Path, str]]:
        yield from _system_folders()
        base = Path(sys.base_prefix).resolve()
        if not base.is_relative_to("/usr"):
            yield base, str(base)
        yield self.task, "/var/task"
        yield self.opt, "/opt"
        for source in _runtime_packages():
            yield source, f"/var/runtime/{source.name}"


@contextmanager
def unpacked(package: Package, home: Path) -> Iterator[Sandbox]:
    """Unpack a package into `home`, a folder that exists until the end of the block. Raises `LocalError`."""
    machine = f"{platform.system()} on {platform.machine()}"
    if machine != "Linux on x86_64":
        raise LocalError(f"the package needs Linux on x86_64, and this machine is {machine}; use `make run`")
    if not allows_namespaces():
        raise LocalError(
            "the package runs in a mount namespace, which this user may not create here; install util-linux, run this "
            "as root, in a container with more rights (docker run --privileged), or use `make run`"
        )
    shutil.rmtree(home, ignore_errors=True)  # a run that was killed has not deleted it
    home.mkdir(parents=True)
    try:
        yield Sandbox(package, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@cache
def allows_namespaces() -> bool:
    """Return whether this user may create a mount namespace here."""
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    with tempfile.TemporaryDirectory(prefix="faunalens-lambda-") as root:
        command = _enter(Path(root), _system_folders(), "/", ["/bin/true"], {})
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _enter(
    root: Path, binds: Iterable[tuple[Path, str]], folder: str, command: Sequence[str], environment: Mapping[str, str]
) -> list[str]:
    # Users other than root need a user namespace around the mount namespace, in which they count as root.
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    mounts = [str(each) for bind in binds for each in bind]
    variables = [f"{name}={value}" for name, value in environment.items()]
    return ["unshare", *namespaces, str(ENTER), str(root), folder, *mounts, "--", *variables, *command]


def _system_folders() -> list[tuple[Path, str]]:
    return [(Path(name), name) for name in SYSTEM if Path(name).exists()]


@cache
def _runtime_packages() -> list[Path]:
    site = package_folder("awslambdaric").parent
    return [path for name in RUNTIME for path in sorted(site.glob(name))]
