"""The cells of areas: well-known places, spilling over, groups and codes, and what is suggested for an unknown area."""

import numpy as np
import pytest

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import LAND, AreaCells, read_names, suggest
from faunalens.data.dataset_files import FILES, DatasetError, read_rows
from faunalens.data.ranges.language import parse


def has(areas: AreaCells, text: str, latitude: float, longitude: float) -> bool:
    """Return whether a range has the cell of a place."""
    [position] = areas.earth.positions([cell_of(latitude, longitude)])
    return bool(areas.of(parse(text))[:, position].any())


AUSTIN, ATLANTA, PERTH, HOBART = (30.3, -97.7), (33.7, -84.4), (-31.95, 115.9), (-42.9, 147.3)
LONDON, PARIS, HONOLULU, MALLORCA = (51.5, -0.1), (48.9, 2.4), (21.3, -157.9), (39.6, 3.0)
COCOS, MIDWAY = (5.53, -87.06), (28.2, -177.37)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("US", [AUSTIN, ATLANTA], [LONDON, HONOLULU]),
        ("contiguous-US", [AUSTIN], [HONOLULU]),
        ("AU - AU-TAS", [PERTH], [HOBART]),
        ("AU NZ - AU-TAS AU-WA", [(-33.9, 151.2), (-36.8, 174.8)], [PERTH, HOBART]),
        ("southeastern-US ; lat >= 32", [ATLANTA], [(27.9, -82.5)]),
        ("US & Rocky-Mountains", [(40.4, -105.7)], [(51.2, -115.6), AUSTIN]),
        ("Iberia", [(40.4, -3.7)], [MALLORCA, PARIS]),
        ("Mediterranean-coasts", [MALLORCA, (35.5, 24.0)], [LONDON, (40.4, -3.7)]),
        ("Coral-Sea", [(-16.9, 146.5)], [PERTH]),
        ("European-Russia", [(55.75, 37.6)], [(55.0, 82.9)]),
        ("NO", [(59.9, 10.75)], [(-54.42, 3.36)]),
        ("NZ", [(-36.8, 174.8)], [(-43.95, -176.55), (-9.2, -171.85)]),
        ("CR CR-P", [(9.9, -84.1)], [COCOS]),
        ("Cocos-Island", [COCOS], [(9.9, -84.1)]),
        ("Hawaii", [HONOLULU], [MIDWAY]),
        ("land ; lat <= 30", [COCOS, MIDWAY, HONOLULU], []),
    ],
)  # fmt: skip
def test_well_known_places(
    areas: AreaCells, text: str, inside: list[tuple[float, float]], outside: list[tuple[float, float]]
) -> None:
    assert [place for place in inside if not has(areas, text, *place)] == []
    assert [place for place in outside if has(areas, text, *place)] == []


def test_every_group_has_cells_and_none_hides_a_code(areas: AreaCells) -> None:
    assert len(areas.groups) > 180
    assert [name for name in areas.groups if not areas.named(name).any()] == []
    # A group may stand in place of a physical region: "Africa" with its islands is more useful than the continent.
    assert set(areas.groups) & read_names().keys() == set()

    # AND every subdivision is somewhere
    assert [code for code in read_names() if "-" in code and code in areas.names and not areas.named(code).any()] == []
    countries = {code for code in read_names() if "-" not in code}
    assert countries - areas.names == {"BV", "HM", "UM"} - areas.names


def test_remote_islands_have_cells_and_no_country_includes_them(areas: AreaCells) -> None:
    # GIVEN the remote islands WHEN a code has cells elsewhere too THEN it has none of theirs
    islands = {row["group"]: areas.named(row["group"])[LAND] for row in read_rows(FILES["remote_islands"])}
    assert [name for name, cells in islands.items() if not cells.any()] == []
    remote = np.logical_or.reduce(list(islands.values()))
    codes = (areas.named(code)[LAND] for code in read_names() if code in areas.names)
    assert [cells for cells in codes if (cells & remote).any() and (cells & ~remote).any()] == []


@pytest.mark.parametrize(
    ("area", "place", "reaches"),
    [
        ("US-FL", (23.1, -82.4), False),  # Havana
        ("US-CA", (36.2, -115.1), True),  # Las Vegas
        ("MY - MY-12 MY-13", (1.3, 103.8), True),  # Singapore
        ("Unimak-Island", (53.87, -166.53), False),  # Unalaska
    ],
)
def test_a_range_spills_over_borders_on_land_and_not_across_straits_or_onto_remote_islands(
    areas: AreaCells, area: str, place: tuple[float, float], *, reaches: bool
) -> None:
    grown = areas.earth.grown(areas.of(parse(area)))
    [position] = areas.earth.positions([cell_of(*place)])
    assert bool(grown[LAND, position]) == reaches


def test_a_faulty_group_is_named(areas: AreaCells) -> None:
    for text, message in (("XX", r"no area is called 'XX'; .* \(column 1\)"), ("NO -", r"expected .* \(column 5\)")):
        with pytest.raises(DatasetError, match=f"group north: {message}"):
            AreaCells(areas.earth, {}, {}, {"north": (text,)}).of(parse("north"))


NAMES = read_names()
AREAS = [*NAMES, "Sahel", "Coral-Sea", "southeastern-US"]


def test_names_are_those_of_the_countries_of_iso_3166_with_kosovo_and_of_their_subdivisions() -> None:
    # 249 codes are assigned; XK is user-assigned, and what everybody uses. Each has one name.
    countries = {code: name for code, name in NAMES.items() if "-" not in code}
    assert len(countries) == len(set(countries.values())) == 250
    assert all(len(code) == 2 and code.isalpha() and code.isupper() for code in countries)
    subdivisions = {code: name for code, name in NAMES.items() if "-" in code}
    assert len(subdivisions) > 3_600
    assert all(code[:2] in NAMES and name.strip() == name for code, name in subdivisions.items())


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("el", "write GR"),
        ("åland islands", "write AX"),
        ("New-South-Wales", "write AU-NSW"),
        ("southeast-US", "similar: southeastern-US"),
        ("Atlantis", "docs/how-to/data.md says which areas there are"),
    ],
)
def test_an_unknown_area_gets_its_likely_correction(written: str, advice: str) -> None:
    assert suggest(written, NAMES, AREAS) == advice
