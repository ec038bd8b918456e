"""Names of towns in other languages and scripts."""

import pytest

from database.gazetteer.names import alternates, read_exonyms, read_region_names

EXONYMS = read_exonyms()


def test_european_names_count_where_geonames_has_them_too() -> None:
    # GIVEN names that people use, of which GeoNames lacks one
    others = ["MUC", "Munih", "München", "Múnich"]
    # WHEN the names of Munich are chosen THEN those on both sides are taken, and no spelling of other languages
    assert alternates("Munich", others, "DE", 1_505_005, EXONYMS) == ["München", "Múnich"]


@pytest.mark.parametrize(
    ("name", "others", "country", "population", "expected"),
    [
        ("Moscow", ["Moskva", "Москва"], "RU", 10_000_000, ["Moskva", "Москва"]),
        ("Kirov", ["Киров", "基洛夫"], "RU", 450_000, ["Киров"]),  # known, but not in China
        ("Lyon", ["里昂", "Лион"], "FR", 522_000, ["里昂"]),  # well known, but in no script of its own
        ("Ruili", ["瑞丽", "瑞麗", "瑞丽市"], "CN", 20_000, ["瑞丽", "瑞麗"]),  # a form that begins alike is left out
        ("Tver", ["Тверь"], "RU", 20_000, []),
        ("Springfield", ["Спрингфилд", "SPI"], "US", 114_394, []),
    ],
)
def test_other_scripts_are_those_of_the_country_or_chinese(
    name: str, others: list[str], country: str, population: int, expected: list[str]
) -> None:
    assert alternates(name, others, country, population, EXONYMS) == expected


def test_names_of_regions_are_marked_with_the_languages_that_use_them() -> None:
    names = read_region_names()
    assert names["Tyrol", "AT"] == ("Tirol;de es", "蒂罗尔;zh")
    assert names["Galicia", "ES"] == ("Galicien;de", "Galice;fr", "加利西亚;zh")
    assert names["Yunnan", "CN"] == ("云南;zh", "雲南")
    # AND no language has two names for a region, and no name is there twice
    for (region, _), marked in names.items():
        parts = [each.partition(";") for each in marked]
        assert len({name for name, _, _ in parts} | {region}) == len(parts) + 1, region
        languages = [language for _, _, used in parts for language in used.split()]
        assert len(set(languages)) == len(languages), region


def test_every_town_has_its_exonyms_once() -> None:
    assert len(EXONYMS) > 250
    for (town, country), names in EXONYMS.items():
        assert len(set(names)) == len(names), (town, country)
        assert town not in names
        assert all(names)
