"""Progress lines for terminals and files, and requests for a shutdown."""

import os
import re
import signal
import time
from collections.abc import Iterator

import pytest

from local.stack import terminal
from local.stack.terminal import ShutdownEvent


def test_a_step_has_a_line_when_it_starts_and_one_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an output that is not a terminal
    with terminal.step("package", "building") as running:
        assert capsys.readouterr().out == "package      building …\n"
        running.result = "40 MB"
    assert re.fullmatch(r"package      40 MB {40} *\d+\.\d s\n", capsys.readouterr().out)
    # AND one whose result comes later, or that fails, has none
    with terminal.step("data", "reading") as running:
        running.result = None
    with pytest.raises(ValueError, match="broken"), terminal.step("data", "loading"):
        raise ValueError("broken")
    assert capsys.readouterr().out == "data         reading …\ndata         loading …\n"


def test_a_terminal_shows_the_seconds_as_they_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    shown, deadline = "", time.monotonic() + 10
    with terminal.step("package", "building"):
        while "0:00:00" not in shown and time.monotonic() < deadline:
            time.sleep(0.01)
            shown += capsys.readouterr().out
    # THEN the result replaces that line
    assert re.search(r"package      building … .*0:00:00", shown)
    assert re.search(r"package      done +\d+\.\d s\n$", capsys.readouterr().out)


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


def test_a_parent_that_is_gone_sets_it() -> None:
    # GIVEN an event that watches a process that is not our parent
    event = ShutdownEvent()
    event.set_when_parent_exits(2**22 + 1)
    # THEN it is set
    assert event.wait(5)
