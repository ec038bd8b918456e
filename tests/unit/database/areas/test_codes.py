"""Names of countries and subdivisions, and the correction that an error suggests for an unknown area."""

import pytest

from database.areas.codes import read_names, suggest

NAMES = read_names()
AREAS = [*NAMES, "Sahel", "Coral-Sea", "southeastern-US"]


def test_countries_are_the_codes_of_iso_3166_and_kosovo() -> None:
    # 249 codes are assigned; XK is user-assigned, and what everybody uses. Each has one name.
    countries = {code: name for code, name in NAMES.items() if "-" not in code}
    assert len(countries) == 250
    assert all(len(code) == 2 and code.isalpha() and code.isupper() for code in countries)
    assert len(set(countries.values())) == len(countries)
    assert list(countries) == sorted(countries)


def test_subdivisions_belong_to_countries_and_have_names() -> None:
    subdivisions = {code: name for code, name in NAMES.items() if "-" in code}
    assert len(subdivisions) > 3_600
    assert all(code[:2] in NAMES and name.strip() == name for code, name in subdivisions.items())


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("de", "write DE"),
        (" DE ", "write DE"),
        ("UK", "write GB"),
        ("el", "write GR"),
        ("Germany", "write DE"),
        ("åland islands", "write AX"),
        ("Queensland", "write AU-QLD"),
        ("New-South-Wales", "write AU-NSW"),
        ("Sahell", "similar: Sahel"),
        ("southeast-US", "similar: southeastern-US"),
        ("Atlantis", "docs/how-to/data.md says which areas there are"),
        ("", "docs/how-to/data.md says which areas there are"),
    ],
)
def test_an_unknown_area_gets_its_likely_correction(written: str, advice: str) -> None:
    assert suggest(written, NAMES, AREAS) == advice


def test_every_name_of_a_country_gives_its_code() -> None:
    for code, name in NAMES.items():
        if "-" not in code:
            assert suggest(code.lower(), NAMES, AREAS) == suggest(name.upper(), NAMES, AREAS) == f"write {code}"
