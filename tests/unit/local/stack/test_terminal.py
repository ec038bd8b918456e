"""Progress lines for terminals and files, and requests for a shutdown."""

import os
import re
import signal
import time
from collections.abc import Iterator

import pytest

from local.stack import terminal
from local.stack.terminal import ShutdownEvent


def read_until(capsys: pytest.CaptureFixture[str], pattern: str) -> str:
    """Return what was printed so far, once it matches the pattern."""
    shown = ""
    deadline = time.monotonic() + 10
    while not re.search(pattern, shown):
        assert time.monotonic() < deadline, shown
        shown += capsys.readouterr().out
        time.sleep(0.005)
    return shown


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the start of a step at once."""
    monkeypatch.setattr(terminal, "START_LINE_AFTER", 0.0)
    monkeypatch.setattr(terminal, "TICK", 0.01)


@pytest.mark.usefixtures("impatient")
def test_a_slow_step_has_a_line_when_it_starts_and_one_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an output that is not a terminal
    with terminal.step("package", "building") as running:
        # WHEN a step takes long THEN its start is printed meanwhile
        assert read_until(capsys, "\n") == "package      building …\n"
        running.result = "40 MB"
    # AND its end has the result and the duration
    assert re.fullmatch(r"package      40 MB {40} *\d+\.\d s\n", capsys.readouterr().out)


def test_a_quick_step_has_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "START_LINE_AFTER", 30.0)
    with terminal.step("data", "loading"):
        pass
    assert re.fullmatch(r"data +done +\d+\.\d s\n", capsys.readouterr().out)
    # AND one that fails has none
    with pytest.raises(ValueError, match="broken"), terminal.step("data", "loading"):
        raise ValueError("broken")
    assert "data         done" not in capsys.readouterr().out


@pytest.mark.usefixtures("impatient")
def test_a_terminal_shows_the_seconds_as_they_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    # WHEN a step takes long
    with terminal.step("package", "building"):
        # THEN it rewrites one line
        shown = read_until(capsys, r"(\rpackage      building … .*s){3}")
        assert "\n" not in shown
    # AND the result replaces that line
    assert "\r\033[K" in capsys.readouterr().out


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
