"""What the command says while it works, where nobody watches, and in its log (`--log FILE`)."""

import re
import signal
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from queue import Queue

import pytest

from faunalens import terminal
from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from tests.support.servers import until
from tests.unit.faunalens.conftest import Command


def test_without_a_terminal_progress_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a run whose output goes to a file, with a line as often as can be
    lines: Queue[str] = Queue()
    for name in ("FIRST_LINE", "LINE_EVERY"):
        monkeypatch.setattr(terminal, name, 0.001)
    monkeypatch.setattr("click.echo", lambda text, *, err: lines.put(text) if err else None)
    # WHEN it looks for photos, and has done some THEN lines say so, and without a photo yet no rate
    with terminal.waiting("listing photos"):
        assert lines.get(timeout=10) == "faunalens: listing photos …"
    with terminal.photo_progress(100, 1000) as reach:
        reach(200)
        said = iter(lambda: lines.get(timeout=10), "")
        assert next(line for line in said if line.startswith("faunalens: identifying: 200 of 1,000 photos, "))
    assert terminal.progress_line("identifying", 0, 10, 0.0) == "identifying: 0 of 10 photos"


@pytest.mark.parametrize(
    ("is_terminal", "variables", "has_bar"),
    [(True, {"TERM": "xterm"}, True), (True, {"TERM": "dumb"}, False), (False, {"FORCE_COLOR": "1"}, False)],
)
def test_only_a_terminal_that_can_move_its_cursor_is_told_to(
    is_terminal: bool, variables: dict[str, str], has_bar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN standard error, and lines about progress as often as can be
    screen = StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal, "FIRST_LINE", 0.001)
    # WHEN something takes a while
    with terminal.waiting("listing photos"):
        assert until(lambda: "listing photos" in screen.getvalue(), 10)
    with terminal.photo_progress(0, 10) as reach:
        reach(5)
        terminal.warn("a card is missing")
        assert until(lambda: "identifying" in screen.getvalue(), 10)
    # THEN it is said, with escape codes only where they are obeyed
    assert ("\x1b" in screen.getvalue()) == has_bar
    assert ("faunalens: listing photos …\n" in screen.getvalue()) != has_bar


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


STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")


def test_a_command_logs_what_it_says(study: Path, tmp_path: Path) -> None:
    # GIVEN a study with a photo that has no time WHEN it is exported twice with a log
    log = tmp_path / "run.log"
    for name in ("one.csv", "two.csv"):
        assert run(["export", str(study), "--csv", str(tmp_path / name), "--log", str(log)]) == Exit.DONE
    lines = log.read_text(encoding="utf-8").splitlines()
    # THEN both runs are in it, each line with its time
    assert all(STAMP.match(line) for line in lines)
    said = [STAMP.sub("", line) for line in lines]
    assert said[: len(said) // 2] == said[len(said) // 2 :]
    assert said[0].startswith("INFO faunalens export began, version ")
    assert "WARNING 1 photo has no time: each is an event of its own" in said
    assert said[-1] == "INFO ended with code 0"

    # THEN an error is logged too, and the file closed
    assert run(["status", str(tmp_path / "none.db"), "--log", str(log)]) == Exit.FAILED
    assert f"ERROR there is no results file {tmp_path / 'none.db'}" in log.read_text(encoding="utf-8")
    assert len(terminal.LOG.handlers) == 1


def test_no_log_ends_up_in_the_results_or_nowhere(study: Path, command: Command) -> None:
    before = study.read_bytes()
    for log, said in (("study.db", "is a results file"), ("none/run.log", "cannot be written (No such file")):
        assert said in command("status", study, "--log", study.parent / log, code=Exit.USAGE)
    assert study.read_bytes() == before
