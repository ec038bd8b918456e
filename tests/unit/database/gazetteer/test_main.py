"""The command that makes the lists."""

import json
from pathlib import Path

from database.gazetteer.__main__ import main, read_regions, with_countries
from database.gazetteer.nature import Feature
from database.gazetteer.towns import Town

VIENNA = "Vienna|Wien;de|Viena;es|Vienne;fr|维也纳;zh"


def test_both_lists_are_written(tmp_path: Path) -> None:
    # GIVEN small sources: a city, a suburb and a hamlet beside it
    row = {"countrycode": "AT", "admin1code": "09", "latitude": 48.2, "longitude": 16.4, "alternatenames": []}
    named = [("City", 1_000_000), ("Suburb", 20_000), ("Hamlet", 600)]
    towns = {str(i): row | {"name": name, "population": size} for i, (name, size) in enumerate(named)}
    outline = {"type": "Polygon", "coordinates": [[[16, 48], [17, 48], [17, 49], [16, 48]]]}
    island = {"properties": {"name": "Isle", "featurecla": "Island"}, "geometry": outline}
    sources = {"towns": towns, "regions": [{"code": "AT.09", "name": "Vienna"}], "nature": {"features": [island]}}
    paths = []
    for name, content in sources.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(content))
    # WHEN the command runs
    main([*map(str, paths), "--output", str(tmp_path)])
    # THEN the first list has the city and what lies in nature, and the longer one the suburb
    first, more = ((tmp_path / name).read_text(encoding="utf-8") for name in ("places.txt", "places-more.txt"))
    assert "\nCity\t" in first
    assert "\nIsle\t" in first
    assert "\nSerengeti National Park\t" in first
    assert [line.split("\t")[0] for line in more.splitlines()] == ["=AT", f"-{VIENNA}", "Suburb"]


def test_regions_have_the_abbreviations_that_people_write(tmp_path: Path) -> None:
    path = tmp_path / "regions.json"
    names = {
        "US.IL": "Illinois",
        "CA.02": "British Columbia",
        "AU.07": "Victoria",
        "DE.02": "Bavaria",
        "FR.52": "Pays de la Loire",
    }
    path.write_text(json.dumps([{"code": code, "name": name} for code, name in names.items()]))
    assert list(read_regions(path).values()) == [
        "Illinois|伊利诺伊;zh|IL",
        "British Columbia|Columbia Británica;es|Colombie-Britannique;fr|不列颠哥伦比亚;zh|Britisch-Kolumbien|BC",
        "Victoria|维多利亚;zh|VIC",
        "Bavaria|Bayern;de|Baviera;es|Bavière;fr|巴伐利亚;zh",
        "Pays de la Loire",
    ]


def test_a_place_in_nature_is_in_the_country_of_the_nearest_town_if_it_is_not_large_or_remote() -> None:
    towns = [Town(("Palma",), "ES", "07", 39.57, 2.65, 400_000), Town(("Algiers",), "DZ", "01", 36.75, 3.04, 3_000_000)]
    near, remote = Feature(("Cabrera",), "island", "", 39.1, 2.9), Feature(("Tristan",), "island", "", -37.1, -12.3)
    wide = Feature(("Atlas",), "mountains", "", 36.5, 3.0, is_wide=True)
    assert [each.country for each in with_countries([near, remote, wide], towns)] == ["ES", "", ""]
