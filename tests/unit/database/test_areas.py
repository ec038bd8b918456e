"""What is to be written in place of a code that is none."""

import pytest

from database.areas import instead_of, read_areas


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
def test_what_somebody_may_have_meant_is_told(written: str, hint: str) -> None:
    assert instead_of(written, read_areas()) == hint


def test_every_code_and_every_name_leads_to_the_code() -> None:
    areas = read_areas()
    for code, name in areas.items():
        assert instead_of(code.lower(), areas) == instead_of(name.upper(), areas) == f"write {code}"
