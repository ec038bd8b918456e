"""The file of metrics that a run writes and the dashboards follow."""

import json
import stat
from contextlib import closing
from pathlib import Path

from chalicelib.telemetry.emf import Emitter
from cloudwatch.preview.recording import Tail
from local.stack.dev_stack import rotate
from tests.unit.chalicelib.telemetry.test_emf import FakeRecord


def test_the_follower_reads_every_record_across_rotations(tmp_path: Path) -> None:
    # GIVEN an app that writes metrics, and dashboards that follow them
    path, seen = tmp_path / "metrics.jsonl", list[str]()
    emitter = Emitter("faunalens", "test", path)
    with closing(Tail(path)) as tail:
        for number in range(50):
            # WHEN the file is rotated again and again, before and after it is read
            emitter.emit(FakeRecord(known={"request_id": f"r-{number}"}))
            if number % 3:
                seen += [json.loads(line)["request_id"] for line in tail.read_lines()]
            rotate(path, 500)
    # THEN no record is missing and none comes twice
    assert seen == [f"r-{number}" for number in range(50)]
    # AND there are two files of bounded size, which only this user may read
    files = sorted(tmp_path.iterdir())
    assert {each.name for each in files} <= {"metrics.jsonl", "metrics.jsonl.1"}
    for each in files:
        assert each.stat().st_size < 1500
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_a_small_file_and_a_missing_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    rotate(path, 3)
    path.write_text("abc")
    rotate(path, 3)
    assert [each.name for each in tmp_path.iterdir()] == ["metrics.jsonl"]
