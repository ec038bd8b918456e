"""Progress of slow steps, on a terminal and in a log."""

import re
import time

import pytest

from local.stack import progress


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
    monkeypatch.setattr(progress, "START_LINE_AFTER", 0.0)
    monkeypatch.setattr(progress, "TICK", 0.01)


@pytest.mark.usefixtures("impatient")
def test_a_slow_step_has_a_line_when_it_starts_and_one_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an output that is not a terminal
    with progress.step("package", "building") as running:
        # WHEN a step takes long THEN its start is printed meanwhile
        assert read_until(capsys, "\n") == "package      building …\n"
        running.result = "40 MB"
    # AND its end has the result and the duration
    assert re.fullmatch(r"package      40 MB {40} *\d+\.\d s\n", capsys.readouterr().out)


def test_a_quick_step_has_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "START_LINE_AFTER", 30.0)
    with progress.step("data", "loading"):
        pass
    assert re.fullmatch(r"data +done +\d+\.\d s\n", capsys.readouterr().out)


def test_a_step_without_a_result_has_no_line_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("PostgreSQL", "initialising") as running:
        running.result = None
    assert " s\n" not in capsys.readouterr().out


def test_a_step_that_began_earlier_counts_from_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("data", "loading", time.monotonic() - 700):
        pass
    assert re.search(r" 7\d\d\.\d s\n$", capsys.readouterr().out)


@pytest.mark.usefixtures("impatient")
def test_a_terminal_shows_the_seconds_as_they_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    # WHEN a step takes long
    with progress.step("package", "building"):
        # THEN it rewrites one line
        shown = read_until(capsys, r"(\rpackage      building … .*s){3}")
        assert "\n" not in shown
    # AND the result replaces that line
    assert "\r\033[K" in capsys.readouterr().out


def test_a_step_that_fails_has_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), progress.step("data", "loading"):
        raise ValueError("broken")
    assert "data         done" not in capsys.readouterr().out
