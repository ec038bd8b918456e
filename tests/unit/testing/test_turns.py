"""Turns of parallel tests: together, except for those that run alone."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Event
from time import sleep

from testing.turns import turn


class Worker:
    """A worker of pytest that runs one test until `end` is called."""

    def __init__(self, start: Callable[..., Future[None]], folder: Path, *, alone: bool) -> None:
        self.began, self._end = Event(), Event()
        self._future = start(self._run, folder, alone)

    def _run(self, folder: Path, alone: bool) -> None:
        with turn(folder, alone=alone):
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


def test_a_test_that_runs_alone_waits_for_all_others_and_nobody_overtakes_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        # GIVEN two tests that run at the same time
        first, second = (Worker(pool.submit, tmp_path, alone=False) for _ in range(2))
        assert first.began.wait(20)
        assert second.began.wait(20)
        # WHEN one wants to run alone THEN it waits, and so does a test that comes after it
        alone = Worker(pool.submit, tmp_path, alone=True)
        while not somebody_waits(tmp_path):
            sleep(0.01)
        later = Worker(pool.submit, tmp_path, alone=False)
        first.end()
        assert not alone.began.wait(0.1)
        # WHEN the last one ends THEN it runs, and the later one does not
        second.end()
        assert alone.began.wait(20)
        assert not later.began.wait(0.1)
        alone.end()
        assert later.began.wait(20)
        later.end()
