"""Compute the H3 cell of a record in SQL: exactly, and without an extension, which DuckDB would have to download.

H3 projects the Earth onto an icosahedron. On each face a gnomonic projection turns cells into a grid of hexagons, so a
record's cell follows from the nearest face, two coordinates on the face, and the nearest hexagon. The faces and their
grids follow from H3's pentagons, which lie at the corners. A table made with the H3 library names the cell of each
hexagon, and a test compares the result with that library.
"""

from collections.abc import Mapping
from functools import cache
from itertools import combinations, product
from typing import Any, Final

import numpy as np
from duckdb import DuckDBPyConnection
from h3.api import basic_int as h3
from numpy.typing import NDArray

from chalicelib.location import RESOLUTION

_CORNERS: Final = ((28, -14), (14, 42), (-42, -28))
"""The corners of a face in its grid of resolution 3: s and t along two axes 120° apart, (0, 0) in the middle.

At resolution 0 they are 2 hexagons from the middle; a grid two resolutions further is 7 times as fine, and an odd
resolution is turned by the complex number of length √7 that is 2, -1 on these axes (https://h3geo.org/docs/core-library).
"""
_REACH: Final = 64
"""A power of two that is above every coordinate of a hexagon."""

_ADJACENT: Final = 0.4
"""The cosine between adjacent corners is 0.447, and negative between others."""
_GOLDEN: Final = (1 + 5**0.5) / 2

FACE: Final = ("face", "sx", "sy", "sz", "tx", "ty", "tz")
"""Columns of the table `face`."""

_BETWEEN: Final = "x, y, z, n0, n1, n2, n3, nearness, face, q, r, dq, dr, du"
"""Columns of intermediate results between a place and its hexagon."""

_POINT: Final = ("cos(radians(lat)) * cos(radians(lon))", "cos(radians(lat)) * sin(radians(lon))", "sin(radians(lat))")


def create_cell_tables(connection: DuckDBPyConnection) -> None:
    """Create the temporary tables `face` and `hexagon`, to which `cells_of` refers."""
    rows = np.array(face_rows())
    face = {name: rows[:, number].copy() for number, name in enumerate(FACE)}
    hexagon, cell = _hexagons()
    create_table(connection, "face", face)
    create_table(connection, "hexagon", {"hexagon": hexagon, "cell": cell})


def create_table(connection: DuckDBPyConnection, name: str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Create a temporary table from arrays, its `columns`. Replace any table with the same name."""
    connection.register("columns_of_table", columns)
    connection.execute(f"create or replace temp table {name} as from columns_of_table")
    connection.unregister("columns_of_table")


def face_rows() -> list[list[float]]:
    """Return the rows of the table `face`, with the columns in `FACE`: the face's key, and its axes s and t."""
    return [[number, *axes.ravel().tolist()] for number, axes in enumerate(_faces()[1])]


def cells_of(relation: str) -> str:
    """Return a query that adds the column `cell` to a relation. It is null where `lat` or `lon` is null.

    `relation`: name of a relation with the columns `lat` and `lon`, WGS84 in decimal degrees, both on Earth or null.
    """
    return f"""
        select on_grid.* exclude ({_BETWEEN}, hexagon), hexagon.cell
        from ({hexagons_of(relation)}) as on_grid
        left join hexagon on hexagon.hexagon = on_grid.hexagon"""


def hexagons_of(relation: str) -> str:
    """Return a query that adds to a relation `hexagon`, the key of each row's hexagon, and columns to compute it.

    It needs only the table `face`. Literals have exponents, so that SQL takes them for doubles, not decimals.
    """
    pairs = (zip(row, _POINT, strict=True) for row in _frame().tolist())
    sums = (" ".join(f"{share:+.16e} * {sql}" for share, sql in each) for each in pairs)
    turned = ", ".join(f"{sql} as {axis}" for sql, axis in zip(sums, "xyz", strict=True))
    nearness = (
        "abs(x) + abs(y) + abs(z)",
        *(f"{1 / _GOLDEN:.16e} * abs({a}) + {_GOLDEN:.16e} * abs({b})" for a, b in ("yz", "zx", "xy")),
    )
    kind = " ".join(f"when nearness = n{number} then {8 * number}" for number in range(1, len(nearness)))
    # q and r are axial coordinates, with u = -q - r the third. Of the three rounded ones, which must add up to 0, the
    # one that rounding changed most follows from the others.
    q = "case when dq > dr and dq > du then round(q + r) - round(r) else round(q) end"
    r = "case when dr >= dq and dr > du then round(q + r) - round(q) else round(r) end"
    return f"""
        select *, {_key("face", q, r)} as hexagon
        from (
            select *, abs(q - round(q)) as dq, abs(r - round(r)) as dr, abs(q + r - round(q + r)) as du
            from (
                select on_earth.*,
                    ((sx - tx) * x + (sy - ty) * y + (sz - tz) * z) * sqrt(3) / nearness as q,
                    (tx * x + ty * y + tz * z) * sqrt(3) / nearness as r
                from (
                    select *,
                        case {kind} else 0 end + if(x < 0, 4, 0) + if(y < 0, 2, 0) + if(z < 0, 1, 0) as face
                    from (
                        select *, greatest(n0, n1, n2, n3) as nearness
                        from (
                            select *, {", ".join(f"{sql} as n{number}" for number, sql in enumerate(nearness))}
                            from (select *, {turned} from {relation})
                        )
                    )
                ) as on_earth
                join face on face.face = on_earth.face
            )
        )"""


def _key(face: str, q: str, r: str) -> str:
    return f"cast(({face} * {2 * _REACH} + {q} + {_REACH}) * {2 * _REACH} + {r} + {_REACH} as integer)"


@cache
def _faces() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle, shape (32, 3), and the axes s and t, shape (32, 2, 3), of each face, indexed by its key.

    `cells_of` computes the keys. All vectors are in the coordinates of `_frame`. A point p has the coordinate
    (p · axis) / (p · middle) on an axis.
    """
    kinds = np.array([(1, 1, 1), (0, 1 / _GOLDEN, _GOLDEN), (_GOLDEN, 0, 1 / _GOLDEN), (1 / _GOLDEN, _GOLDEN, 0)])
    signs, corners = np.array(list(product((1, -1), repeat=3))), _corners() @ _frame().T
    middles, axes = [], []
    for towards in (kinds[:, None] * signs[None]).reshape(-1, 3):
        around = corners[np.sort(np.argsort(corners @ -towards)[:3])]
        if np.linalg.det(around) < 0:
            around = around[::-1]
        middle = around.sum(axis=0) / np.linalg.norm(around.sum(axis=0))
        on_plane = np.vstack([around[:2] / (around[:2] @ middle)[:, None], middle])
        middles.append(middle)
        axes.append(np.linalg.solve(on_plane, np.array([*_CORNERS[:2], (0, 0)], float)).T)
    return np.array(middles), np.array(axes)


def _frame() -> NDArray[np.float64]:
    """Return a matrix that turns points into a frame whose axes run through middles of the icosahedron's edges.

    In this frame, the middles of faces are (±1, ±1, ±1), (0, ±1/φ, ±φ) and so on around the axes, all divided by √3. So
    the absolute values and the signs of a point's coordinates say which face is nearest.
    """
    corners = _corners()
    edges = [(a + b) / np.linalg.norm(a + b) for a, b in combinations(corners, 2) if a @ b > _ADJACENT]
    first = edges[0]
    second = next(edge for edge in edges if abs(edge @ first) < 1e-9)
    third = np.cross(first, second)
    # A corner is (0, ±φ, ±1) or, with the second axis in place of the third, (0, ±1, ±φ), divided by its length.
    x, y, z = np.abs(np.stack([first, second, third]) @ corners.T)
    return np.stack([first, second, third] if (z < y)[x < 1e-9].all() else [first, third, -second])


@cache
def _hexagons() -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the key and the H3 cell of each hexagon that touches a face."""
    s, t = (grid.ravel() for grid in np.meshgrid(np.arange(-_REACH, _REACH), np.arange(-_REACH, _REACH)))
    wider = np.array(_CORNERS) * (1 + 2 / 37)  # 37 hexagons from the middle to a corner, and 2 more
    shares = np.linalg.solve(np.vstack([wider.T, np.ones(3)]), np.vstack([s, t, np.ones(len(s))]))
    s, t = s[(shares >= 0).all(axis=0)], t[(shares >= 0).all(axis=0)]
    keys, cells = [], []
    for face, (middle, axes) in enumerate(zip(*_faces(), strict=True)):
        inverse = np.linalg.inv(np.stack([*axes, middle]) @ _frame())
        places = np.stack([s, t, np.ones(len(s))], axis=1) @ inverse.T
        places = places / np.linalg.norm(places, axis=1)[:, None]
        degrees = np.degrees([np.arcsin(places[:, 2]), np.arctan2(places[:, 1], places[:, 0])]).T.tolist()
        keys.append(((face * 2 * _REACH) + s - t + _REACH) * 2 * _REACH + t + _REACH)
        cells += [h3.latlng_to_cell(*place, RESOLUTION) for place in degrees]
    return np.concatenate(keys).astype(np.int32), np.array(cells, np.int64)


@cache
def _corners() -> NDArray[np.float64]:
    """Return the corners of the icosahedron as points on the sphere. Shape (12, 3)."""
    latitude, longitude = np.radians([h3.cell_to_latlng(cell) for cell in sorted(h3.get_pentagons(0))]).T
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    return np.stack([x, y, np.sin(latitude)], axis=1)
