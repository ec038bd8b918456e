"""The command for reviews: what it prints, and how it opens the page."""

import stat
from pathlib import Path

import numpy as np
import pytest

from chalicelib.features.cells import cell_of
from cli.__main__ import run
from cli.engines.local import CellFile, write_cells
from cli.results import ResultsFile
from cli.review.command import forwarding, inhabitants
from cli.review.server import ReviewServer
from cli.study.opinions import Observation
from cli.study.taxa import numbered
from database.cell_animals import ROW, Cell
from database.dataset import Dataset
from tests.support.studies import say, write_study


def test_what_lives_at_a_place_is_known_if_a_run_has_kept_it(tmp_path: Path) -> None:
    # GIVEN a cell with a fox and a relative
    animals, relatives = numbered()
    fox = next(number for number, latin in animals.items() if latin == "Vulpes vulpes")
    panda = next(number for number, latin in relatives.items() if latin == "Ailurus styani")
    cell = cell_of(-33.9, 151.2)
    rows = np.array([(cell, fox, 1.0, 1)], ROW)
    here = Cell(cell, coast=False, areas=("AU",), relatives=(panda,))
    write_cells(tmp_path / "cells.sqlite", Dataset("v1", cells=[here], cell_animals=[rows], unknown=[]))
    cells = CellFile(tmp_path / "cells.sqlite", "v1")
    assert set(inhabitants(cells, -33.9, 151.2)) == {"Vulpes vulpes", "Ailurus styani"}
    assert "Vulpes vulpes" not in inhabitants(cells, -1.2, 36.8)
    assert inhabitants(None, -33.9, 151.2) == []


def test_the_page_that_forwards_is_this_users_alone(tmp_path: Path) -> None:
    with forwarding("http://127.0.0.1:1/secret/", tmp_path) as page:
        assert "http://127.0.0.1:1/secret/" in page.read_text(encoding="utf-8")
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_a_browser_does_not_get_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a review that ends at once
    def interrupt(_: ReviewServer) -> None:
        raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(ReviewServer, "serve_forever", interrupt)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "the-secret")
    write_study(tmp_path / "study.db")
    run(["review", str(tmp_path / "study.db"), "--reviewer", "A"])
    # THEN the browser was given a file
    (address,) = opened
    assert address.startswith("file://")
    assert "the-secret" not in address


def test_the_agreement_of_reviewers_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a study that one person has reviewed
    write_study(tmp_path / "study.db")
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        for path in ("N/IMG_0001.JPG", "S/card/IMG_0001.JPG"):
            say(results, path)
    assert run(["review", str(tmp_path / "study.db"), "--agreement"]) == 0
    assert "--second" in capsys.readouterr().err
    # WHEN another one has too THEN it says how far they agree
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        say(results, "N/IMG_0001.JPG", reviewer="B. Other")
        say(results, "S/card/IMG_0001.JPG", Observation("blank"), reviewer="B. Other")
    assert run(["review", str(tmp_path / "study.db"), "--agreement"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["A.", "Person,", "B.", "Other", "2", "50%", "0.33"]
    assert lines[2] == "1 photo is named differently; see --disagreements"


def test_without_reviews_there_is_no_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path / "study.db")
    assert run(["review", str(tmp_path / "study.db"), "--precision"]) == 0
    assert capsys.readouterr() == ("", "faunalens: no photo has been reviewed yet\n")
