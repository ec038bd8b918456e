"""What the commands print of files that strangers have made."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from faunalens.data.command import run, say
from faunalens.data.dataset_files import DatasetError
from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.occurrence_findings import row_report
from faunalens.data.maintain.occurrences.tables import tables_in
from faunalens.data.maintain.occurrences.workspace import Workspace

EVIL = "\x1b]0;owned\x07\x9b31m\u202e"


def load(options: Namespace) -> int:
    with Workspace(options.work, Filters()) as workspace:
        workspace.read(tables_in(options.file), say)
        for line in row_report(workspace.counts()):
            say(line)
    raise DatasetError(f"no row of {options.file} counts")


@pytest.mark.parametrize(
    "text",
    [f"{EVIL}\tlat\n1\t2\n", f"species\tlat\tlon\nVulpes\t1\t2\t{EVIL}\n", f"{EVIL}"],
    ids=["columns", "a faulty row", "no table"],
)
def test_no_text_of_a_file_commands_the_terminal(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN occurrences whose name and text a terminal would obey
    file = tmp_path / f"{EVIL}.csv"
    file.write_text(text, encoding="utf-8")

    def parser(_: object) -> ArgumentParser:
        made = ArgumentParser()
        made.set_defaults(command=load, is_offline=True, file=file, work=tmp_path / "work")
        return made

    # WHEN they are read THEN the report and the error are inert
    assert run(parser, []) == 1
    said = capsys.readouterr()
    assert "owned" in said.out + said.err
    assert not [each for each in said.out + said.err if not (each.isprintable() or each in "\n\t")]
