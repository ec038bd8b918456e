"""What follows from outlines of the land: cells and countries, and the map of the world."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from h3.api import basic_int as h3
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.features.cells import cell_of, neighbours_of, parse_cell, text_of
from database.dataset_files import AREAS, FILES, DatasetError, read_rows
from database.maintain.__main__ import main
from database.maintain.world import Atlas, Polygon, cell_areas, read_atlas
from database.ranges.outlines import Points


def topology(*names: str) -> dict[str, Any]:
    """Two countries side by side: arc 0 is their border, arcs 1 and 2 their shores."""
    first, second = names
    return {
        "transform": {"scale": [0.5, 0.5], "translate": [10.0, 20.0]},
        "arcs": [[[0, 0], [0, 4]], [[0, 4], [-4, 0], [0, -4], [4, 0]], [[0, 0], [4, 0], [0, 4], [-4, 0]]],
        "objects": {
            "countries": {
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "properties": {"name": first}},
                    {"type": "MultiPolygon", "arcs": [[[~0, 2]]], "properties": {"name": second}},
                ]
            }
        },
    }


def written(folder: Path, content: object) -> Path:
    path = folder / "countries.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_arcs_are_unpacked_and_shared_ones_are_no_shore(tmp_path: Path) -> None:
    atlas = read_atlas(written(tmp_path, topology("Spain", "Portugal")))
    np.testing.assert_allclose(atlas.arcs[1], [(10, 22), (8, 22), (8, 20), (10, 20)])
    assert [(polygon.areas, polygon.arcs) for polygon in atlas.polygons] == [(("ES",), (0, 1)), (("PT",), (0, 2))]
    assert atlas.shores == {1, 2}


def test_parts_with_a_code_of_their_own_are_taken_apart(tmp_path: Path) -> None:
    # GIVEN a piece of France in South America
    content = topology("France", "Suriname")
    content["transform"]["translate"] = [-54.0, 3.0]
    # THEN it is French Guiana
    assert [polygon.areas for polygon in read_atlas(written(tmp_path, content)).polygons] == [("GF",), ("SR",)]


def test_disputed_places_have_every_claimant_or_none(tmp_path: Path) -> None:
    atlas = read_atlas(written(tmp_path, topology("Siachen Glacier", "Spratly Is.")))
    assert [polygon.areas for polygon in atlas.polygons] == [("IN", "PK"), ()]


def test_an_unknown_country_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"atlas_areas.csv has no row for Atlantis, Lemuria; add"):
        read_atlas(written(tmp_path, topology("Lemuria", "Atlantis")))


@pytest.mark.parametrize("content", [{}, [], {"transform": {}}, {"objects": {"countries": 1}}])
def test_anything_else_says_where_to_get_the_atlas(tmp_path: Path, content: object) -> None:
    with pytest.raises(DatasetError, match=r"not TopoJSON of countries .* world-atlas"):
        read_atlas(written(tmp_path, content))


ROWS = read_rows(FILES["cell_areas"])
TABLE = {parse_cell(row["cell"]): (set(row["areas"].split()), row["coast"] == "1") for row in ROWS}
OPEN_SEA: tuple[set[str], bool] = (set(), False)


# --- the committed table


@pytest.mark.parametrize(
    ("latitude", "longitude", "areas", "coast"),
    [
        (-23.70, 133.90, "AU", False),  # Alice Springs
        (48.58, 7.75, "DE FR", False),  # Strasbourg
        (41.88, -87.63, "US", False),  # Chicago: a lake is no sea
        (40.40, 49.87, "AZ", False),  # Baku: neither is the Caspian
        (-16.85, -179.97, "FJ", True),  # Taveuni, east of 180°
        (71.20, 179.90, "RU", True),  # Wrangel Island, on both sides of 180°
        (-90.00, 0.00, "AQ", False),  # the South Pole
        (-86.00, -179.99, "AQ", False),  # beside 180°
        (4.92, -52.30, "BR GF", True),  # Cayenne: not France
        (-21.10, 55.50, "RE", True),  # Réunion
        (78.22, 15.65, "SJ", True),  # Longyearbyen: not Norway
        (22.20, 113.55, "CN HK MO", True),  # Macau
        (36.14, -5.35, "ES GI MA", True),  # Gibraltar
        (-10.49, 105.63, "CX", True),  # Christmas Island
        (-9.20, -171.80, "TK", True),  # Tokelau: not New Zealand
        (-0.70, -90.40, "EC", True),  # Galápagos
        (35.18, 33.36, "CY TR", True),  # Nicosia, both sides of the line
        (44.95, 34.10, "RU UA", True),  # Simferopol: both who claim it
        (10.38, 114.36, "", True),  # Spratly Islands: no country's, since too many claim them
    ],
)
def test_places_are_in_every_country_that_touches_their_cell(
    latitude: float, longitude: float, areas: str, coast: bool
) -> None:
    assert TABLE[cell_of(latitude, longitude)] == (set(areas.split()), coast)


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(30, -40), (0, 0), (90, 0), (42, 51), (-45, -110)]
)  # Atlantic, Gulf of Guinea, North Pole, mid-Caspian, Pacific
def test_open_water_is_in_no_country_and_on_no_coast(latitude: float, longitude: float) -> None:
    assert TABLE.get(cell_of(latitude, longitude), OPEN_SEA) == OPEN_SEA


def test_the_table_knows_every_country_and_territory_that_animals_are_listed_for() -> None:
    listed = {row["area"] for row in read_rows(AREAS / "countries.csv")}
    assert set().union(*(areas for areas, _ in TABLE.values())) == listed


def test_the_table_is_sorted_and_holds_each_cell_once_in_its_usual_form() -> None:
    cells = [row["cell"] for row in ROWS]
    assert cells == sorted(set(cells))
    assert all(text_of(parse_cell(cell)) == cell for cell in cells)
    assert all(row["areas"].split() == sorted(set(row["areas"].split())) for row in ROWS)


# --- cells of outlines


def atlas_of(*outlines: tuple[str, Points]) -> Atlas:
    arcs = tuple(outline for _, outline in outlines)
    polygons = tuple(Polygon((area,), (number,)) for number, (area, _) in enumerate(outlines))
    return Atlas(arcs, polygons, frozenset(range(len(arcs))))


def wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def box(west: float, south: float, width: float, height: float) -> Points:
    """Return a country between two meridians and two parallels; longitudes from -180 to 180, as in the atlas."""
    steps = np.linspace(0, 1, 9)
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [
        (wrapped(west + width * (a[0] + (b[0] - a[0]) * s)), south + height * (a[1] + (b[1] - a[1]) * s))
        for a, b in pairwise(corners)
        for s in steps[:-1]
    ]
    return np.array([*ring, ring[0]])


@settings(max_examples=40)
@given(
    west=st.floats(-180, 180),
    south=st.floats(-80, 70),
    width=st.floats(0.05, 100),
    height=st.floats(0.05, 10),
    share=st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)),
)
def test_every_place_in_a_country_has_a_cell_with_that_country(
    west: float, south: float, width: float, height: float, share: tuple[float, float]
) -> None:
    # GIVEN a country anywhere, also across the antimeridian, and a place in it
    outline = box(west, south, width, height)
    place = south + height * share[1], wrapped(west + width * share[0])
    # WHEN the cells are computed THEN the place's cell has the country
    areas, _ = cell_areas(atlas_of(("XX", outline)))
    assert areas[cell_of(*place)] == {"XX"}


@settings(max_examples=40)
@given(west=st.floats(-180, 180), south=st.floats(-80, 70), width=st.floats(0.05, 100), height=st.floats(0.05, 10))
def test_no_cell_far_from_a_country_has_it(west: float, south: float, width: float, height: float) -> None:
    areas, _ = cell_areas(atlas_of(("XX", box(west, south, width, height))))
    # THEN each cell's centre is in the country, or within a cell's radius (100 km, as degrees) of it
    for cell in areas:
        latitude, longitude = h3.cell_to_latlng(cell)
        assert south - 1 < latitude < south + height + 1
        aside = 1 / np.cos(np.radians(min(abs(latitude) + 1, 89)))
        assert wrapped(longitude - west + aside + 180) + 180 <= width + 2 * aside or width + 2 * aside >= 360


def test_a_country_may_hold_the_south_pole() -> None:
    # GIVEN a ring once around at 70° south, as the atlas draws Antarctica: no edge along the map's border
    ring = np.array([(wrapped(longitude), -70.0) for longitude in range(0, 361, 5)])
    areas, coast = cell_areas(atlas_of(("AQ", ring)))
    # THEN all south of it is in, all north of it out, and only the ring is coast
    assert areas[cell_of(-90, 0)] == areas[cell_of(-71, 180)] == {"AQ"}
    assert cell_of(-60, 0) not in areas
    assert cell_of(-70, 33) in coast
    assert cell_of(-85, 33) not in coast


def test_a_hole_is_not_in_the_country_around_it() -> None:
    around, hole = box(20, -35, 15, 15), box(25, -30, 5, 5)
    atlas = Atlas((around, hole), (Polygon(("ZA",), (0, 1)), Polygon(("LS",), (1,))), frozenset({0}))
    areas, coast = cell_areas(atlas)
    # THEN the enclave's middle is its own, its border is both's, and no shore
    assert areas[cell_of(-27.5, 27.5)] == {"LS"}
    assert areas[cell_of(-30, 27.5)] == {"LS", "ZA"}
    assert areas[cell_of(-22, 22)] == {"ZA"}
    assert cell_of(-30, 27.5) not in coast


def test_the_sea_beside_a_shore_is_coast_in_no_country() -> None:
    areas, coast = cell_areas(atlas_of(("XX", box(-30, 0, 5, 5))))
    beside = {cell for cell in coast if cell not in areas}
    assert beside
    assert all(any(other in areas for other in neighbours_of(cell)) for cell in beside)


def test_the_command_writes_a_sorted_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an atlas of one island, about as large as Iceland
    atlas, output = tmp_path / "countries.json", tmp_path / "cells.csv"
    steps = [[-20, 64], [5, 0], [0, 2], [-5, 0], [0, -2]]
    geometry = {"type": "Polygon", "arcs": [[0]], "properties": {"name": "Iceland"}}
    topology = {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": [steps],
        "objects": {"countries": {"geometries": [geometry]}},
    }
    atlas.write_text(json.dumps(topology), encoding="utf-8")
    # WHEN run THEN the island's cells are its own, and the sea cells beside it are in no country
    assert main(["cell-areas", str(atlas), "--output", str(output)]) == 0
    header, *lines = output.read_text(encoding="utf-8").splitlines()
    assert header == "cell,areas,coast"
    assert lines == sorted(lines)
    assert f"{text_of(cell_of(65, -17.5))},IS,1" in lines
    assert {line.split(",")[1] for line in lines} == {"IS", ""}
    assert capsys.readouterr().out.startswith(f"{len(lines)} cells: ")


def test_the_command_names_a_file_that_is_no_atlas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a file of something else, and a missing one WHEN run THEN the command says so in one line
    (tmp_path / "other.json").write_text("{}")
    for name, message in (("other.json", "is not TopoJSON of countries"), ("missing.json", "No such file")):
        assert main(["cell-areas", str(tmp_path / name), "--output", str(tmp_path / "cells.csv")]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert message in error
        assert error.count("\n") == 1


MAP = ROOT / "chalicelib" / "world.svg"


def test_the_committed_map_is_made_from_the_land_on_the_page(tmp_path: Path) -> None:
    # WHEN the map is made again THEN it is the same
    outlines = str(ROOT / "web" / "page" / "src" / "world.json")
    assert main(["world-map", outlines, "--output", str(tmp_path / "world.svg")]) == 0
    assert (tmp_path / "world.svg").read_text() == MAP.read_text()
