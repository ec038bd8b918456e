"""Files of exports: whole or not at all; they replace what an earlier export of the study made, and nothing else."""

import errno
import os
from pathlib import Path

import pytest

from cli.__main__ import run
from cli.errors import CommandError, Exit
from cli.exports.files import table, whole


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "photos.csv"
    with whole(path) as partial:
        partial.write_text("first")
    with pytest.raises(ZeroDivisionError):
        _fail(path, ZeroDivisionError())
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "photos.csv"
    link.symlink_to("there/photos.csv")
    with whole(link) as partial:
        partial.write_text("text")
    assert link.is_symlink()
    assert (tmp_path / "there" / "photos.csv").read_text() == "text"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    # GIVEN a pipe with a reader, as /dev/stdout may be
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # WHEN a table is written to it
    with table(pipe, ("path",)) as write:
        write({"path": "a.jpg"})
    # THEN the reader has it, and the pipe is still one
    assert os.read(reader, 100) == b"path\na.jpg\n"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"photos.csv cannot be written \(No space left"):
        _fail(tmp_path / "photos.csv", OSError(errno.ENOSPC, "No space left on device"))


def _fail(path: Path, error: Exception) -> None:
    with whole(path) as partial:
        partial.write_text("sec")
        raise error


FORMATS = ("csv", "camtrap-dp", "megadetector", "coco", "dwca")


def export(study: Path, option: str, *more: object) -> int:
    """Export to a file or folder that is named like the format. Untimed photos warn."""
    return run(["export", str(study), f"--{option}", str(study.parent / option), *map(str, more)])


@pytest.mark.parametrize("option", FORMATS)
def test_files_of_others_stay_and_an_export_of_the_study_is_replaced(
    option: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a file, or a folder with one, that another program made
    target = study.parent / option
    if option == "camtrap-dp":
        target.mkdir()
        target /= "datapackage.json"
    target.write_text("mine")
    # WHEN the study is exported there THEN it is refused, unless that is meant
    assert export(study, option) == Exit.FAILED
    assert "made by this study's exports; choose another name, or overwrite it with --force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert export(study, option, "--force") == Exit.DONE
    assert target.read_bytes() != b"mine"
    # THEN what came of it is replaced
    assert export(study, option) == Exit.DONE


def test_what_was_edited_since_stays(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an export in which somebody has corrected a name
    assert export(study, "csv") == Exit.DONE
    table = study.parent / "csv"
    table.write_text(table.read_text(encoding="utf-8").replace("impala", "Impala!"), encoding="utf-8")
    # WHEN the study is exported again THEN the correction stays
    assert export(study, "csv") == Exit.FAILED
    assert "csv was changed since it was exported" in capsys.readouterr().err
    assert "Impala!" in table.read_text(encoding="utf-8")


def test_notes_beside_an_export_are_no_hindrance(study: Path) -> None:
    assert export(study, "camtrap-dp") == Exit.DONE
    (study.parent / "camtrap-dp" / "NOTES.txt").write_text("mine")
    assert export(study, "camtrap-dp") == Exit.DONE
    assert (study.parent / "camtrap-dp" / "NOTES.txt").read_text() == "mine"


def test_a_study_that_is_moved_with_its_exports_knows_them(study: Path) -> None:
    assert export(study, "csv") == Exit.DONE
    moved = study.parent.rename(study.parent.with_name("moved"))
    assert export(moved / "study.db", "csv") == Exit.DONE


@pytest.mark.parametrize("command", [("report", "--html", "report.html"), ("tables", "tables")])
def test_reports_and_tables_do_alike(command: tuple[str, ...], study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, *rest = command
    target = study.parent / rest[-1]
    arguments = [name, str(study), *rest[:-1], str(target)]
    assert [run(arguments), run(arguments)] == [Exit.DONE, Exit.DONE]
    file = target / "README.md" if target.is_dir() else target
    file.write_text("mine")
    assert run(arguments) == Exit.FAILED
    assert "was changed since it was exported" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["csv", "megadetector", "coco"])
def test_a_dash_is_standard_output(
    option: str, study: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an export to a file WHEN the same goes to standard output THEN it is the same, and nothing else is written
    monkeypatch.chdir(study.parent)
    assert export(study, option) == Exit.DONE
    before = sorted(study.parent.iterdir())
    capsysbinary.readouterr()
    assert run(["export", str(study), f"--{option}", "-"]) == Exit.DONE
    printed = capsysbinary.readouterr().out.splitlines()
    written = (study.parent / option).read_bytes().splitlines()
    assert [each for each in printed if b"time" not in each] == [each for each in written if b"time" not in each]
    assert sorted(study.parent.iterdir()) == before
