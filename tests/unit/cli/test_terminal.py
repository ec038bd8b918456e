"""What the command says while it works, and where nobody watches."""

import signal
import sys
from io import BytesIO, TextIOWrapper
from threading import Event

import pytest

from cli import terminal


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, list[str]]:
    """The lines on standard error, and what is set after the first; a line comes as fast as it can."""
    printed, lines = Event(), list[str]()

    def echo(text: str, *, err: bool) -> None:
        assert err
        lines.append(text)
        printed.set()

    monkeypatch.setattr(terminal, "LINE_EVERY", 0.001)
    monkeypatch.setattr("click.echo", echo)
    return printed, lines


def test_without_a_terminal_progress_is_lines(said: tuple[Event, list[str]]) -> None:
    # GIVEN a run whose output goes to a file WHEN it has done some photos
    printed, lines = said
    with terminal.photo_progress(100, 1000) as reach:
        reach(200)
        printed.clear()
        assert printed.wait(10)
    # THEN lines say how far it is, and without a photo yet no rate
    assert any(line.startswith("faunalens: identifying: 200 of 1,000 photos, ") for line in lines)
    assert terminal.progress_line("identifying", 0, 10, 0.0) == "identifying: 0 of 10 photos"


def test_what_has_no_end_says_that_it_goes_on(said: tuple[Event, list[str]]) -> None:
    printed, lines = said
    with terminal.waiting("listing photos"):
        assert printed.wait(10)
    assert set(lines) == {"faunalens: listing photos …"}


def test_names_that_a_console_lacks_are_printed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a console of Windows, and a file that takes what is printed
    console, file = (TextIOWrapper(BytesIO(), "cp1252") for _ in range(2))
    monkeypatch.setattr(console, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", file)
    # WHEN names in Greek are printed THEN nothing fails, and a file has them as UTF-8
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    terminal.prepare()
    for stream in (console, file):
        stream.write("α – ü")
        stream.flush()
    assert (console.buffer.getvalue(), file.buffer.getvalue()) == (b"\\u03b1 \x96 \xfc", "α – ü".encode())


@pytest.mark.parametrize("name", [each for each in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, each)])
def test_a_signal_ends_a_run_as_control_c_does(name: str) -> None:
    number = getattr(signal, name)
    before = {each: signal.getsignal(each) for each in {signal.SIGINT, signal.SIGTERM, number}}
    try:
        signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup themselves
        stopped = terminal.prepare()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stopped.is_set()
        # GIVEN what nohup does WHEN the command begins THEN it stays so
        signal.signal(number, signal.SIG_IGN)
        terminal.prepare()
        signal.raise_signal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
