"""Work in parallel, with few tasks in memory."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from cli.identify import AHEAD, in_parallel


def test_every_task_is_done_once_with_few_in_memory() -> None:
    # GIVEN a thousand tasks that count how many were taken
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    # WHEN the results are consumed THEN never more tasks were taken than fit in memory
    done = []
    for result in in_parallel(lambda number: number * 2, tasks(), 3):
        done.append(result)
        assert taken - len(done) < 3 * AHEAD
    assert sorted(done) == [number * 2 for number in range(1000)]


def test_an_error_ends_the_run() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda number: 1 / number, [1, 0, 2], 2))


def test_a_consumer_may_stop() -> None:
    with closing(in_parallel(str, range(10**9), 2)) as results:
        assert next(results)
