"""Codes of grid cells, with the examples in the tests of GBIF's own functions."""

from math import cos, hypot, radians, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.data.maintain.occurrences.grids import GridCell, grid_cells

VADUZ, LIBERTY = (47.168611, 9.508333), (40.689167, -74.044444)


def apart(cell: GridCell, place: tuple[float, float]) -> float:
    """How far a place is from the centre of a cell, in metres."""
    return 111_320 * hypot(cell.lat - place[0], (cell.lon - place[1]) * cos(radians(place[0])))


@pytest.mark.parametrize(
    ("code", "place", "size"),
    [
        ("100kmE42N26", VADUZ, 100_000),
        ("250mE428350N267275", VADUZ, 250),
        ("1kmE3263N3572", (54.176, -6.349), 1000),
        ("CRS3035RES1000mN2672000E4283000", VADUZ, 1000),
        ("CRS3035RES100000mN-2800000E8700000", (-12.843056, 45.138333), 100_000),
        ("32UNC", (52.0, 10.0), 100_000),
        ("32UNC6864961510", (52.0, 10.0), 1),
        ("33TVL", (45.8631, 14.5367), 100_000),
        ("01CDN", (-79.0, -179.0), 100_000),
    ],
)
def test_codes_in_metres(code: str, place: tuple[float, float], size: int) -> None:
    # GIVEN a code that GBIF's function gives to a place
    cell = grid_cells([code])[code]
    # THEN the place is in a square of this size around its centre
    assert cell.metres == pytest.approx(size / sqrt(2))
    assert apart(cell, place) <= cell.metres * 1.03 + 1  # degrees are not as long everywhere


LON = 10 + 48 / 60 + 45.6 / 3600


@pytest.mark.parametrize(
    ("code", "place", "other", "size"),
    [
        # quarter degrees
        ("E010N52", (52.0, 10.8), "", 1),
        ("W009S51", (-52.0, -10.0), "", 1),
        ("E010S52ADA", (-52.3, 10.3), "", 1 / 8),
        ("E010N52CBCCBB", (52.3, 10.3), "", 1 / 64),
        # minutes and seconds, with another cell of the same grid, since such a code does not say how large its cell is
        ("E01045N5215", (52.3, LON), "E01000N5200", 900 / 3600),
        ("E0104730N521730", (52.3, LON), "E0104500N521500", 150 / 3600),
        ("W0104845S521800", (-52.3, -LON), "E0104846N521800", 1 / 3600),
    ],
)
def test_codes_in_degrees(code: str, place: tuple[float, float], other: str, size: float) -> None:
    cell = grid_cells([code, other])[code]
    assert abs(cell.lat - place[0]) <= size / 2 + 1e-9
    assert abs(cell.lon - place[1]) <= size / 2 + 1e-9
    assert cell.metres == pytest.approx(hypot(size, size * cos(radians(abs(cell.lat)))) / 2 * 111_320, rel=0.02)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("-258282526011250000", (52.0, 10.0)),
        ("5340766511074019041", LIBERTY),
        ("-6858282526168750000", (-58.28, -168.75)),
    ],
)
def test_codes_of_isea3h(code: str, place: tuple[float, float]) -> None:
    cell = grid_cells([code])[code]
    assert apart(cell, place) <= cell.metres * 1.1


def test_what_is_no_code_has_no_cell() -> None:
    codes = ",32U,nowhere,61UNC66,32UIC66,32UNC6,32UAA66,10kmE428,E010N52E,9958282526011250000"
    assert grid_cells(codes.split(",")) == {}


@given(st.lists(st.text("0123456789EWNSABCDUkmCRS-", max_size=20)))
def test_any_text_is_a_place_on_earth_or_none(codes: list[str]) -> None:
    for cell in grid_cells(codes).values():
        assert abs(cell.lat) <= 90
        assert abs(cell.lon) <= 180
        assert cell.metres > 0
