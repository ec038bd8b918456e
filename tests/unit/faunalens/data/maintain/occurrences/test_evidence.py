"""From counts of records to weights, and how they combine with written ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import INTRODUCED, LISTED, NATIVE, ROW, Cell, Seasons
from faunalens.data.maintain.occurrences import evidence
from faunalens.data.maintain.occurrences.evidence import SEEN, Counts, Effort, Surroundings, around, combine, weights_of

BERLIN, PARIS, SYDNEY = (cell_of(*place) for place in ((52.5, 13.4), (48.9, 2.35), (-33.9, 151.2)))


@pytest.fixture(scope="module")
def surroundings(earth: Earth) -> Surroundings:
    return Surroundings(
        earth, [Cell(BERLIN, False, ("DE",)), Cell(PARIS, False, ("FR", "DE")), Cell(SYDNEY, True, ("AU",))]
    )


def counts(earth: Earth, **by_place: float) -> Counts:
    found = np.zeros(len(earth.cells))
    for place, records in by_place.items():
        found[earth.positions([globals()[place]])] = records
    return found


def at(earth: Earth, values: Counts, cell: int) -> float:
    return float(values[earth.positions([cell])[0]])


def test_a_weight_depends_on_the_share_not_on_how_much_people_record(earth: Earth, surroundings: Surroundings) -> None:
    group = counts(earth, BERLIN=100_000, SYDNEY=10_000)
    taxon = counts(earth, BERLIN=100, SYDNEY=10)
    found = weights_of(taxon, Effort.of(group, surroundings), surroundings)
    # THEN the weight is the chance to see it among 300 records
    for cell in (BERLIN, SYDNEY):
        assert at(earth, found, cell) == pytest.approx(1 - (1 - 0.001) ** SEEN, rel=0.01)

    # AND where there are few records, neighbours and country count
    assert set(around(np.ones(len(earth.cells)), earth)) == {6}
    group, taxon = counts(earth, BERLIN=1e6, PARIS=1), counts(earth, BERLIN=1e4)
    found = weights_of(taxon, Effort.of(group, surroundings), surroundings)
    assert at(earth, found, PARIS) > 0.9  # Germany's share, because one record says little
    assert at(earth, found, SYDNEY) == 0
    # AND counts by country count without a place
    found = weights_of(counts(earth), Effort.of(counts(earth), surroundings, {"AU": 1e4}), surroundings, {"AU": 100})
    assert at(earth, found, SYDNEY) == pytest.approx(1 - 0.99**SEEN)


DRAWN = st.tuples(st.integers(0, 41_161), st.integers(0, 5000), st.sampled_from([0.05, 0.15, 0.5, 1.0]))


@given(drawn=st.lists(DRAWN, min_size=1))
def test_records_never_remove_an_animal_and_an_unseen_place_changes_nothing(
    earth: Earth, drawn: list[tuple[int, int, float]]
) -> None:
    # GIVEN a written range and records of the group, none of which is of the taxon
    of_cell = sorted({earth.cells[number]: weight for number, _, weight in drawn}.items())
    written = np.array([(cell, 1, weight, NATIVE) for cell, weight in of_cell], ROW)
    group = np.zeros(len(earth.cells))
    for number, records, _ in drawn:
        group[number] = records
    effort, nothing = Effort(group, group, group), np.zeros(len(earth.cells))
    rows, *_ = combine(written, nothing, nothing, effort, earth)
    # THEN each cell stays, listed if it was; and where there are no records, its weight is as written
    assert rows["cell"].tolist() == written["cell"].tolist()
    was_listed = written["weight"] >= np.float32(LISTED)
    assert (rows["weight"][was_listed] >= np.float32(LISTED)).all()
    unseen = group[np.searchsorted(earth.cells, written["cell"])] == 0
    assert (rows["weight"][unseen] == written["weight"][unseen]).all()
    assert (rows["weight"] <= np.maximum(written["weight"], np.float32(LISTED))).all()


def test_records_outside_of_a_range_are_shown_and_widen_it_if_told(earth: Earth) -> None:
    written = np.array([(BERLIN, 1, 1.0, NATIVE)], ROW)
    records, group = counts(earth, BERLIN=5, PARIS=20), counts(earth, BERLIN=50, PARIS=50)
    effort, seen = Effort(group, group, group), records / 20
    rows, outside, _ = combine(written, records, seen, effort, earth)
    assert (rows["cell"].tolist(), earth.cells[outside].tolist()) == ([BERLIN], [PARIS])
    wider, *_ = combine(written, records, seen, effort, earth, widen=20)
    widened = {int(row["cell"]): (round(float(row["weight"]), 3), int(row["status"])) for row in wider}
    assert widened == {BERLIN: (1.0, NATIVE), PARIS: (0.5, INTRODUCED)}


def test_a_taxon_of_a_checklist_lives_in_its_countries_with_doubt(earth: Earth, surroundings: Surroundings) -> None:
    native, introduced = surroundings.of_countries(["DE"]), surroundings.of_countries(["AU", "XX"])
    assert earth.cells[native].tolist() == sorted([BERLIN, PARIS])
    rows = evidence.range_of_countries(1, {NATIVE: native, INTRODUCED: introduced}, False, earth)
    assert rows is not None
    found = {int(row["cell"]): (float(row["weight"]), int(row["status"])) for row in rows}
    assert found == {BERLIN: (0.5, NATIVE), PARIS: (0.5, NATIVE), SYDNEY: (0.5, INTRODUCED)}
    assert evidence.range_of_countries(1, {NATIVE: np.zeros(len(earth.cells), bool)}, False, earth) is None


def test_a_taxon_without_a_written_range_gets_one_from_enough_records(earth: Earth, surroundings: Surroundings) -> None:
    few = counts(earth, BERLIN=27, SYDNEY=3)
    assert evidence.range_of_records(1, few * 0.9, few, earth, False) is None
    # GIVEN one eager observer in Berlin, and no other observer in Germany
    records = counts(earth, BERLIN=1000)
    seen = weights_of(records, Effort.of(records, surroundings), surroundings)
    found = evidence.range_of_records(1, records, seen, earth, False)
    # THEN the range reaches beyond the one place: it has the other cells of the country too
    assert found is not None
    assert {BERLIN, PARIS} <= set(found["cell"].tolist())  # Paris is here a cell of Germany
    assert SYDNEY not in found["cell"]


FLAT = [1000] * 12


def season(animal: list[int], group: list[int], earth: Earth) -> Seasons:
    counts, effort = (np.zeros((12, len(earth.cells))) for _ in range(2))
    counts[:, 0], effort[:, 0] = animal, group
    of_animal, of_group = (each + around(each, earth) for each in (counts, effort))
    return evidence.seasons_of(7, of_animal, of_group, np.array([0]), earth)


@pytest.mark.parametrize(
    ("animal", "group", "seasons"),
    [
        # people record ten times as much in May, and the animal has the same share all year
        ([50] * 4 + [500] + [50] * 7, [1000] * 4 + [10_000] + [1000] * 7, 0),
        # few records are no season
        ([0] * 6 + [100] + [0] * 5, FLAT, 0),
        ([0] * 6 + [140] + [0] * 5, FLAT, 1),
        # of months without any record nothing is known
        ([0] * 5 + [100, 100] + [0] * 5, [0] * 5 + [1000, 1000] + [0] * 5, 0),
    ],
)
def test_only_many_records_show_a_season(animal: list[int], group: list[int], seasons: int, earth: Earth) -> None:
    assert len(season(animal, group, earth)) == seasons
