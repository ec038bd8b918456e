"""Recordings: reading new lines, and the time range."""

from pathlib import Path

import pytest

from dashboards.preview.recording import Recording
from tests.unit.dashboards.metric_lines import metric_line

BEGIN = 1_780_000_000.0


def line(moment: float) -> str:
    return metric_line(moment, {"M": 1.0}, {"a": "b"}, "N") + "\n"


@pytest.mark.parametrize("live", [False, True])
def test_it_ends_with_the_minute_of_its_last_line_or_live_now(tmp_path: Path, live: bool) -> None:
    # GIVEN a recording without lines THEN it spans 15 minutes
    path = tmp_path / "metrics.jsonl"
    recording = Recording(path, "a file", live=live, now=lambda: BEGIN + 100)
    assert recording.read_new_lines() == 0
    assert recording.span() == (BEGIN + 100 - 900, BEGIN + 100)
    # WHEN there are lines at the begin and 3 s later, in a minute that ends 20 s after the begin
    path.write_text(line(BEGIN) + line(BEGIN + 3))
    assert recording.read_new_lines() == 2
    assert recording.span() == (BEGIN, BEGIN + (100 if live else 20))


def test_its_file_may_grow_in_any_parts_and_be_truncated(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    recording = Recording(path, "a file", live=True)
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
