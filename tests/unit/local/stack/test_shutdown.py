import os
import signal
from collections.abc import Iterator

import pytest

from local.stack.shutdown import ShutdownEvent

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the signal handlers back that the test replaces."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_it(number: signal.Signals) -> None:
    # GIVEN an end that listens to signals
    end = ShutdownEvent.on_signals()
    assert not end.is_set()
    # WHEN one comes, and comes again
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    # THEN it is set and stays so
    assert end.wait(5)
    assert end.is_set()


def test_it_is_not_set_by_waiting() -> None:
    assert not ShutdownEvent().wait(0.01)


def test_it_follows_a_parent_that_is_not_there() -> None:
    # GIVEN an end that follows a process that is not our parent
    end = ShutdownEvent()
    end.follow(2**22 + 1)
    # THEN it is set
    assert end.wait(5)
