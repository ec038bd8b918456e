"""The pulse of the web tier: counts since the last beat."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.telemetry.metrics import TIER_METRICS
from web import pulse
from web.pulse import Pulse


def test_a_beat_emits_the_counts_and_starts_again_from_zero() -> None:
    # GIVEN counts
    counts, emitted = Pulse(waiting=3, refused=2, rejected=4, drained=5, cut_off=1), list[Mapping[str, float]]()
    # WHEN it beats twice
    for _ in range(2):
        counts.beat(lambda each: emitted.append(each.metrics()))
    # THEN the first beat has them
    assert emitted[0] == {"QueueLength": 3, "QueueRefusals": 2, "Rejections": 4, "Drained": 5, "CutOff": 1}
    assert emitted[1] == dict.fromkeys(emitted[0], 0)
    # AND they are metrics of the tier without further dimensions
    assert emitted[0].keys() <= {*TIER_METRICS, "Rejections"}
    assert (counts.dimensions(), counts.properties()) == ({}, {})


def test_it_beats_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.001)
    beats = 0

    async def count() -> None:
        def emit(_: Pulse) -> None:
            nonlocal beats
            beats += 1
            if beats == 3:
                task.cancel()

        task = asyncio.create_task(Pulse().beat_for_ever(emit))
        with pytest.raises(asyncio.CancelledError):
            await task

    with ThreadPoolExecutor(1) as pool:  # Playwright's loop may occupy this thread, after browser tests
        pool.submit(lambda: asyncio.run(count())).result()
    assert beats == 3
