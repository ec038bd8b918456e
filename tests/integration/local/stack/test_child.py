import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.stack.child import Child, alive, descendants
from local.stack.errors import NotReady

PARENT = """
import sys
from local.stack.child import Child
child = Child("sleeper", ["sleep", "600"])
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_child_is_stopped_at_the_end_of_the_block() -> None:
    # GIVEN a running child
    with Child("sleeper", ["sleep", "600"]) as child:
        assert child.running
        pid = child.pid
        assert alive(pid)
    # THEN it is gone after the block
    assert not alive(pid)
    assert not child.running


def test_a_child_that_ignores_the_signal_is_ended_by_force(tmp_path: Path) -> None:
    # GIVEN a child that does not listen to SIGTERM
    log = tmp_path / "log"
    child = Child("stubborn", ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], log=log, patience=0.2)
    child.start()
    child.wait_until(lambda: "deaf" in log.read_text(), 10)
    pid = child.pid
    # WHEN it is stopped
    child.stop()
    # THEN it is gone nevertheless
    assert not alive(pid)


def test_kill_takes_the_descendants_too() -> None:
    # GIVEN a child with a child
    child = Child("family", ["sh", "-c", "sleep 600 & wait"])
    child.start()
    assert until(lambda: len(descendants(child.pid)) == 1)
    family = [child.pid, *descendants(child.pid)]
    # WHEN it is killed
    child.kill()
    # THEN none of them is left
    assert not any(alive(pid) for pid in family)


def test_a_child_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    # GIVEN a child that fails
    child = Child("broken", ["sh", "-c", "echo no disk; exit 3"], log=tmp_path / "log")
    # WHEN it is waited for
    # THEN the error says how it ended and what it said
    with child, pytest.raises(NotReady, match="broken ended with code 3: no disk"):
        child.wait_until(lambda: False, 10)


def test_a_child_that_is_too_slow_is_reported() -> None:
    with Child("slow", ["sleep", "600"]) as child, pytest.raises(NotReady, match=r"slow was not ready within 0\.05 s"):
        child.wait_until(lambda: False, 0.05)


class Clock:
    """In place of `time`, where nobody sleeps for real."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_child_is_asked_less_often_the_longer_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a child that is ready after 10 s
    clock = Clock()
    with Child("slow", ["sleep", "600"]) as child:
        monkeypatch.setattr("local.stack.child.time", clock)
        # WHEN it is waited for
        child.wait_until(lambda: clock.now >= 10, 60)
        monkeypatch.undo()
    # THEN each pause is 5 ms, or short beside the time so far, and hardly anything is asked hundreds of times
    assert clock.slept[:50] == [0.005] * 50
    assert clock.slept[-1] == pytest.approx(0.1, abs=0.002)
    assert len(clock.slept) < 500


def test_a_child_starts_again_after_it_was_killed() -> None:
    # GIVEN a killed child
    with Child("sleeper", ["sleep", "600"]) as child:
        first = child.pid
        child.kill()
        assert not alive(first)
        # WHEN it is started again
        child.start()
        # THEN it runs, as another process
        assert alive(child.pid)
        assert child.pid != first


@pytest.mark.parametrize("paused", [False, True])
def test_a_child_does_not_outlive_a_parent_killed_with_9(paused: bool) -> None:
    # GIVEN a parent whose child runs, or is stopped like a hanging server
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin
    assert parent.stdout
    with parent.stdin, parent.stdout:
        child = int(parent.stdout.readline())
        assert until(lambda: len(descendants(parent.pid)) == 2), "the child and its watchdog"
        family = descendants(parent.pid)
        assert child in family
        if paused:
            subprocess.run(["kill", "-STOP", str(child)], check=True)
        # WHEN the parent has no chance to say goodbye
        parent.kill()
        parent.wait()
        # THEN neither the child nor its watchdog stays
        assert until(lambda: not any(alive(pid) for pid in family))
