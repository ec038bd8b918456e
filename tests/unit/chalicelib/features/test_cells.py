"""Cells: every place has one, its text comes back as the same cell, its centre is not the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features import cells


def test_a_known_place_is_in_its_known_cell() -> None:
    # GIVEN Sydney; THEN its H3 cell at resolution 3 is the published one
    assert cells.text_of(cells.cell_of(-33.8688, 151.2093)) == "83be0efffffffff"


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_has_a_cell_whose_text_parses_to_it(latitude: float, longitude: float) -> None:
    cell = cells.cell_of(latitude, longitude)
    assert cells.parse_cell(cells.text_of(cell)) == cell
    assert 0 < cell < 2**63  # fits a bigint
    # AND a rounded centre, which tells no place of it from another
    center = cells.center_of(cell)
    assert center == (round(center[0], 1), round(center[1], 1))
    assert cells.cell_of(*center) == cell
    # AND neighbours, which have it as theirs
    neighbours = cells.neighbours_of(cell)
    assert len(neighbours) in (5, 6)
    assert cell not in neighbours
    assert all(cell in cells.neighbours_of(neighbour) for neighbour in neighbours)


@pytest.mark.parametrize("text", ["", "koala", "83be0effffffff", "84be0efffffffff", "ffffffffffffffff", "f" * 40, "-1"])
def test_what_is_no_cell_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an H3 cell"):
        cells.parse_cell(text)
