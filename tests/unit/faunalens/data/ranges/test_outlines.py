"""Outlines of sets of cells, over the whole globe."""

import json
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import ROW
from faunalens.data.ranges.outlines import Outlines, drawings, path_data, project, signed_area

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


PARIS, SYDNEY = cell_of(48.9, 2.4), cell_of(-33.9, 151.2)


def test_each_status_and_weight_is_a_feature(earth: Earth) -> None:
    # GIVEN an animal that lives in a cell, and was introduced in another
    rows = np.array([(PARIS, 3, 1.0, 1), (SYDNEY, 3, 0.5, 2)], ROW)
    # WHEN it is drawn
    (drawing,) = drawings(Outlines(earth), [rows, rows[:0]])
    # THEN each is a feature of its own
    assert drawing.animal == 3
    found = json.loads(drawing.outlines)
    properties = [tuple(each["properties"].values()) for each in found["features"]]
    assert properties == [("introduced", 0.5, 1), ("native", 1.0, 1)]
    # AND its coordinates are longitude and latitude to 1 km, and its ring is closed
    ((ring,),) = found["features"][1]["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    assert all(abs(x - 2.4) < 2 and abs(y - 48.9) < 2 for x, y in ring)
    assert all(round(each, 2) == each for position in ring for each in position)
    # AND the map has a path for each
    paths = ElementTree.fromstring(f"<svg>{drawing.paths}</svg>")  # noqa: S314 — our own text
    assert [each.attrib["class"] for each in paths] == ["introduced", "native"]
    assert [float(each.attrib["fill-opacity"]) for each in paths] == [0.6, 1.0]
    # AND a path is steps from point to point
    assert path_data(np.array([[5, 5], [5, 5], [7, 5], [7, 2], [5, 2]])) == "M5 5l2 0 0-3-2 0z"
    # AND what is too small to see is left out
    assert path_data(np.array([[5, 5], [6, 5]])) == ""


def test_places_are_where_the_authors_of_the_projection_put_them() -> None:
    # GIVEN corners of the map, whose size is in the paper
    x, y = project(np.array([[180.0, 0.0], [0.0, 90.0], [0.0, 0.0]])).T
    np.testing.assert_allclose(x, [2.70663, 0, 0], atol=1e-5)
    np.testing.assert_allclose(y, [0, -1.31736, 0], atol=1e-5)
