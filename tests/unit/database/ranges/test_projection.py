"""The Equal Earth projection."""

import numpy as np
import pytest

from database.ranges.projection import project


def test_places_are_where_the_authors_of_the_projection_put_them() -> None:
    # GIVEN corners of the map, whose size is in the paper
    x, y = project(np.array([[180.0, 0.0], [0.0, 90.0], [0.0, 0.0]])).T
    np.testing.assert_allclose(x, [2.70663, 0, 0], atol=1e-5)
    np.testing.assert_allclose(y, [0, -1.31736, 0], atol=1e-5)


def test_areas_are_equal() -> None:
    # GIVEN a square degree at the equator and one at 60° north, which is half as large
    def area(latitude: float) -> float:
        corners = [(0.0, latitude), (1.0, latitude), (1.0, latitude + 0.01), (0.0, latitude + 0.01)]
        x, y = project(np.array(corners)).T
        return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))

    assert area(60.0) / area(0.0) == pytest.approx(0.5, abs=1e-3)
