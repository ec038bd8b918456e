"""The cells that SQL computes are those of the H3 library."""

from functools import cache

import duckdb
import numpy as np
from h3.api import basic_int as h3
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.location import RESOLUTION
from faunalens.data.maintain.occurrences.cells import cells_of, create_cell_tables


@cache
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_cell_tables(connection)
    return connection


def cells(latitudes: list[float | None], longitudes: list[float | None]) -> list[int | None]:
    connection = database()
    rows = [*zip(range(len(latitudes)), latitudes, longitudes, strict=True)]
    connection.execute("create or replace temp table place (number integer, lat double, lon double)")
    connection.executemany("insert into place values ($1, $2, $3)", rows)
    found = connection.execute(f"select cell from ({cells_of('place')}) order by number").fetchall()
    return [cell for (cell,) in found]


def test_cells_of_many_places_and_around_each_corner_of_the_icosahedron() -> None:
    # GIVEN places all over the Earth, and around the pentagons, where five faces meet
    random = np.random.default_rng(16)
    pentagons = np.array([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(RESOLUTION)])
    near = np.repeat(pentagons, 60, axis=0) + random.normal(0, 1.5, (720, 2))
    wide = np.stack([np.degrees(np.arcsin(random.uniform(-1, 1, 1500))), random.uniform(-180, 180, 1500)], axis=1)
    places = np.concatenate([near, wide])
    # WHEN computed in SQL THEN each cell is H3's
    latitudes, longitudes = np.clip(places[:, 0], -90, 90).tolist(), places[:, 1].tolist()
    expected = [h3.latlng_to_cell(*place, RESOLUTION) for place in zip(latitudes, longitudes, strict=True)]
    assert cells([*latitudes, None], [*longitudes, None]) == [*expected, None]


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=20))
@settings(max_examples=40)
def test_cells_of_extreme_places(places: list[tuple[float, float]]) -> None:
    found = cells([lat for lat, _ in places], [lon for _, lon in places])
    for cell, place in zip(found, places, strict=True):
        assert cell is not None
        if cell != h3.latlng_to_cell(*place, RESOLUTION):  # on an edge, rounding errors decide
            moved = [
                h3.latlng_to_cell(place[0] + d, place[1] + e, RESOLUTION) for d in (-1e-6, 1e-6) for e in (-1e-6, 1e-6)
            ]
            assert cell in moved
