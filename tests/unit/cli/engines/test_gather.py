"""What several threads ask of a model at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from cli.engines.gather import Gathered


def test_what_waits_goes_through_together() -> None:
    # GIVEN a model that is busy with one photo
    batches: list[list[int]] = []
    is_busy, may_go_on = Event(), Event()

    def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        is_busy.set()
        may_go_on.wait(10)
        return [10 * each for each in items]

    gathered = Gathered(work, most=3)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(gathered, 0)
        is_busy.wait(10)
        # WHEN five more come
        others = [pool.submit(gathered, number) for number in range(1, 6)]
        while len(gathered._waiting) < 5:
            pass
        may_go_on.set()
        # THEN each gets its own answer
        assert [each.result() for each in (first, *others)] == [0, 10, 20, 30, 40, 50]
    # and they were two batches
    assert [len(each) for each in batches] == [1, 3, 2]


def test_an_error_is_that_of_its_batch_alone() -> None:
    def work(items: Sequence[int]) -> list[float]:
        return [1 / each for each in items]

    gathered = Gathered(work)
    with pytest.raises(ZeroDivisionError):
        gathered(0)
    assert gathered(2) == 0.5


def test_every_item_of_many_threads_is_done_once() -> None:
    seen: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        seen.extend(items)
        return [-each for each in items]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(Gathered(work, most=4), range(2000)))
    assert answers == [-each for each in range(2000)]
    assert sorted(seen) == list(range(2000))
