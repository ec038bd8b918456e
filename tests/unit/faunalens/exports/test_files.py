"""Files of exports: whole or not at all; they replace what an earlier export of the study made, and nothing else."""

import errno
import os
from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.errors import CommandError, Exit
from faunalens.exports.files import table, whole


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "photos.csv"
    with whole(path) as partial:
        partial.write_text("first")

    def fail() -> None:
        with whole(path) as partial:
            partial.write_text("sec")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CommandError, match=r"photos.csv cannot be written \(No space left"):
        fail()
    assert [each.read_text() for each in path.parent.iterdir()] == ["first"]


def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    # GIVEN a link, and a pipe with a reader, as /dev/stdout may be
    (tmp_path / "there").mkdir()
    link, pipe = tmp_path / "photos.csv", tmp_path / "pipe"
    link.symlink_to("there/photos.csv")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # WHEN a table is written to them THEN it is in the file of the link, and the reader has it
    for path in (link, pipe):
        with table(path, ("path",)) as write:
            write({"path": "a.jpg"})
    found = ((tmp_path / "there" / "photos.csv").read_bytes(), os.read(reader, 100))
    os.close(reader)
    assert (found, link.is_symlink(), pipe.is_fifo()) == ((b"path\na.jpg\n",) * 2, True, True)


REFUSED = (
    "was not made by this study's exports, or was changed since; choose another name, or overwrite it with --force"
)


@pytest.mark.parametrize(
    "command", ["export --csv photos.csv", "export --camtrap-dp package", "report --html page.html", "tables tables"]
)
def test_files_of_others_stay_and_those_of_an_earlier_export_are_replaced(
    command: str, study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.parent)
    name, *options = command.split()
    target = Path(options[-1])

    def write(*more: str) -> int:
        return run([name, "study.db", *options, *more])

    # GIVEN a file, or a folder with one, that another program made
    if not target.suffix:
        target.mkdir()
        target /= "datapackage.json" if name == "export" else "README.md"
    target.write_text("mine")
    # WHEN the study is written there THEN that is refused, unless it is meant
    assert write() == Exit.FAILED
    assert REFUSED in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert write("--force") == Exit.DONE
    # THEN what came of it is replaced, also beside notes of others
    if target.parent.name:
        (target.parent / "NOTES.txt").write_text("mine")
    assert write() == Exit.DONE
    # WHEN somebody has edited it THEN it stays
    target.write_text("edited")
    assert write() == Exit.FAILED
    assert (target.read_text(), REFUSED in capsys.readouterr().err) == ("edited", True)


def test_a_study_that_is_moved_with_its_exports_knows_them(study: Path) -> None:
    assert run(["export", str(study), "--csv", str(study.parent / "photos.csv")]) == Exit.DONE
    moved = study.parent.rename(study.parent.with_name("moved"))
    assert run(["export", str(moved / "study.db"), "--csv", str(moved / "photos.csv")]) == Exit.DONE


@pytest.mark.parametrize("option", ["--csv", "--coco"])
def test_a_dash_is_standard_output(
    option: str, study: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an export to a file WHEN the same goes to standard output THEN it is the same, and nothing else is written
    monkeypatch.chdir(study.parent)
    assert run(["export", "study.db", option, "file"]) == Exit.DONE
    before = sorted(study.parent.iterdir())
    capsysbinary.readouterr()
    assert run(["export", "study.db", option, "-"]) == Exit.DONE
    assert capsysbinary.readouterr().out == Path("file").read_bytes()
    assert sorted(study.parent.iterdir()) == before
