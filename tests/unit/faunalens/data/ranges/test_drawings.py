"""Ranges as GeoJSON and as SVG paths, and how large they are."""

import json
from xml.etree import ElementTree

import numpy as np

from chalicelib.features.cells import cell_of
from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import ROW
from faunalens.data.ranges.drawings import drawings, path_data, project
from faunalens.data.ranges.outlines import Outlines

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
