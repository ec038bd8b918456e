"""The command with the real model, as a process of its own or in this one."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from faunalens.cli.__main__ import run as run_command
from tests.stand_ins import packages  # noqa: F401  a fixture
from tests.support.pictures import encoded, noise

type Command = Callable[..., subprocess.Popen[str]]
type Run = Callable[..., subprocess.CompletedProcess[str]]


def photos_in(results: Path) -> dict[str, sqlite3.Row]:
    """Return the rows of a results file by path."""
    with closing(sqlite3.connect(results)) as connection:
        connection.row_factory = sqlite3.Row
        return {row["path"]: row for row in connection.execute("select * from photo")}


@pytest.fixture
def faunalens(cache_home: Path) -> Command:
    """Start `faunalens` with some arguments. `within`: a command that starts it."""

    def start(*arguments: object, within: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
        command = [*within, sys.executable, "-m", "faunalens.cli", *map(str, arguments)]
        env = {**os.environ, "XDG_CACHE_HOME": str(cache_home), **environment}
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def run(faunalens: Command) -> Run:
    """Run `faunalens` to its end."""

    def run_to_end(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        with faunalens(*arguments, **options) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run_to_end


@pytest.fixture
def here(cache_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `faunalens` in this process, several times as fast, where it does not matter that it starts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))

    def run_here(*arguments: object) -> subprocess.CompletedProcess[str]:
        code = run_command([*map(str, arguments)])
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess([*map(str, arguments)], code, out, err)

    return run_here


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory card with 60 photos in two folders, whose names repeat."""
    folder = tmp_path_factory.mktemp("card")
    for station in ("N", "S"):
        (folder / station).mkdir()
        for number in range(30):
            photo = encoded(noise(320, 240, seed=number), "JPEG", quality=80)
            (folder / station / f"IMG_{number:04}.JPG").write_bytes(photo)
    return folder
