"""The command for reviews: what it prints, and how it opens the page."""

import stat
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from chalicelib.location import cell_of
from faunalens.cli.__main__ import run
from faunalens.cli.review import inhabitants
from faunalens.data.cell_animals import ROW, Cell
from faunalens.data.dataset import Dataset
from faunalens.engines.local import CellFile, write_cells
from faunalens.review.server import ReviewServer
from faunalens.study.finding import Observation
from faunalens.study.results import ResultsFile
from faunalens.taxa.taxa import numbered
from tests.support.studies import say
from tests.unit.faunalens.conftest import Command


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


def test_a_private_file_has_the_pages_secret(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a review that ends at once
    opened: list[str] = []

    def open_page(address: str) -> None:
        page = Path(address.removeprefix("file://"))
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        opened.extend((address, page.read_text(encoding="utf-8")))

    monkeypatch.setattr("webbrowser.open", open_page)
    monkeypatch.setattr(ReviewServer, "serve_forever", Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "the-secret")
    run(["review", str(study), "--reviewer", "A"])
    assert ["the-secret" in each for each in opened] == [False, True]
    assert not list(study.parent.glob("review-*"))


def test_precision_and_agreement_are_printed(study: Path, command: Command) -> None:
    def printed(option: str) -> list[str]:
        return command("review", study, option).splitlines()

    assert printed("--precision") == ["faunalens: no photo has been reviewed yet"]
    # GIVEN a study that one person has reviewed
    lion, impala = "S/card/IMG_0001.JPG", "N/IMG_0001.JPG"
    with ResultsFile(study, write=True) as results:
        say(results, lion)
        say(results, impala)
    assert "--second" in printed("--agreement")[0]
    _, *rows, warning = printed("--precision")
    assert [each.split()[-4:] for each in rows] == [["100%", "21%", "to", "100%"]] * 2
    assert "no photo was drawn at random" in warning
    # WHEN another one has too THEN it says how far they agree
    with ResultsFile(study, write=True) as results:
        say(results, impala, reviewer="B. Other")
        say(results, lion, Observation("blank"), reviewer="B. Other")
    lines = printed("--agreement")
    assert lines[1].split() == ["A.", "Person,", "B.", "Other", "2", "50%", "0.33"]
    assert lines[2] == "1 photo is named differently; see --disagreements"
