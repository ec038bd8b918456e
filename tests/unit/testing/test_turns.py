"""Turns of parallel tests: together with those of the same group, except for those that run alone."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from testing.turns import Group, turn


class Worker:
    """A worker of pytest that runs one test until `end` is called."""

    def __init__(self, start: Callable[..., Future[None]], folder: Path, group: Group) -> None:
        self.began, self._end = Event(), Event()
        self._future = start(self._run, folder, group)

    def _run(self, folder: Path, group: Group) -> None:
        with turn(folder, group):
            self.began.set()
            assert self._end.wait(20)

    def end(self) -> None:
        self._end.set()
        self._future.result()


def somebody_waits(folder: Path) -> bool:
    with (folder / "queue.lock").open("w") as queue:
        try:
            flock(queue, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.mark.parametrize("group", ["any", "timed"])
def test_a_test_that_runs_alone_waits_for_all_others_and_nobody_overtakes_it(group: Group, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        # GIVEN two tests of a group, which run at the same time
        first, second = (Worker(pool.submit, tmp_path, group) for _ in range(2))
        assert first.began.wait(20)
        assert second.began.wait(20)
        # WHEN one wants to run alone THEN it waits, and so does a test that comes after it
        alone = Worker(pool.submit, tmp_path, "alone")
        while not somebody_waits(tmp_path):
            sleep(0.01)
        later = Worker(pool.submit, tmp_path, group)
        first.end()
        assert not alone.began.wait(0.1)
        # WHEN the last one ends THEN it runs, and the later one does not
        second.end()
        assert alone.began.wait(20)
        assert not later.began.wait(0.1)
        alone.end()
        assert later.began.wait(20)
        later.end()


def test_tests_with_limits_in_seconds_wait_for_those_without(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        busy = Worker(pool.submit, tmp_path, "any")
        assert busy.began.wait(20)
        # WHEN one with limits comes THEN it waits
        timed = Worker(pool.submit, tmp_path, "timed")
        assert not timed.began.wait(0.1)
        busy.end()
        assert timed.began.wait(20)
        timed.end()
