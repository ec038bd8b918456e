"""What ends the command: each error is a line and a code, and no stack trace."""

import errno
import getpass
import io
import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from threading import Event
from unittest.mock import Mock

import pytest

from chalicelib.config.settings import ROOT
from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from faunalens.study.results import ResultsFile
from tests.support.pictures import jpeg
from tests.support.studies import IMPALA, answer, say, write_study
from tests.unit.faunalens.conftest import Command


def test_a_full_disk_is_said_and_a_signal_that_sqlite_makes_an_error_of_is_no_fault(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a full disk behind the output, and an interrupt within a function that SQLite calls
    with monkeypatch.context() as patch:
        patch.setattr("click.echo", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        assert run(["status", str(study)]) == Exit.FAILED
    assert "prints, cannot be read or written (No space left on device); run the same" in capsys.readouterr().err
    raised = sqlite3.OperationalError("user-defined function raised exception")
    monkeypatch.setattr(ResultsFile, "counts", Mock(side_effect=raised))
    stopped = Event()
    assert run(["status", str(study)], stopped) == Exit.FAILED
    assert "is the disk full?" in capsys.readouterr().err
    stopped.set()
    assert run(["status", str(study)], stopped) == Exit.INTERRUPTED
    assert capsys.readouterr().err.splitlines()[-1].startswith("stopped; ")


def test_a_port_that_is_taken_is_said(study: Path, command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = command("review", study, "--no-browser", "--port", port, code=Exit.FAILED)
    assert f"the page cannot use port {port}" in said


def test_a_command_starts_before_numpy_is_loaded() -> None:
    # GIVEN a process with nothing but the command, as for `--help`, `status` and the completion of a shell
    heavy = {"numpy", "onnxruntime", "h3", "redis"}
    program = f"import sys, faunalens.cli.__main__; print(*sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


HOLDS = "holds       paths, places, answers and reviews of photos; read by"
OVERWRITTEN = "is the results file, and would be overwritten"
ONE_FILE = "two formats have the same file"
SUBMIT = "batch submit s3://bucket/batches/ --results new.db"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--version", Exit.DONE, ""),
        ("completion bash", Exit.DONE, ""),
        ("identify", Exit.USAGE, "Missing argument"),
        ("identify .", Exit.USAGE, "a folder needs --results FILE"),
        ("identify none.jpg", Exit.FAILED, "there is no file or folder"),
        ("identify a.jpg --lat 1", Exit.USAGE, "only one of --lat and --lon"),
        ("identify a.jpg --lat 1 --lon nan", Exit.USAGE, "'nan' is not a number of degrees"),
        ("identify a.jpg --lat nan --lon 1", Exit.USAGE, "'nan' is not a number of degrees"),
        ("identify a.jpg --shift soon", Exit.USAGE, "is not a correction of a clock"),
        (
            "identify a.jpg --url https://example.org --engine speciesnet",
            Exit.USAGE,
            "--url contradicts --local, --eng",
        ),
        ("identify a.jpg --weights MDV5B", Exit.USAGE, "--weights needs an --engine of another project"),
        (f"{SUBMIT} --inventory s3://lists/manifest.json --manifest a.csv", Exit.USAGE, "--inventory contradicts"),
        (f"{SUBMIT} --lat 1", Exit.USAGE, "only one of --lat and --lon"),
        ("status none.db", Exit.FAILED, "there is no results file"),
        ("export study.db", Exit.USAGE, "no format is named"),
        ("export study.db --csv photos --coco ./photos", Exit.USAGE, ONE_FILE),
        ("export study.db --csv - --coco -", Exit.USAGE, ONE_FILE),
        ("export study.db --csv study.db --force", Exit.USAGE, OVERWRITTEN),
        ("export study.db --dwca study.db", Exit.USAGE, OVERWRITTEN),
        ("report study.db --html study.db", Exit.USAGE, OVERWRITTEN),
        ("review study.db --no-browser", Exit.USAGE, "say with --reviewer who reviews"),
        ("train --pack packs", Exit.USAGE, "no labels; give LABELS"),
        ("train . --pack packs --name Mine", Exit.USAGE, "expected lower-case letters, digits and underscores"),
        ("train . --pack packs --deployments none.csv", Exit.USAGE, "does not exist"),
        ("train . --pack packs --area Kenya", Exit.USAGE, "write KE"),
    ],
)
def test_a_mistake_is_said_and_changes_nothing(
    arguments: str, code: Exit, said: str, study: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    # GIVEN a user without a name, in a folder with a photo and a study
    monkeypatch.setattr(getpass, "getuser", Mock(side_effect=OSError("No username set in the environment")))
    monkeypatch.chdir(study.parent)
    Path("a.jpg").write_bytes(jpeg())
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert said in command(*arguments.split(), code=code)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


EVIL = "\x1b]0;owned\x07\x9b31m\u202egpj.exe"
"""A name that sets a terminal's title and colour, and turns the text after it around."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", f"{EVIL}.db"),
        ("status", "study.db"),
        ("status", "study.db", "--json"),
        ("identify", EVIL),
        ("export", "study.db", "--csv", f"{EVIL}.csv"),
        ("import", "study.db", "labels.csv"),
        ("merge", f"{EVIL}-1.db", "study.db", "--into", "all.db"),
        ("review", "study.db", "--agreement"),
        ("config",),
        ("prune", "study.db", "--yes"),
    ],
    ids=" ".join,
)
def test_no_name_of_a_stranger_commands_the_terminal_or_the_log(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN names of files, folders and animals, and defaults, which a terminal would obey
    monkeypatch.chdir(tmp_path)
    for name in ("study.db", f"{EVIL}-1.db"):
        write_study(tmp_path / name, [(f"{EVIL}/{EVIL}\nü.jpg", None, None)])
        with ResultsFile(tmp_path / name, write=True) as kept:
            kept.describe(folder=str(tmp_path / EVIL))
    (tmp_path / "labels.csv").write_text(f"File,Folder,{EVIL}\n{EVIL}.jpg,{EVIL},{EVIL}\n", encoding="utf-8")
    is_of_defaults = arguments == ("config",)
    if is_of_defaults:
        (tmp_path / "faunalens.toml").write_text("title = " + json.dumps(EVIL.replace("\x07", "")), encoding="utf-8")
    # WHEN a command names them
    run([*arguments, "--log", "run.log"])
    said = capsys.readouterr()
    # THEN nothing that is printed or logged has a character that a terminal obeys, and the log has whole lines
    log = "" if is_of_defaults else (tmp_path / "run.log").read_text(encoding="utf-8")
    for text in (said.out, said.err, log):
        assert not [each for each in text if not (each.isprintable() or each in "\n\t")]
        assert "\nü.jpg" not in text
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", ["identify ca", "batch submit --manifest ca", "report ca"])
def test_a_shell_completes_files(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FAUNALENS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"faunalens {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "file,ca\n"


def test_status_says_in_words_what_is_doubtful(tmp_path: Path, command: Command) -> None:
    study = tmp_path / "study.db"
    # GIVEN photos on disk that a person has seen, of which one has no time
    photos = [("1.JPG", "2026-05-02 06:00:00", answer(IMPALA)), ("2.JPG", None, answer(None))]
    write_study(tmp_path / "study.db", photos)
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        results.describe(folder=tmp_path.as_posix())
        for name, *_ in photos:
            (tmp_path / name).touch()
            say(results, name)
    # WHEN the status is asked for THEN each line has a number of something, or says what to check
    lines = command("status", study).splitlines()
    assert {"reviewed          2 by A. Person", f"{HOLDS} its owner alone"} <= {*lines}
    assert [line for line in lines if line.startswith("check")] == [
        "check       1 photo has no time in EXIF: each is an event of its own",
        "check       2 photos are in no deployment",
    ]
    # GIVEN a file that was copied to a stick and back, without the photos THEN both are said, with what to do
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        results.describe(folder=(tmp_path / "none").as_posix())
    (tmp_path / "study.db").chmod(0o644)
    absent = "check       the folder is not there; is its disk connected?"
    assert {absent, f"{HOLDS} others too: `chmod 600` stops that"} <= {*command("status", study).splitlines()}


def test_prune_names_the_photos_whose_reviews_would_go(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN photos that are gone from the disk but for one, the last two reviewed, one of these a copy of what is there
    photos = [(f"{name}.JPG", None, answer(IMPALA)) for name in (*range(20), "A/b", "b")]
    write_study(tmp_path / "study.db", photos)
    (tmp_path / "b.JPG").touch()
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        results.describe(folder=tmp_path.as_posix())
        for path in ("19.JPG", "A/b.JPG"):
            say(results, path)
        with results.transaction() as connection:
            connection.execute("update photo set checksum = null")
    # WHEN they are to be taken out THEN the question counts both, and names whose reviews nothing keeps
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    said = command("prune", tmp_path / "study.db", code=Exit.INTERRUPTED)
    question = f"21 photos are gone from {tmp_path}, of 22; the reviews of 1 of them will be deleted. Take out?"
    assert question in said
    assert next(line for line in said.splitlines() if "review" in line) == "  19.JPG: its reviews will be deleted"
