"""Recordings: reading new lines, and the time range."""

from pathlib import Path

import pytest

from cloudwatch.preview.recording import Recording
from tests.unit.cloudwatch.metric_lines import metric_line

BEGIN = 1_780_000_000.0


def line(moment: float) -> str:
    return metric_line(moment, {"M": 1.0}, {"a": "b"}, "N") + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two lines, 3 s apart."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(BEGIN) + line(BEGIN + 3))
    return path


@pytest.mark.parametrize("live", [False, True])
def test_it_ends_with_the_minute_of_its_last_line_or_live_now(path: Path, live: bool) -> None:
    recording = Recording(path, "a file", live=live, now=lambda: BEGIN + 100)
    recording.read_new_lines()
    # GIVEN lines at the begin and 3 s later, in a minute that ends 20 s after the begin
    assert (recording.span().start, recording.span().end) == (BEGIN, BEGIN + (100 if live else 20))


def test_an_empty_recording_spans_15_minutes(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "none.jsonl", "a file", live=True, now=lambda: BEGIN)
    assert recording.read_new_lines() == 0
    assert (recording.span().end - recording.span().start, recording.span().end) == (900, BEGIN)


# The file


def test_it_may_grow_in_any_parts_and_be_truncated(tmp_path: Path) -> None:
    # GIVEN a file that does not exist yet
    path = tmp_path / "metrics.jsonl"
    recording = Recording(path, "a file", live=True)
    assert recording.read_new_lines() == 0
    with path.open("a", buffering=1) as file:
        # WHEN lines are written, the last one in two parts THEN it counts once it is complete
        file.write(line(BEGIN) + line(BEGIN + 1) + line(BEGIN + 2)[:20])
        file.flush()
        assert [recording.read_new_lines(), recording.read_new_lines()] == [2, 2]
        file.write(line(BEGIN + 2)[20:])
        assert recording.read_new_lines() == 3
    # WHEN the file is written anew THEN it is read from its beginning
    path.write_text(line(BEGIN + 9))
    assert recording.read_new_lines() == 4
