"""Recordings: reading new lines, and the time range."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloudwatch.preview.recording import Recording
from tests.unit.cloudwatch.metric_lines import metric_line

type Record = Callable[..., Recording]

BEGIN = 1_780_000_000.0


def line(moment: float) -> str:
    return metric_line(moment, {"M": 1.0}, {"a": "b"}, "N") + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two lines, 3 s apart."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(BEGIN) + line(BEGIN + 3))
    return path


@pytest.fixture
def record(path: Path) -> Record:
    """Return a function that opens a recording of the file, or of another one."""
    return lambda of=path, **options: Recording(of, "a file", **options)


def test_without_live_it_ends_with_the_minute_of_its_last_line(record: Record) -> None:
    recording = record(now=lambda: BEGIN + 1e6)
    recording.read_new_lines()
    span = recording.span()
    assert span.start == BEGIN
    assert span.end % 60 == 0
    assert 0 < span.end - (BEGIN + 3) <= 60


def test_live_it_ends_now(record: Record) -> None:
    recording = record(live=True, now=lambda: BEGIN + 100)
    recording.read_new_lines()
    assert recording.span().end == BEGIN + 100


def test_an_empty_recording_spans_15_minutes(tmp_path: Path, record: Record) -> None:
    recording = record(tmp_path / "none.jsonl", live=True, now=lambda: BEGIN)
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
