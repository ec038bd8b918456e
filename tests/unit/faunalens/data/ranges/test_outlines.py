"""Outlines of sets of cells, over the whole globe."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.features.cells import cell_of
from faunalens.data.areas.area_cells import Earth
from faunalens.data.ranges.outlines import Outlines, signed_area

GLOBE = 360 * 180  # square degrees


@pytest.fixture(scope="module")
def outlines(earth: Earth) -> Outlines:
    return Outlines(earth)


def cells_at(outlines: Outlines, *places: tuple[float, float]) -> NDArray[np.bool_]:
    inside = np.zeros(len(outlines.earth.cells), bool)
    inside[outlines.earth.positions(cell_of(*place) for place in places)] = True
    return inside


def area(outlines: Outlines, inside: NDArray[np.bool_]) -> float:
    return sum(signed_area(ring) for polygon in outlines.polygons(outlines.rings(inside)) for ring in polygon)


def test_all_cells_together_are_the_whole_map(outlines: Outlines) -> None:
    ((ring,),) = outlines.polygons(outlines.rings(np.ones(len(outlines.earth.cells), bool)))
    assert sorted(map(tuple, ring.tolist())) == [(-180, -90), (-180, 90), (180, -90), (180, 90)]
    assert signed_area(ring) == GLOBE


def test_a_hole_belongs_to_the_polygon_around_it_and_an_island_in_it_does_not(outlines: Outlines) -> None:
    # GIVEN a disc of cells with a ring of cells missing around its centre, and another cell far away
    earth, centre = outlines.earth, outlines.earth.positions([cell_of(48.9, 2.4)])
    discs = [np.isin(np.arange(len(earth.cells)), centre)]
    for _ in range(4):
        discs.append(discs[-1].copy())
        discs[-1][earth.neighbours[discs[-2]]] = True
    island, gap, *_, whole = discs
    inside = whole & ~gap | island | cells_at(outlines, (-33.9, 151.2))
    # WHEN it is outlined
    polygons = outlines.polygons(outlines.rings(inside))
    # THEN there are three polygons, and only the disc has a hole
    assert sorted((len(polygon), len(polygon[0])) for polygon in polygons)[:2] == [(1, 6), (1, 6)]
    assert [len(polygon) for polygon in polygons].count(2) == 1
    # AND outer rings run anticlockwise, holes clockwise
    for polygon in polygons:
        assert [signed_area(ring) > 0 for ring in polygon] == [True, False][: len(polygon)]


@pytest.mark.parametrize("place", [(0.0, 180.0), (65.0, 180.0), (-80.0, 180.0), (90.0, 0.0), (-90.0, 0.0)])
def test_no_edge_crosses_the_map_at_the_antimeridian_or_a_pole(outlines: Outlines, place: tuple[float, float]) -> None:
    inside = cells_at(outlines, place)
    polygons = outlines.polygons(outlines.rings(inside))
    is_pole = abs(place[0]) == 90
    assert len(polygons) == (1 if is_pole else 2)
    for (ring,) in polygons:
        assert signed_area(ring) > 0
        assert np.abs(ring).max(axis=0)[0] == 180
        for (x, y), (next_x, _) in pairwise([*ring.tolist(), ring[0].tolist()]):
            assert abs(next_x - x) < 180 or abs(y) == 90
    # AND what is left is the rest of the map
    assert area(outlines, inside) + area(outlines, ~inside) == pytest.approx(GLOBE)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_any_set_and_its_rest_cover_the_map_once(outlines: Outlines, share: float) -> None:
    # GIVEN a set with ragged edges, islands and holes: random cells near the poles and the antimeridian
    earth = outlines.earth
    edge = (np.abs(earth.latitude) > 80) | (np.abs(earth.longitude) > 170)
    inside = edge & (np.random.default_rng(7).random(len(earth.cells)) < share)
    assert area(outlines, inside) + area(outlines, ~inside) == pytest.approx(GLOBE)
    # AND each ring is simple: it meets no point twice
    for ring in outlines.rings(inside):
        assert len(set(ring.tolist())) == len(ring)
