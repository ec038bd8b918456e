"""Recordings: reading new lines, and the time range."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.preview.recording import Recording, Tail
from cloudwatch.syntax.graphed_metrics import TimeSeries
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
def record(path: Path) -> Iterator[Record]:
    """Return a function that opens a recording of the file, or of another one; it is closed after the test."""
    with ExitStack() as stack:
        yield lambda of=path, **options: stack.enter_context(closing(Recording(of, "a file", **options)))


def test_it_continues_reading_where_it_stopped(path: Path, record: Record) -> None:
    recording = record()
    assert recording.read_new_lines() == 2
    with path.open("a") as file:
        file.write("not a metric line\n" + line(BEGIN + 5))
    assert recording.read_new_lines() == 3


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


def test_stretched_time_distances_grow_from_the_first_line_on(record: Record) -> None:
    # GIVEN lines 3 s apart, stretched 20 times
    recording = record(live=True, stretch=20, now=lambda: BEGIN + 4)
    recording.read_new_lines()
    # THEN they are a minute apart, and the current time moves by the same factor
    samples = recording.store.of(TimeSeries.of("N", "M", {"a": "b"}))
    assert samples is not None
    assert samples.columns()[0].tolist() == [BEGIN * 1e3, (BEGIN + 60) * 1e3]
    assert recording.span().end == BEGIN + 80


# The file


def test_new_lines_come_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    tail = Tail(path)
    # GIVEN a file that does not exist yet
    assert list(tail.read_lines()) == []
    with path.open("ab", buffering=0) as file:
        # WHEN lines are written, the last one in two parts
        file.write(b"one\ntwo\nthr")
        assert list(tail.read_lines()) == [b"one", b"two"]
        assert list(tail.read_lines()) == []
        file.write(b"ee\n")
    # THEN the unfinished line comes once it is complete
    assert list(tail.read_lines()) == [b"three"]
    tail.close()


def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    path.write_bytes(b"one\ntwo\nunfin")
    tail = Tail(path)
    assert list(tail.read_lines()) == [b"one", b"two"]
    path.write_bytes(b"new\n")
    assert list(tail.read_lines()) == [b"new"]
    tail.close()


def test_a_file_that_is_replaced_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    path.write_bytes(b"one\n")
    tail = Tail(path)
    assert list(tail.read_lines()) == [b"one"]
    # WHEN it is rotated with an unread line
    with path.open("ab") as file:
        file.write(b"two\nlost half")
    path.rename(tmp_path / "metrics.log.1")
    assert list(tail.read_lines()) == [b"two"]
    path.write_bytes(b"three\n")
    # THEN only the incomplete line is lost
    assert list(tail.read_lines()) == [b"three"]
    tail.close()


@given(st.binary(max_size=80), st.lists(st.integers(1, 30), max_size=8), st.integers(1, 9))
def test_however_it_grows_the_lines_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int], chunk: int
) -> None:
    path = tmp_path_factory.mktemp("tail") / "metrics.log"
    tail, got, rest = Tail(path, chunk), list[bytes](), content
    with path.open("ab", buffering=0) as file:
        for cut in [*cuts, len(content)]:
            file.write(rest[:cut])
            rest = rest[cut:]
            got += tail.read_lines()
    tail.close()
    assert got == content.split(b"\n")[:-1]
