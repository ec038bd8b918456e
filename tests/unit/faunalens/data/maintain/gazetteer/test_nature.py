"""Parks, islands and other places in nature."""

import json
from pathlib import Path
from typing import Any

import h3
import pytest

from chalicelib.config.settings import ROOT
from faunalens.data.dataset_files import FILES, read_rows
from faunalens.data.maintain.gazetteer.nature import Feature, read_natural_earth, read_parks

PARKS = list(read_parks())


def test_every_park_is_in_its_country_once_and_those_that_are_kept_warm_are_listed() -> None:
    areas = {row["cell"]: row["areas"].split() for row in read_rows(FILES["cell_areas"])}
    cells = {(park.names[0], park.country): h3.latlng_to_cell(park.latitude, park.longitude, 3) for park in PARKS}
    assert len(cells) == len(PARKS) > 800
    assert [park for park, cell in cells.items() if park[1] not in areas.get(cell, [])] == []
    places = [row for row in read_rows(ROOT / "chalicelib" / "places.csv") if row["kind"] == "park"]
    warm = {(float(row["latitude"]), float(row["longitude"])) for row in places}
    assert warm <= {(park.latitude, park.longitude) for park in PARKS}


def _square(west: float, south: float, size: float) -> list[list[list[float]]]:
    east, north = west + size, south + size
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


CORSICA = ("Corsica", "Corse", "Korsika", "Córcega")
BENT = [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]]


@pytest.mark.parametrize(
    ("name", "kind", "polygons", "expected"),
    [
        # names are written in full, and in other languages
        ("Madura I.", "Island", [_square(8, 42, 1)], Feature(("Madura Island",), "island", "", 42.5, 8.5)),
        ("Corse", "Island", [_square(8, 42, 1)], Feature(CORSICA, "island", "", 42.5, 8.5)),
        # a group of islands is at its largest, and wide if it is far across, but not by the antimeridian
        (
            "Some Is.",
            "Island group",
            [_square(0, 0, 1), _square(10, 0, 2)],
            Feature(("Some Islands",), "islands", "", 1.0, 11.0, is_wide=True),
        ),
        (
            "Both",
            "Island group",
            [_square(178.5, -17, 1), _square(-180, -17, 0.5)],
            Feature(("Both",), "islands", "", -16.5, 179.0),
        ),
        # an island like the letter U has its place in one of the arms
        ("Bent", "Island", [BENT], Feature(("Bent",), "island", "", 1.5, 0.5, is_wide=True)),
        # what is too large for a place is left out
        ("Europe", "Continent", [_square(0, 0, 1)], None),
        ("Melanesia", "Island group", [_square(0, 0, 1)], None),
    ],
)
def test_a_feature_is_a_place(tmp_path: Path, name: str, kind: str, polygons: list[Any], expected: Feature) -> None:
    geometry = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    feature = {"properties": {"name": name, "featurecla": kind}, "geometry": geometry}
    (tmp_path / "regions.geojson").write_text(json.dumps({"features": [feature]}))
    assert list(read_natural_earth(tmp_path / "regions.geojson")) == ([expected] if expected else [])
