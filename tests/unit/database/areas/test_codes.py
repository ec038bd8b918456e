"""The correction that an error suggests for a wrong country code."""

import pytest

from database.areas.codes import read_areas, suggest_code


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("de", "write DE"),
        (" DE ", "write DE"),
        ("UK", "write GB"),
        ("el", "write GR"),
        ("Germany", "write DE"),
        ("åland islands", "write AX"),
        ("Atlantis", "see ISO 3166-1 alpha-2"),
        ("", "see ISO 3166-1 alpha-2"),
    ],
)
def test_a_wrong_code_gets_its_likely_correction(written: str, hint: str) -> None:
    assert suggest_code(written, read_areas()) == hint


def test_every_code_and_every_name_gives_the_code() -> None:
    areas = read_areas()
    for code, name in areas.items():
        assert suggest_code(code.lower(), areas) == suggest_code(name.upper(), areas) == f"write {code}"
