"""From counts of records by month to the season of a taxon."""

import numpy as np

from database.areas.area_cells import Earth
from database.cell_animals import Seasons
from database.maintain.occurrences.shares import around, seasons_of

FLAT = [1000] * 12


def season(animal: list[int], group: list[int], earth: Earth) -> Seasons:
    """The seasons of an animal with records in the first cell; its range is that cell and the next."""
    counts, effort = (np.zeros((12, len(earth.cells))) for _ in range(2))
    counts[:, 0], effort[:, 0] = animal, group
    return seasons_of(7, around(counts, earth), around(effort, earth), np.array([0]), earth)


def months(found: Seasons) -> list[int]:
    return list(bytes(found["months"][0]))


def test_a_summer_bird_keeps_its_weight_in_summer(earth: Earth) -> None:
    # GIVEN a bird of May to August, where people record as much all year
    found = season([0, 0, 0, 0, 100, 100, 100, 100, 0, 0, 0, 0], FLAT, earth)
    assert (found["cell"].tolist(), found["animal"].tolist()) == ([earth.cells[0]], [7])
    # THEN the middle of the summer counts in full, its edges less, and the winter little
    kept = months(found)
    assert max(kept) == kept[5] == kept[6] == 255
    assert 50 < kept[3] < kept[4] < 255
    assert max(kept[:2] + kept[10:]) < 20


def test_how_much_people_record_in_a_month_is_no_season(earth: Earth) -> None:
    # GIVEN people who record ten times as much in May, and an animal with the same share all year
    group = [1000] * 4 + [10_000] + [1000] * 7
    assert len(season([each // 20 for each in group], group, earth)) == 0


def test_few_records_are_no_season(earth: Earth) -> None:
    assert len(season([0] * 6 + [100] + [0] * 5, FLAT, earth)) == 0
    assert len(season([0] * 6 + [140] + [0] * 5, FLAT, earth)) == 1


def test_months_without_any_record_are_those_of_the_whole_year(earth: Earth) -> None:
    # GIVEN a place without any records in winter: nothing is known of the animal then
    found = season([0] * 5 + [100, 100] + [0] * 5, [0] * 5 + [1000, 1000] + [0] * 5, earth)
    assert len(found) == 0
