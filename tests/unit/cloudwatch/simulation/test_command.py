"""The command that writes the simulated day to a file."""

from pathlib import Path

import pytest

from cloudwatch.simulation import schedule
from cloudwatch.simulation.command import main


def test_the_command_prints_what_it_wrote_and_how_to_preview_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a day of an hour
    monkeypatch.setattr(schedule, "MINUTES", 60)
    path = tmp_path / "day.jsonl"
    # WHEN it is written
    assert main(["--out", str(path)]) == 0
    printed = capsys.readouterr()
    assert f"python -m cloudwatch preview --file {path}" in printed.out
    assert "simulating a day: " in printed.err
    assert path.stat().st_size > 100_000


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none" / "day.jsonl"
    assert main(["--out", str(path)]) == 1
    assert f"{path} cannot be written: No such file or directory" in capsys.readouterr().err
