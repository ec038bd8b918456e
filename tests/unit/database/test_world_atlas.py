"""Country outlines, read from small TopoJSON files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from database.world_atlas import AtlasError, read_atlas


def topology(*names: str) -> dict[str, Any]:
    """Two countries side by side: arc 0 is their border, arcs 1 and 2 their shores."""
    first, second = names
    return {
        "transform": {"scale": [0.5, 0.5], "translate": [10.0, 20.0]},
        "arcs": [[[0, 0], [0, 4]], [[0, 4], [-4, 0], [0, -4], [4, 0]], [[0, 0], [4, 0], [0, 4], [-4, 0]]],
        "objects": {
            "countries": {
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "properties": {"name": first}},
                    {"type": "MultiPolygon", "arcs": [[[~0, 2]]], "properties": {"name": second}},
                ]
            }
        },
    }


def written(folder: Path, content: object) -> Path:
    path = folder / "countries.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_arcs_are_unpacked_and_shared_ones_are_no_shore(tmp_path: Path) -> None:
    atlas = read_atlas(written(tmp_path, topology("Spain", "Portugal")))
    np.testing.assert_allclose(atlas.arcs[1], [(10, 22), (8, 22), (8, 20), (10, 20)])
    assert [(polygon.areas, polygon.arcs) for polygon in atlas.polygons] == [(("ES",), (0, 1)), (("PT",), (0, 2))]
    assert atlas.shores == {1, 2}


def test_parts_with_a_code_of_their_own_are_taken_apart(tmp_path: Path) -> None:
    # GIVEN a piece of France in South America
    content = topology("France", "Suriname")
    content["transform"]["translate"] = [-54.0, 3.0]
    # THEN it is French Guiana
    assert [polygon.areas for polygon in read_atlas(written(tmp_path, content)).polygons] == [("GF",), ("SR",)]


def test_disputed_places_have_every_claimant_or_none(tmp_path: Path) -> None:
    atlas = read_atlas(written(tmp_path, topology("Siachen Glacier", "Spratly Is.")))
    assert [polygon.areas for polygon in atlas.polygons] == [("IN", "PK"), ()]


def test_an_unknown_country_is_named(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"atlas_areas.csv has no row for Atlantis, Lemuria; add"):
        read_atlas(written(tmp_path, topology("Lemuria", "Atlantis")))


@pytest.mark.parametrize("content", [{}, [], {"transform": {}}, {"objects": {"countries": 1}}])
def test_anything_else_says_where_to_get_the_atlas(tmp_path: Path, content: object) -> None:
    with pytest.raises(AtlasError, match=r"not TopoJSON of countries .* world-atlas"):
        read_atlas(written(tmp_path, content))
