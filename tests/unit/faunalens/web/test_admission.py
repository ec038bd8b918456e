"""Admission: first come first served, within limits, with an honest estimate."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event, get_native_id
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.telemetry.metrics import TIER_METRICS
from chalicelib.telemetry.record import Notes
from faunalens.web import admission as module
from faunalens.web.admission import Admission, Pulse, Refusals, return_large_blocks
from tests.support.servers import run


@contextmanager
def one_worker(service_seconds: float = 0.02, **more: Any) -> Iterator[Admission]:
    """One worker, at most a second of waiting."""
    opened = Admission(workers=1, queue_seconds=1.0, service_seconds=service_seconds, **more)
    yield opened
    opened.close()


@pytest.fixture
def admission() -> Iterator[Admission]:
    with one_worker() as opened:
        yield opened


def test_photos_are_identified_in_the_order_in_which_they_came_by_threads_that_yield(admission: Admission) -> None:
    done: list[tuple[int, int]] = []

    def work(number: int) -> None:
        done.append((number, os.getpriority(os.PRIO_PROCESS, get_native_id())))

    async def all_at_once() -> None:
        await asyncio.gather(*(admission.run(partial(work, number)) for number in range(20)))

    run(all_at_once())
    # THEN they yield to the event loop also in a process that itself yields to others; 19 is the lowest priority
    own = os.getpriority(os.PRIO_PROCESS, get_native_id())
    nice = min(19, own + 5) if sys.platform == "linux" else own  # other systems have one priority per process
    assert done == [(number, nice) for number in range(20)]


async def at_once(admission: Admission, number: int, seconds: float = 0.01) -> list[object]:
    """Return the results of photos that arrive together: None, or the refusal."""
    work = [admission.run(lambda: time.sleep(seconds)) for _ in range(number)]
    return await asyncio.gather(*work, return_exceptions=True)


def test_the_log_has_a_line_a_second_for_refusals_of_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, str, str, int]] = []
    refusals = Refusals(lambda error, request_id, route, count: lines.append((str(error), request_id, route, count)))

    async def overload() -> None:
        later: list[Callable[[], None]] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda _, call: later.append(call))
        # WHEN requests are refused for two routes within a second THEN one call waits for its end
        for number, route in enumerate(["/identify", "/taxa", "/identify", "/identify"]):
            refusals.add(Unavailable(f"wait {number} s", limit="queue"), f"id {number}", route)
        assert (len(later), lines) == (1, [])
        later[0]()
        # AND each route has a line, with the first error and id, and the number
        assert lines == [("wait 0 s", "id 0", "/identify", 3), ("wait 1 s", "id 1", "/taxa", 1)]
        # AND the next second begins with the next refusal
        refusals.add(Unavailable("wait", limit="queue"), "id", "/identify")
        assert len(later) == 2
        refusals.flush()
        assert lines[2:] == [("wait", "id", "/identify", 1)]

    run(overload())


@pytest.mark.parametrize(("service_seconds", "most"), [(0.1, 11), (0.001, 65)], ids=["1 s of waiting", "64 that wait"])
def test_a_burst_waits_unless_it_is_too_long_or_too_large(service_seconds: float, most: int) -> None:
    with one_worker(service_seconds) as admission:
        assert run(at_once(admission, most, seconds=0)) == [None] * most
    # The first photo takes long enough for the last one to arrive beside it, on a busy machine too.
    with one_worker(service_seconds) as admission:
        assert any(isinstance(each, Unavailable) for each in run(at_once(admission, most + 1, seconds=0.02)))


def test_in_an_overload_only_a_few_wait_and_all_others_are_refused_with_a_time() -> None:
    # GIVEN 0.1 s a photo and at most 1 s of waiting WHEN 30 come at once
    pulse = Pulse()
    with one_worker(0.1, pulse=pulse) as admission:
        results = run(at_once(admission, 30))
    # THEN the first is running and the next waits; the others would have waited long
    assert results[:2] == [None, None]
    refused = [each for each in results if isinstance(each, Unavailable)]
    assert (len(refused), pulse.waiting) == (28, 10)
    # AND they learn the time in which all of them could be served
    waits = [int(each.headers["Retry-After"]) for each in refused]
    assert (min(waits), max(waits)) == (1, 3)
    # AND that nothing is left of the queue until then
    assert refused[waits.index(3)].headers["RateLimit"] == '"queue";r=0;t=3'


def test_a_first_photo_that_loads_models_makes_no_overload_of_the_next_burst() -> None:
    # GIVEN a process whose first photo took 60 times as long as the others
    with one_worker(0.005) as admission:
        run(at_once(admission, 1, seconds=0.3))
        # WHEN 60 more arrive together THEN they wait, because they will take 0.3 s, and not 2 s
        assert run(at_once(admission, 60, seconds=0)) == [None] * 60
        # AND photos that stay slow count in full after a few
        for _ in range(15):
            run(at_once(admission, 1, seconds=0.03))
        assert 0.02 < admission._service_seconds < 0.05


def test_an_overload_ends_a_second_after_the_last_refusal() -> None:
    # GIVEN an overload
    now = 0.0
    with one_worker(0.1, clock=lambda: now) as admission:
        run(at_once(admission, 30))
        # WHEN photos come one by one for a second THEN a burst waits again
        for now in (0.9, 1.1):  # noqa: B007, the clock reads it
            run(admission.run(lambda: None))
        assert run(at_once(admission, 8)) == [None] * 8


def test_one_photo_is_alone(admission: Admission) -> None:
    alone: list[bool] = []
    both = Barrier(2)

    def look(at: Admission) -> None:
        both.wait(30)
        alone.append(at.is_alone)
        both.wait(30)

    async def one_and_two() -> None:
        await admission.run(lambda: alone.append(admission.is_alone))
        wide = Admission(workers=2, queue_seconds=1.0)
        await asyncio.gather(wide.run(partial(look, wide)), wide.run(partial(look, wide)))
        wide.close()

    run(one_and_two())
    assert alone == [True, False, False]


def test_a_client_that_leaves_the_queue_frees_its_place(admission: Admission) -> None:
    async def leave() -> None:
        gate = Event()
        first, second, third = (
            asyncio.ensure_future(admission.run(work)) for work in (lambda: gate.wait(30), lambda: None, lambda: None)
        )
        await asyncio.sleep(0)  # in which all three join the queue
        # WHEN one that waits is cancelled, and one just as its turn comes
        wait = admission.expected_wait
        second.cancel()
        await asyncio.sleep(0)
        assert admission.expected_wait < wait
        gate.set()
        await first
        third.cancel()
        await asyncio.gather(second, third, return_exceptions=True)
        # THEN the worker is free for the next
        await asyncio.wait_for(admission.run(lambda: None), 1)

    run(leave())


def test_work_that_fails_raises_and_leaves_the_queue(admission: Admission) -> None:
    async def fail() -> None:
        await admission.run(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        run(fail())
    assert admission.expected_wait == 0


PROGRAM = """
import resource
from threading import Thread
from PIL import Image
from faunalens.web.admission import return_large_blocks

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6

assert return_large_blocks()
def work():
    for size in (500, 1000, 2000, 4000, 5000):
        Image.new("RGB", (size, size), "red")
before = resident()
for _ in range(2):
    thread = Thread(target=work)
    thread.start()
    thread.join()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; glibc runs on Linux")
def test_large_images_leave_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 10


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert return_large_blocks() is False


def test_a_beat_emits_the_counts_and_starts_again_from_zero() -> None:
    # GIVEN counts
    counts, emitted = Pulse(waiting=3, refused=2, rejected=4, drained=5, cut_off=1), list[Mapping[str, float]]()
    # WHEN it beats twice
    for _ in range(2):
        counts.beat(lambda each: emitted.append(each.metrics))
    # THEN the first beat has them
    assert emitted[0] == {"QueueLength": 3, "QueueRefusals": 2, "Rejections": 4, "Drained": 5, "CutOff": 1}
    assert emitted[1] == dict.fromkeys(emitted[0], 0)
    # AND they are metrics of the tier
    assert emitted[0].keys() <= {*TIER_METRICS, "Rejections"}


def test_it_beats_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PULSE_SECONDS", 0.001)
    beats = list[Notes]()

    async def three() -> None:
        beating = asyncio.create_task(Pulse().beat_for_ever(beats.append))
        while len(beats) < 3:
            await asyncio.sleep(0)
        beating.cancel()

    run(three())
    assert len(beats) == 3
