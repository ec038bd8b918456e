"""Admission: first come first served, within limits, with an honest estimate."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from web.admission import Admission


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on an event loop in a thread: Playwright's loop may occupy this one, after browser tests."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


@pytest.fixture
def admission() -> Iterator[Admission]:
    """One worker, at most a second of waiting, 100 bytes of bodies."""
    admission = Admission(workers=1, queue_seconds=1.0, body_bytes=100)
    yield admission
    admission.close()


def test_photos_are_identified_in_the_order_in_which_they_came(admission: Admission) -> None:
    done: list[int] = []

    async def all_at_once() -> None:
        await asyncio.gather(*(admission.run(partial(done.append, number)) for number in range(20)))

    run(all_at_once())
    assert done == list(range(20))


def test_a_queue_that_is_too_long_is_refused_with_the_time_that_it_needs(admission: Admission) -> None:
    refused: list[Unavailable] = []

    async def crowd() -> None:
        for _ in range(30):  # the average follows
            await admission.run(lambda: time.sleep(0.02))
        admission._service_seconds = 0.5
        work = [asyncio.ensure_future(admission.run(lambda: time.sleep(0.01))) for _ in range(6)]
        for each in asyncio.as_completed(work):
            try:
                await each
            except Unavailable as error:
                refused.append(error)

    run(crowd())
    # GIVEN 0.5 s a photo THEN 3 are admitted (the third waits a second), and the others are told how long it would be
    assert len(refused) == 3
    assert all(error.headers["Retry-After"] == "2" for error in refused)


def test_bodies_in_memory_are_bounded_and_given_back(admission: Admission) -> None:
    with ExitStack() as held:
        held.enter_context(admission.receiving(60))(60)
        with pytest.raises(Unavailable), admission.receiving(50):
            pass
        held.enter_context(admission.receiving(40))(40)
    with admission.receiving(100) as arrived:
        arrived(100)


def test_only_bytes_that_have_arrived_count(admission: Admission) -> None:
    # GIVEN ten clients that announce large bodies and send little
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(admission.receiving(50))(5)
        # WHEN one sends more than there is room for THEN only that one is refused
        with admission.receiving(40) as arrived:
            arrived(40)
            with pytest.raises(Unavailable, match="too many photos are being received"):
                arrived(20)


def test_a_body_over_the_whole_limit_is_taken_alone(admission: Admission) -> None:
    # GIVEN a limit below the largest photo: a mistake in the settings must not refuse it for ever
    with admission.receiving(500) as arrived:
        arrived(250)
        arrived(250)


def test_work_that_fails_raises_and_leaves_the_queue(admission: Admission) -> None:
    async def fail() -> None:
        await admission.run(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        run(fail())
    assert admission.expected_wait == 0
