"""The lists of places that the page searches, and their text."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from faunalens.data.maintain.__main__ import main
from faunalens.data.maintain.gazetteer.listing import encode, listing, read_regions, with_countries
from faunalens.data.maintain.gazetteer.nature import Feature
from faunalens.data.maintain.gazetteer.towns import Town, read_region_names

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
    # GIVEN small sources: a city, a suburb and a hamlet beside it
    row = {"countrycode": "AT", "admin1code": "09", "latitude": 48.2, "longitude": 16.4, "alternatenames": []}
    named = [("City", 1_000_000), ("Suburb", 20_000), ("Hamlet", 600)]
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
