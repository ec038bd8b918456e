"""What Windows lacks is not needed: the command runs where Python has none of the modules for POSIX alone."""

import ast
import subprocess
import sys

import pytest

from chalicelib.config.settings import ROOT
from tests.unit.test_architecture import MODULES, imported, tree_of

POSIX_ONLY = (
    *("crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix_ipc", "pty", "pwd", "resource", "spwd"),
    *("syslog", "termios", "tty", "uvloop"),
)
"""Modules that Python on Windows does not have."""
POSIX_NAMES = frozenset(
    [
        *[
            "os.chown",
            "os.fork",
            "os.geteuid",
            "os.getpgid",
            "os.getuid",
            "os.killpg",
            "os.mkfifo",
            "os.setsid",
            "os.uname",
            "os.wait",
        ],
        *["os.sched_getaffinity", "os.statvfs", "signal.SIGALRM", "signal.SIGHUP", "signal.SIGKILL", "signal.SIGUSR1"],
        *["signal.alarm", "signal.pause", "signal.setitimer", "socket.AF_UNIX", "time.tzset"],
    ]
)
"""What modules have on POSIX alone."""
IMPORT_ALL = f"""
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {POSIX_ONLY!r}:
            raise ModuleNotFoundError(f"no module named {{name}} on Windows", name=name)

for name in {POSIX_ONLY!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
from importlib import import_module
for path in sorted(Path("cli").rglob("*.py")):
    import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("chalicelib", "cli", "database", "model")))
"""


@pytest.fixture(scope="module")
def reached() -> set[str]:
    """The modules of the product that the command imports, in a process without those of POSIX."""
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_command_imports_nothing_that_windows_lacks(reached: set[str]) -> None:
    # GIVEN every module of the command WHEN they are imported THEN so are the models and the data, without an error
    assert {"chalicelib.identify", "database.dataset"} <= reached


def test_nor_does_a_function_use_it(reached: set[str]) -> None:
    for name in reached & MODULES.keys():
        tree = tree_of(MODULES[name])
        assert not {other for other, _ in imported(tree)} & set(POSIX_ONLY), name
        used = {ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
        assert not used & POSIX_NAMES, name
