"""The lists of places that the page searches, and their text."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import h3
import pytest

from chalicelib.config.settings import ROOT
from faunalens.data.dataset_files import FILES, read_rows
from faunalens.data.maintain.__main__ import main
from faunalens.data.maintain.gazetteer.listing import (
    EXONYMS,
    Feature,
    Town,
    alternates,
    encode,
    listing,
    notable,
    read_natural_earth,
    read_parks,
    read_region_names,
    read_regions,
    with_countries,
)

LISTS = [ROOT / "faunalens" / "web" / "page" / "src" / name for name in ("places.txt", "places-more.txt")]


def test_places_stand_below_their_country_region_and_kind() -> None:
    # GIVEN towns of two countries, and a park and a wide range of mountains
    vienna = Town(("Vienna", "Wien"), "AT", "09", 48.21, 16.37, 1_691_468)
    graz = Town(("Graz",), "AT", "06", 47.07, 15.45, 222_326)
    springfield = Town(("Springfield",), "US", "IL", 39.80, -89.64, 114_394)
    park = Feature(("Donau-Auen National Park",), "park", "AT", 48.1, 16.7)
    alps = Feature(("Alps", "Alpen"), "mountains", "", 45.9, 7.3, is_wide=True)
    regions = {"AT.09": "Vienna", "AT.06": "Styria", "US.IL": "Illinois|IL"}
    # WHEN they are listed
    assert encode(-17998321) == "`~oia@"  # of developers.google.com/maps/documentation/utilities/polylinealgorithm
    text = listing([graz, springfield, vienna], [park, alps], regions)
    # THEN each group has its heading, the first place its numbers
    position = encode(471) + encode(154) + encode(18)
    lines = text.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        *["=", "+mountains", "~Alps|Alpen"],
        *["=AT", "-Styria", "Graz", "-Vienna", "Vienna|Wien", "+park", "Donau-Auen National Park"],
        *["=US", "-Illinois|IL", "Springfield"],
    ]
    assert f"Graz\t{position}" in lines
    # AND towns of a region follow by size, as differences
    towns = [Town((name,), "XX", "1", 10 + i, 20 - i, 2**17 >> i) for i, name in enumerate("AB")]
    assert listing(reversed(towns), [], {}).splitlines()[-1] == f"B\t{encode(10)}{encode(-10)}{encode(-1)}"


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_committed_lists_are_as_the_page_reads_them(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    places = [line for line in lines if "\t" in line]
    assert len(places) > 20_000
    assert all(line[0] in "=-+" for line in lines if "\t" not in line)
    assert all(line.count("\t") == 1 and not line.startswith(("=", "-", "+")) for line in places)
    # AND regions have the names of the table
    headings = {line.removeprefix("-") for line in lines if line.startswith("-")}
    named = {"|".join([region, *names]) for (region, _), names in read_region_names().items()}
    listed = {each for each in named if any(heading.startswith(each) for heading in headings)}
    assert len(listed) > len(named) - 5  # those without a town of this size
    # AND no heading is empty of places
    assert not any(before[0] in "-+" and "\t" not in before and "\t" not in after for before, after in pairwise(lines))


VIENNA = "Vienna|Wien;de|Viena;es|Vienne;fr|维也纳;zh"


def test_both_lists_are_written(tmp_path: Path) -> None:
    # GIVEN small sources: a city, a part of it with a number, and a suburb and a hamlet beside it, not by size
    row = {"countrycode": "AT", "admin1code": "09", "latitude": 48.2, "longitude": 16.4, "alternatenames": []}
    named = [("Suburb", 20_000), ("City", 1_000_000), ("City 8", 90_000), ("Hamlet", 600)]
    towns = {str(i): row | {"name": name, "population": size} for i, (name, size) in enumerate(named)}
    outline = {"type": "Polygon", "coordinates": [[[16, 48], [17, 48], [17, 49], [16, 48]]]}
    island = {"properties": {"name": "Isle", "featurecla": "Island"}, "geometry": outline}
    regions = [{"code": "AT.09", "name": "Vienna"}, {"code": "US.IL", "name": "Illinois"}]
    regions += [{"code": "AU.07", "name": "Victoria"}, {"code": "FR.52", "name": "Pays de la Loire"}]
    sources = {"towns": towns, "regions": regions, "nature": {"features": [island]}}
    paths = []
    for name, content in sources.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(content))
    # WHEN the command runs
    assert main(["gazetteer", *map(str, paths), "--output", str(tmp_path)]) == 0
    # THEN the first list has the city and what lies in nature, and the longer one the suburb
    first, more = ((tmp_path / name).read_text(encoding="utf-8") for name in ("places.txt", "places-more.txt"))
    assert "\nCity\t" in first
    assert "\nIsle\t" in first
    assert "\nSerengeti National Park\t" in first
    assert [line.split("\t")[0] for line in more.splitlines()] == ["=AT", f"-{VIENNA}", "Suburb"]
    # AND regions have the abbreviations that people write
    own = ["Illinois|伊利诺伊;zh|IL", "Victoria|维多利亚;zh|VIC", "Pays de la Loire"]
    assert [*read_regions(paths[1]).values()] == [VIENNA, *own]


def test_a_place_in_nature_is_in_the_country_of_the_nearest_town_if_it_is_not_large_or_remote() -> None:
    towns = [Town(("Palma",), "ES", "07", 39.57, 2.65, 400_000), Town(("Algiers",), "DZ", "01", 36.75, 3.04, 3_000_000)]
    near, remote = Feature(("Cabrera",), "island", "", 39.1, 2.9), Feature(("Tristan",), "island", "", -37.1, -12.3)
    wide = Feature(("Atlas",), "mountains", "", 36.5, 3.0, is_wide=True)
    assert [each.country for each in with_countries([near, remote, wide], towns)] == ["ES", "", ""]


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


def _town(name: str, latitude: float, longitude: float, population: int) -> Town:
    return Town((name,), "XX", "01", latitude, longitude, population)


def test_small_towns_are_listed_where_no_larger_one_is_near() -> None:
    # GIVEN a city, its suburb, a large suburb, and two villages far from it, one of which is larger
    city, suburb, large = _town("C", 50, 8, 500_000), _town("S", 50.1, 8, 9_000), _town("L", 50, 8.1, 60_000)
    village, hamlet = _town("V", 52, 8, 900), _town("H", 52, 8.1, 600)
    # WHEN the notable ones are chosen THEN there is one for each neighbourhood, and all that are large
    assert list(notable([city, large, suburb, village, hamlet], 50_000, 30)) == [city, large, village]

    # AND neighbours are found across the antimeridian and near the pole
    east, west = _town("E", 66, 179.99, 900), _town("W", 66, -179.99, 800)
    polar, other = _town("P", 82.5, -62, 700), _town("O", 82.5, -60, 600)
    assert list(notable([east, west, polar, other], 50_000, 40)) == [east, polar]


@pytest.mark.parametrize(
    ("name", "others", "country", "population", "expected"),
    [
        # European names count where GeoNames has them too, and no spelling of other languages
        ("Munich", ["MUC", "Munih", "München", "Múnich"], "DE", 1_505_005, ["München", "Múnich"]),
        # other scripts are those of the country, or Chinese
        ("Moscow", ["Moskva", "Москва"], "RU", 10_000_000, ["Moskva", "Москва"]),
        ("Kirov", ["Киров", "基洛夫"], "RU", 450_000, ["Киров"]),  # known, but not in China
        ("Lyon", ["里昂", "Лион"], "FR", 522_000, ["里昂"]),  # well known, but in no script of its own
        ("Ruili", ["瑞丽", "瑞麗", "瑞丽市"], "CN", 20_000, ["瑞丽", "瑞麗"]),  # a form that begins alike is left out
        ("Springfield", ["Спрингфилд", "SPI"], "US", 114_394, []),
    ],
)
def test_the_other_names_of_a_town_are_those_that_people_look_for(
    name: str, others: list[str], country: str, population: int, expected: list[str]
) -> None:
    assert alternates(name, others, country, population) == expected


def test_names_of_regions_are_marked_with_the_languages_that_use_them() -> None:
    names = read_region_names()
    assert names["Tyrol", "AT"] == ("Tirol;de es", "蒂罗尔;zh")
    assert names["Galicia", "ES"] == ("Galicien;de", "Galice;fr", "加利西亚;zh")
    assert names["Yunnan", "CN"] == ("云南;zh", "雲南")
    # AND no language has two names for a region, and no name is there twice; nor does a town have an exonym twice
    assert all(len({town, *own}) == len(own) + 1 and all(own) for (town, _), own in EXONYMS.items())
    for (region, _), marked in names.items():
        parts = [each.partition(";") for each in marked]
        assert len({name for name, _, _ in parts} | {region}) == len(parts) + 1, region
        languages = [language for _, _, used in parts for language in used.split()]
        assert len(set(languages)) == len(languages), region
