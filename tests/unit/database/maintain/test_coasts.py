"""Coasts and borders for reports."""

import json
from pathlib import Path

import numpy as np
import pytest

from chalicelib.config.settings import ROOT
from database.maintain.__main__ import main
from database.maintain.coasts import UNITS, simplified
from tests.unit.database.maintain.test_world import topology, written


def test_borders_and_coasts_are_told_apart(tmp_path: Path) -> None:
    # GIVEN two countries with a border, each with a shore
    atlas = written(tmp_path, topology("Kenya", "Uganda"))
    assert main(["coasts", str(atlas), "--output", str(tmp_path / "coasts.json")]) == 0
    found = json.loads((tmp_path / "coasts.json").read_text())
    assert (len(found["coasts"]), len(found["borders"]), found["units_per_degree"]) == (2, 1, UNITS)


@pytest.mark.parametrize(("bend", "points"), [(0.05, 2), (0.5, 3)])
def test_only_bends_beyond_the_tolerance_stay(bend: float, points: int) -> None:
    line = np.array([[0.0, 0.0], [1.0, bend], [2.0, 0.0]])
    assert len(simplified(line, 0.07)) == points


def test_a_ring_keeps_its_shape() -> None:
    ring = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert len(simplified(ring, 0.07)) == 5


def test_the_file_of_the_report_is_small_and_names_its_source() -> None:
    path = ROOT / "cli" / "pages" / "coasts.json"
    assert path.stat().st_size < 60_000
    assert "Natural Earth" in json.loads(path.read_text())["source"]
