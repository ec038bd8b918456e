"""What `python -m web` needs with `INFERENCE=lambda`: only what its container has."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from web.results.results import LIFETIME, Results, list_corrections
from web.results.stores import FolderStore, Quota

PROGRAM = """
import sys
from web.__main__ import build_application
from web.server import relaying
from web.settings import WebSettings
import web.results.routes

relaying(build_application(), WebSettings.from_environment(), print, None)
absent = {"onnxruntime", "redis", "psycopg2", "h3", "chalice", "boto3", "aiohttp"}
print(*sorted(absent & {name.split(".")[0] for name in sys.modules}))
"""


def test_it_imports_neither_model_nor_stores_nor_chalice() -> None:
    environment = {"INFERENCE": "lambda", "IDENTIFY_FUNCTION": "f", "PHOTO_BUCKET": "b", "RESULTS_BUCKET": "r"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == ([], "", 0)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """Results in the folder that the settings name."""
    monkeypatch.setenv("RESULTS_FOLDER", str(tmp_path))
    return Results(FolderStore(tmp_path, LIFETIME.total_seconds(), Quota(10**9, 10**6)))


def test_the_latest_comes_first_and_formulas_are_inert(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN two corrections, one of which a spreadsheet would run
    for animal in ("lynx, I think", "=1+1"):
        answer = {"prediction": {"scientific_name": "Felis catus"}, "location": {"cell": "83be0efffffffff"}}
        receipt = results.keep(answer, lambda: None)
        results.correct(receipt.id, receipt.token, animal)
    # WHEN they are listed THEN each is a row
    file = io.StringIO()
    assert list_corrections(file) == 0
    header, last, first = csv.reader(io.StringIO(file.getvalue()))
    assert header == ["created", "result", "answered", "animal", "cell"]
    assert last[2:] == ["Felis catus", "'=1+1", "83be0efffffffff"]
    assert first[2:4] == ["Felis catus", "lynx, I think"]
    assert last[1] == f"/r/{receipt.id}"
    assert "2 corrections" in capsys.readouterr().err


def test_pictures_are_saved_to_compare_versions_on_them(results: Results, tmp_path: Path) -> None:
    # GIVEN a correction of a result with a picture, and one of a result without
    receipts = results.keep({"subject": "none"}, lambda: b"a picture"), results.keep({"subject": "none"}, lambda: None)
    for receipt in receipts:
        results.correct(receipt.id, receipt.token, "lynx")
    # WHEN they are listed with a folder THEN it has the picture by the id of its result
    assert list_corrections(io.StringIO(), pictures=tmp_path / "new" / "pictures") == 0
    (saved,) = (tmp_path / "new" / "pictures").iterdir()
    assert (results.find(saved.stem).has_picture, saved.read_bytes()) == (True, b"a picture")


def test_without_a_store_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("RESULTS_FOLDER", "RESULTS_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    assert list_corrections() == 1
    assert "set RESULTS_FOLDER or RESULTS_BUCKET" in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RESULTS_FOLDER", str(tmp_path / "file"))
    assert list_corrections() == 1
    assert "corrections cannot be listed" in capsys.readouterr().err
