"""The areas of this checkout, which take a second to read, once for all tests."""

import pytest

from faunalens.data.areas.area_cells import AreaCells, Earth, read_area_cells


@pytest.fixture(scope="session")
def areas() -> AreaCells:
    """The cells of all areas."""
    return read_area_cells()


@pytest.fixture(scope="session")
def earth(areas: AreaCells) -> Earth:
    """All cells of the grid."""
    return areas.earth
