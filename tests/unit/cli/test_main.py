"""What ends the command: each error is a line and a code, and no stack trace."""

import errno
import getpass
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
from cli.__main__ import run
from cli.errors import Exit
from cli.results import ResultsFile
from cli.study.opinions import Opinion
from cli.study.reviews import save
from tests.support.studies import IMPALA, answer, write_study


def test_a_full_disk_behind_the_output_is_said(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.echo", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    assert run(["status", str(study)]) == Exit.FAILED
    assert "what the command prints, cannot be read or written (No space left" in capsys.readouterr().err


def test_a_signal_that_sqlite_makes_an_error_of_is_no_fault(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an interrupt within a function that SQLite calls
    raised = sqlite3.OperationalError("user-defined function raised exception")
    monkeypatch.setattr(ResultsFile, "counts", Mock(side_effect=raised))
    stopped = Event()
    stopped.set()
    assert run(["status", str(study)], stopped) == Exit.INTERRUPTED
    assert capsys.readouterr().err.startswith("stopped; ")


def test_a_port_that_is_taken_is_said(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert run(["review", str(study), "--no-browser", "--port", port]) == Exit.FAILED
    assert f"the page cannot have port {port}" in capsys.readouterr().err


def test_a_command_starts_before_numpy_is_loaded() -> None:
    # GIVEN a process with nothing but the command, as for `--help`, `status` and the completion of a shell
    program = "import sys, cli.__main__; print(*sorted({'numpy', 'onnxruntime', 'h3', 'redis'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


OVERWRITTEN = "is the results file, and would be overwritten"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "{study}", "--csv", "{study}"), OVERWRITTEN),
        (("export", "{study}", "--dwca", "{study}"), OVERWRITTEN),
        (("report", "{study}", "--html", "{study}"), OVERWRITTEN),
        (("identify", "{study}", "--lat", "nan", "--lon", "1"), "'nan' is no number of degrees"),
        (("review", "{study}", "--no-browser"), "say with --reviewer who reviews"),
    ],
)
def test_a_mistake_is_said_and_changes_nothing(
    arguments: tuple[str, ...],
    said: str,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a user without a name
    monkeypatch.setattr(getpass, "getuser", Mock(side_effect=OSError("No username set in the environment")))
    before = study.read_bytes()
    assert run([each.format(study=study) for each in arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err
    assert study.read_bytes() == before


def test_names_stay_on_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a photo without an answer, whose name has a line break and a code that colours a terminal
    write_study(tmp_path / "study.db", [("N/a\nb\x1b[31mü.jpg", None, None)])
    assert run(["status", str(tmp_path / "study.db")]) == Exit.DONE
    assert "unreadable: N/a\\nb\\x1b[31mü.jpg: it is broken" in capsys.readouterr().out


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
        write_study(tmp_path / name, [(f"{EVIL}/{EVIL}.jpg", None, None)])
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
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words", ["faunalens identify ca", "faunalens batch submit --manifest ca", "faunalens report ca"]
)
def test_a_shell_completes_files(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FAUNALENS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "file,ca\n"


def test_status_says_what_the_results_hold_and_who_reads_them(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(study)]) == Exit.DONE
    line = "holds       paths, places, answers and reviews of photos; read by its owner alone"
    assert line in capsys.readouterr().out
    # GIVEN a file that was copied to a stick and back WHEN others may read it THEN it is said, with what to do
    study.chmod(0o644)
    assert run(["status", str(study)]) == Exit.DONE
    assert "read by others too: `chmod 600` stops that" in capsys.readouterr().out


def test_status_says_in_words_what_is_doubtful(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN photos on disk that a person has seen, of which one has no time
    for name in ("1", "2"):
        (tmp_path / f"{name}.JPG").touch()
    write_study(
        tmp_path / "study.db", [("1.JPG", "2026-05-02 06:00:00", answer(IMPALA)), ("2.JPG", None, answer(None))]
    )
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        results.describe(folder=tmp_path.as_posix())
        save(results, [1, 2], Opinion("A. Person", "2026-06-01T08:00:00+00:00"))
    # WHEN the status is asked for THEN each line has a number of something, or says what to check
    assert run(["status", str(tmp_path / "study.db")]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert "reviewed          2 by A. Person" in lines
    assert [line for line in lines if line.startswith("check")] == [
        "check       1 photo has no time in EXIF: each is an event of its own",
        "check       2 photos are in no deployment",
    ]
    # THEN without its folder, that is said
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        results.describe(folder=(tmp_path / "none").as_posix())
    assert run(["status", str(tmp_path / "study.db")]) == Exit.DONE
    assert "check       the folder is not there; is its disk connected?" in capsys.readouterr().out
