"""The text of a list of places."""

from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from database.gazetteer.listing import encode, listing
from database.gazetteer.names import read_region_names
from database.gazetteer.nature import Feature
from database.gazetteer.towns import Town

LISTS = [ROOT / "web" / "page" / "src" / name for name in ("places.txt", "places-more.txt")]


@pytest.mark.parametrize(("number", "text"), [(0, "?"), (-1, "@"), (1, "A"), (15, "]"), (16, "_@")])
def test_numbers_are_those_of_encoded_polylines(number: int, text: str) -> None:
    assert encode(number) == text


def test_a_number_of_googles_example() -> None:
    # -179.98321 in units of 10⁻⁵, at developers.google.com/maps/documentation/utilities/polylinealgorithm
    assert encode(-17998321) == "`~oia@"


def test_places_stand_below_their_country_region_and_kind() -> None:
    # GIVEN towns of two countries, and a park and a wide range of mountains
    vienna = Town(("Vienna", "Wien"), "AT", "09", 48.21, 16.37, 1_691_468)
    graz = Town(("Graz",), "AT", "06", 47.07, 15.45, 222_326)
    springfield = Town(("Springfield",), "US", "IL", 39.80, -89.64, 114_394)
    park = Feature(("Donau-Auen National Park",), "park", "AT", 48.1, 16.7)
    alps = Feature(("Alps", "Alpen"), "mountains", "", 45.9, 7.3, is_wide=True)
    regions = {"AT.09": "Vienna", "AT.06": "Styria", "US.IL": "Illinois|IL"}
    # WHEN they are listed
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


def test_towns_of_a_region_follow_by_size_as_differences() -> None:
    towns = [Town((name,), "XX", "1", 10 + i, 20 - i, 2**17 >> i) for i, name in enumerate("AB")]
    *_, second = listing(reversed(towns), [], {}).splitlines()
    assert second == f"B\t{encode(10)}{encode(-10)}{encode(-1)}"


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
