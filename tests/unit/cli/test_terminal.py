"""What the command says while it works, and where nobody watches."""

import signal
import sys
from io import BytesIO, TextIOWrapper
from queue import Queue

import pytest

from cli import terminal


def test_without_a_terminal_progress_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a run whose output goes to a file, with a line as often as can be
    lines: Queue[str] = Queue()
    monkeypatch.setattr(terminal, "LINE_EVERY", 0.001)
    monkeypatch.setattr("click.echo", lambda text, *, err: lines.put(text) if err else None)
    # WHEN it looks for photos, and has done some THEN lines say so, and without a photo yet no rate
    with terminal.waiting("listing photos"):
        assert lines.get(timeout=10) == "faunalens: listing photos …"
    with terminal.photo_progress(100, 1000) as reach:
        reach(200)
        said = iter(lambda: lines.get(timeout=10), "")
        assert next(line for line in said if line.startswith("faunalens: identifying: 200 of 1,000 photos, "))
    assert terminal.progress_line("identifying", 0, 10, 0.0) == "identifying: 0 of 10 photos"


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
