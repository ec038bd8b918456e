"""Polling with a pause and a timeout."""

from itertools import count

import pytest

from infra import polling


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by one that only sleeping moves; return the pauses."""
    pauses: list[float] = []
    monkeypatch.setattr(polling, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(polling, "sleep", pauses.append)
    return pauses


def test_it_polls_at_once_and_after_each_pause_until_the_timeout(clock: list[float]) -> None:
    assert list(polling.poll(10, 25)) == [0, 10, 20, 30]
    assert clock == [10, 10, 10]


def test_without_a_timeout_it_polls_once(clock: list[float]) -> None:
    assert list(polling.poll(10, 0)) == [0]
    assert clock == []


def test_it_does_not_sleep_after_the_last_look(clock: list[float]) -> None:
    for number, _ in zip(count(), polling.poll(10, 100), strict=False):
        if number == 2:
            break
    assert clock == [10, 10]
