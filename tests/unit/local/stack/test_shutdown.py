import os
import signal
from collections.abc import Iterator

import pytest

from local.stack.shutdown import ShutdownEvent

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Restore the signal handlers that the test replaces."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_it(number: signal.Signals) -> None:
    # GIVEN an event that signals set
    event = ShutdownEvent.on_signals()
    assert not event.is_set()
    # WHEN a signal arrives twice
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    # THEN the event is set and stays set
    assert event.wait(5)
    assert event.is_set()


def test_waiting_does_not_set_it() -> None:
    assert not ShutdownEvent().wait(0.01)


def test_a_parent_that_is_gone_sets_it() -> None:
    # GIVEN an event that watches a process that is not our parent
    event = ShutdownEvent()
    event.set_when_parent_exits(2**22 + 1)
    # THEN it is set
    assert event.wait(5)
