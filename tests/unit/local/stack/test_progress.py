"""Progress of slow steps, on a terminal and in a log."""

import time

import pytest

from local.stack import progress


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the start of a step after 10 ms."""
    monkeypatch.setattr(progress, "START_LINE_AFTER", 0.01)
    monkeypatch.setattr(progress, "TICK", 0.01)


def test_a_slow_step_has_a_line_when_it_starts_and_one_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an output that is not a terminal
    with progress.step("package", "building") as running:
        # WHEN a step takes long THEN its start is printed meanwhile
        time.sleep(0.1)
        assert capsys.readouterr().out == "package      building …\n"
        running.result = "40 MB"
    # THEN its end has the result and the duration
    line = capsys.readouterr().out
    assert line.startswith("package      40 MB ")
    assert line.endswith(" 0.1 s\n")


def test_a_quick_step_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("data", "loading"):
        pass
    assert capsys.readouterr().out.split() == ["data", "done", "0.0", "s"]


def test_a_step_that_began_earlier_counts_from_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("data", "loading", time.monotonic() - 7):
        pass
    assert capsys.readouterr().out.endswith(" 7.0 s\n")


def test_a_terminal_shows_the_seconds_as_they_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    # WHEN a step takes long
    with progress.step("package", "building"):
        time.sleep(0.2)
        shown = capsys.readouterr().out
        # THEN it rewrites one line
        assert shown.count("\rpackage      building …") > 2
        assert "\n" not in shown
    # AND the result replaces that line
    assert "\r\033[K" in capsys.readouterr().out


def test_a_step_that_fails_has_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), progress.step("data", "loading"):
        raise ValueError("broken")
    assert capsys.readouterr().out == ""
