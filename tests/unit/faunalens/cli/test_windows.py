"""What Windows lacks is not needed: the command runs where Python has none of the modules for POSIX alone."""

import re
import subprocess
import sys

from chalicelib.config.settings import ROOT
from tests.unit.test_architecture import MODULES, imported

POSIX_ONLY = {
    *("crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix_ipc", "pty", "pwd", "resource", "spwd", "syslog"),
    *("termios", "tty", "uvloop"),
}
POSIX_NAMES = {
    *("os.chown", "os.fork", "os.geteuid", "os.getpgid", "os.getuid", "os.killpg", "os.mkfifo", "os.setsid"),
    *("os.sched_getaffinity", "os.statvfs", "os.uname", "os.wait", "signal.SIGALRM", "signal.SIGHUP", "signal.SIGKILL"),
    *("signal.SIGUSR1", "signal.alarm", "signal.pause", "signal.setitimer", "socket.AF_UNIX", "time.tzset"),
}
"""Modules, and what other modules have, on POSIX alone."""
ATTRIBUTE = re.compile(r"\b(?:os|signal|socket|time)\.\w+")
PROGRAM = f"""
import sys
from importlib import import_module
from traceback import walk_stack

class Absent:
    def find_spec(name, *_):  # filelock has a way of its own for each system
        if name in {POSIX_ONLY} and not any("/filelock/" in each.f_code.co_filename for each, _ in walk_stack(None)):
            raise ModuleNotFoundError("no module named " + name + " on Windows", name=name)

for name in {POSIX_ONLY}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent)
for name in {[name for name in MODULES if name.startswith("faunalens.cli.")]}:
    import_module(name)
print(*sys.modules)
"""
"""Imports the command where Python has none of these modules, and prints all that it reaches."""


def test_the_command_needs_nothing_that_windows_lacks() -> None:
    # GIVEN every module of the command WHEN they are imported THEN so are the models and the data, without an error
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reached = set(done.stdout.split())
    assert {"chalicelib.identify", "faunalens.data.dataset"} <= reached
    # THEN nor does a function of theirs use it
    for name in reached & MODULES.keys():
        assert not {other for other, _ in imported(MODULES[name])} & POSIX_ONLY, name
        assert not set(ATTRIBUTE.findall(MODULES[name].read_text(encoding="utf-8"))) & POSIX_NAMES, name
