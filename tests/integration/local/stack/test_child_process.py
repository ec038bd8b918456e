import subprocess
import sys
from pathlib import Path

import pytest

from local import NotReady
from local.stack.child_process import ChildProcess, alive, descendants
from tests.support.servers import until

PARENT = """
import sys
from local.stack.child_process import ChildProcess
child = ChildProcess("sleeper", ["sleep", "600"])
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    # GIVEN a child that ignores SIGTERM
    log = tmp_path / "log"
    child = ChildProcess(
        "stubborn", ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], log=log, stop_timeout=0.2
    )
    child.start()
    child.wait_until(lambda: "deaf" in log.read_text(), 10)
    pid = child.pid
    # WHEN it is stopped
    child.stop()
    # THEN it is gone all the same
    assert not alive(pid)


@pytest.mark.parametrize(
    ("script", "seconds", "message"),
    [
        ("echo no disk; exit 3", 10, "child exited with code 3: no disk"),
        ("exec sleep 600", 0.05, r"child was not ready within 0\.05 s"),
    ],
)
def test_a_child_that_exits_or_is_not_ready_in_time_is_reported(
    script: str, seconds: float, message: str, tmp_path: Path
) -> None:
    child = ChildProcess("child", ["sh", "-c", script], log=tmp_path / "log")
    with child, pytest.raises(NotReady, match=message):
        child.wait_until(lambda: False, seconds)


@pytest.mark.parametrize("paused", [False, True])
def test_a_child_does_not_outlive_a_parent_killed_with_9(paused: bool) -> None:
    # GIVEN a parent whose child runs, or is paused like a hanging server
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin
    assert parent.stdout
    with parent.stdin, parent.stdout:
        child = int(parent.stdout.readline())
        assert until(lambda: len(descendants(parent.pid)) == 2, 20), "the child and its watchdog"
        family = descendants(parent.pid)
        assert child in family
        if paused:
            subprocess.run(["kill", "-STOP", str(child)], check=True)
        # WHEN the parent is killed with SIGKILL
        parent.kill()
        parent.wait()
        # THEN the child and its watchdog exit too
        assert until(lambda: not any(alive(pid) for pid in family), 20)
