"""Parks, islands and other places in nature."""

import csv
import json
from pathlib import Path

import h3
import pytest

from chalicelib.config.settings import ROOT
from database.maintain.gazetteer.nature import Feature, read_natural_earth, read_parks

PARKS = list(read_parks())


def test_every_park_is_in_its_country() -> None:
    with (ROOT / "database" / "cell_areas.csv").open(newline="") as file:
        areas = {row["cell"]: row["areas"].split() for row in csv.DictReader(file)}
    elsewhere = [
        park.names[0]
        for park in PARKS
        if park.country not in areas.get(h3.latlng_to_cell(park.latitude, park.longitude, 3), [])
    ]
    assert len(PARKS) > 800
    assert elsewhere == []


def test_every_park_is_listed_once_and_those_that_are_kept_warm_are_listed() -> None:
    listed = [(park.names[0], park.country) for park in PARKS]
    assert len(set(listed)) == len(listed)
    with (ROOT / "chalicelib" / "places.csv").open(newline="") as file:
        warm = [
            (float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(file) if row["kind"] == "park"
        ]
    assert set(warm) <= {(park.latitude, park.longitude) for park in PARKS}


def _square(west: float, south: float, size: float) -> list[list[list[float]]]:
    east, north = west + size, south + size
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _read(tmp_path: Path, name: str, kind: str, *polygons: list[list[list[float]]]) -> list[Feature]:
    geometry = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}  # type: ignore[dict-item]
    path = tmp_path / "regions.geojson"
    feature = {"properties": {"name": name, "featurecla": kind}, "geometry": geometry}
    path.write_text(json.dumps({"features": [feature]}))
    return list(read_natural_earth(path))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Sumba", ("Sumba",)),
        ("Madura I.", ("Madura Island",)),
        ("Solomon Isands", ("Solomon Islands",)),
        ("Corse", ("Corsica", "Corse", "Korsika", "Córcega")),
    ],
)
def test_names_are_written_in_full_and_in_other_languages(tmp_path: Path, name: str, names: tuple[str, ...]) -> None:
    (found,) = _read(tmp_path, name, "Island", _square(8, 42, 1))
    assert found == Feature(names, "island", "", 42.5, 8.5)


def test_a_group_of_islands_is_at_its_largest_and_wide_if_it_is_far_across(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, "Some Is.", "Island group", _square(0, 0, 1), _square(10, 0, 2))
    assert found == Feature(("Some Islands",), "islands", "", 1.0, 11.0, is_wide=True)


def test_islands_on_both_sides_of_the_antimeridian_are_not_wide(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, "Both", "Island group", _square(178.5, -17, 1), _square(-180, -17, 0.5))
    assert not found.is_wide


def test_a_bent_island_has_its_place_on_land(tmp_path: Path) -> None:
    # GIVEN an island like the letter U WHEN it is read THEN its place is in one of the arms
    bent = [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]]
    (found,) = _read(tmp_path, "Bent", "Island", bent)  # type: ignore[arg-type]
    assert (found.latitude, found.longitude) in [(1.5, 0.5), (1.5, 2.5)]


@pytest.mark.parametrize(("name", "kind"), [("Europe", "Continent"), ("Melanesia", "Island group")])
def test_what_is_too_large_for_a_place_is_left_out(tmp_path: Path, name: str, kind: str) -> None:
    assert _read(tmp_path, name, kind, _square(0, 0, 1)) == []
