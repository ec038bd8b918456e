"""Generated records are biased, and the correction brings weights back towards the truth."""

import numpy as np
import pytest

from benchmarks.records import COUNTRIES, World, accuracy_of, divergence, generate, log_ratio, photos, priors, seen
from database.areas.area_cells import LAND, read_area_cells
from database.cell_animals import Cell
from database.occurrences.evidence import RULES


@pytest.fixture(scope="module")
def world() -> World:
    areas = read_area_cells()
    places = [(place, name) for name in COUNTRIES for place in areas.named(name)[LAND].nonzero()[0]]
    cells = [Cell(int(areas.earth.cells[place]), False, (name,)) for place, name in places]
    return generate(areas.earth, cells, np.random.default_rng(1))


def test_the_correction_brings_weights_back_towards_the_truth(world: World) -> None:
    records = world.records(10_000, np.random.default_rng(2))
    assert 9_000 < records.sum() < 11_000
    weights, raw = seen(world, records), records / np.maximum(records.max(axis=1), 1)[:, None]
    assert log_ratio(world, weights) < log_ratio(world, raw) / 1.8
    assert divergence(world, weights) < divergence(world, records) / 1.8
    assert divergence(world, world.shares) == pytest.approx(0)


def test_records_with_ranges_name_more_photos_right_than_ranges_alone(world: World) -> None:
    records = world.records(10_000, np.random.default_rng(2))
    taken, weights = photos(world, np.random.default_rng(3)), seen(world, records)
    alone, both = (accuracy_of(taken, priors(world, records, weights, rules)) for rules in (None, RULES))
    assert accuracy_of(taken, np.ones_like(weights)) < alone < both
