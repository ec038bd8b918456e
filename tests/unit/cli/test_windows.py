"""What Windows lacks is not needed: the command runs where Python has none of the modules for POSIX alone."""

import re
import subprocess
import sys

import pytest

from chalicelib.config.settings import ROOT
from tests.unit.cli.without_posix import POSIX_ONLY
from tests.unit.test_architecture import MODULES, imported

POSIX_NAMES = {
    *("os.chown", "os.fork", "os.geteuid", "os.getpgid", "os.getuid", "os.killpg", "os.mkfifo", "os.setsid"),
    *("os.sched_getaffinity", "os.statvfs", "os.uname", "os.wait", "signal.SIGALRM", "signal.SIGHUP", "signal.SIGKILL"),
    *("signal.SIGUSR1", "signal.alarm", "signal.pause", "signal.setitimer", "socket.AF_UNIX", "time.tzset"),
}
"""What modules have on POSIX alone."""
ATTRIBUTE = re.compile(r"\b(?:os|signal|socket|time)\.\w+")


@pytest.fixture(scope="module")
def reached() -> set[str]:
    """The modules of the product that the command imports, in a process without those of POSIX."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.cli.without_posix"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_command_imports_nothing_that_windows_lacks(reached: set[str]) -> None:
    # GIVEN every module of the command WHEN they are imported THEN so are the models and the data, without an error
    assert {"chalicelib.identify", "database.dataset"} <= reached


def test_nor_does_a_function_use_it(reached: set[str]) -> None:
    for name in reached & MODULES.keys():
        assert not {other for other, _ in imported(MODULES[name])} & set(POSIX_ONLY), name
        assert not set(ATTRIBUTE.findall(MODULES[name].read_text(encoding="utf-8"))) & POSIX_NAMES, name
