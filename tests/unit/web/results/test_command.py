"""`python -m web corrections` lists what people called wrong."""

import csv
import io
from pathlib import Path

import pytest

from web.results.command import list_corrections
from web.results.results import LIFETIME, Results
from web.results.stores import FolderStore


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """Results in the folder that the settings name."""
    monkeypatch.setenv("RESULTS_FOLDER", str(tmp_path))
    return Results(FolderStore(tmp_path, LIFETIME.total_seconds()))


def test_the_latest_comes_first_and_formulas_are_inert(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN two corrections, one of which a spreadsheet would run
    for animal in ("lynx, I think", "=1+1"):
        receipt = results.keep({"prediction": {"scientific_name": "Felis catus"}}, None)
        results.correct(receipt.id, receipt.token, animal)
    # WHEN they are listed THEN each is a row
    file = io.StringIO()
    assert list_corrections(file) == 0
    header, last, first = csv.reader(io.StringIO(file.getvalue()))
    assert header == ["created", "result", "answered", "animal"]
    assert (last[2:], first[2:]) == (["Felis catus", "'=1+1"], ["Felis catus", "lynx, I think"])
    assert last[1] == f"/r/{receipt.id}"
    assert "2 corrections" in capsys.readouterr().err


def test_without_a_store_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("RESULTS_FOLDER", "RESULTS_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    assert list_corrections() == 1
    assert "set RESULTS_FOLDER or RESULTS_BUCKET" in capsys.readouterr().err


@pytest.mark.usefixtures("results")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corrections").touch()
    assert list_corrections() == 1
    assert "corrections cannot be listed" in capsys.readouterr().err
