"""`--log FILE`: what a command did, with times."""

import re
from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from faunalens.log import LOG

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
    assert len(LOG.handlers) == 1


def test_no_log_ends_up_in_the_results_or_nowhere(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = study.read_bytes()
    for log, said in (("study.db", "is a results file"), ("none/run.log", "cannot be written (No such file")):
        assert run(["status", str(study), "--log", str(study.parent / log)]) == Exit.USAGE
        assert said in capsys.readouterr().err
    assert study.read_bytes() == before
