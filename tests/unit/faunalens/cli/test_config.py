"""Defaults of options in faunalens.toml."""

import csv
from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.cli.config import NAME
from faunalens.errors import Exit
from tests.support.studies import PHOTOS, write_study
from tests.unit.faunalens.conftest import Command


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up study in a folder, and another one as working directory."""
    for name in ("study", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    write_study(tmp_path / "study" / "study.db", [each for each in PHOTOS if each[1]])
    return tmp_path / "study" / "study.db"


def events(results: Path, *options: str) -> int:
    """Export the photos of a study, and return the number of events."""
    assert run(["export", str(results), "--csv", "photos.csv", *options]) == Exit.DONE
    with Path("photos.csv").open(encoding="utf-8", newline="") as file:
        return len({row["event"] for row in csv.DictReader(file)})


def test_a_file_beside_the_study_or_else_here_gives_defaults_and_the_command_line_wins(results: Path) -> None:
    assert events(results) == 3
    Path(NAME).write_text("event-gap = 3600\n")
    assert events(results) == 2
    assert events(results, "--event-gap", "60") == 3
    results.with_name(NAME).write_text("")
    assert events(results) == 3
    results.with_name(NAME).write_text("event-gap = 3600\n")
    assert events(results) == 2


def test_the_study_itself_can_be_a_default_and_paths_are_the_files(
    results: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    # GIVEN a file that names the study and a log beside it WHEN the command is run in that folder, or from elsewhere
    results.with_name(NAME).write_text('results = "study.db"\nlog = "run.log"\n')
    monkeypatch.chdir(results.parent)
    there = command("status")
    monkeypatch.chdir(results.parents[1] / "elsewhere")
    # THEN both mean the same
    assert command("status", results) == there
    assert results.with_name("run.log").read_text(encoding="utf-8").count("faunalens status began") == 2


FAULTS = {
    "event_gap = 1": "has the unknown key 'event_gap'; known are again, ",
    "[report]\nboxes = true": "has the section [report]; write its options without one",
    "yes = true": "has the unknown key 'yes'",
    "event-gap = ": "cannot be read as TOML",
}


def test_what_is_wrong_is_an_error_of_the_file(results: Path, command: Command) -> None:
    for text, said in FAULTS.items():
        results.with_name(NAME).write_text(text)
        assert said in command("status", results, code=Exit.FAILED)
        command("--no-defaults", "status", results)
    results.with_name(NAME).write_text('event-gap = "soon"\n')
    said = command("export", results, "--csv", "-", code=Exit.USAGE).replace("\n", " ")
    assert "Invalid value for '--event-gap': 'soon' is not a valid integer range. (set in faunalens.toml)" in said


def test_the_help_and_config_show_the_defaults(results: Path, command: Command) -> None:
    results.with_name(NAME).write_text('event-gap = 77\nstage = "dev"\n')
    assert "[default: 77" in command("export", results, "--help")
    first, *lines = command("config", results).splitlines()
    assert first == f"defaults from {results.with_name(NAME)}"
    assert "event-gap = 77   for copy, export, report, review, tables" in lines
    assert "stage = dev   for batch results, batch status, batch submit" in lines
    assert command("config").startswith(f"there is no {NAME} beside the study or in ")
