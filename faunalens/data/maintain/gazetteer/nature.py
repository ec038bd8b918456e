"""Places in nature: parks from parks.csv, and islands, mountains, deserts and more from Natural Earth."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from faunalens.data.dataset_files import read_rows

_FOLDER: Final = Path(__file__).parent
_PARKS: Final = _FOLDER / "parks.csv"
_NATURAL_NAMES: Final = _FOLDER / "natural_names.csv"
"""Names of Natural Earth that are abbreviated, misspelt or foreign, with names in other languages; an empty one is left
out."""
_WIDE: Final = 300.0
"""Kilometres across from which one point says too little about what lives there: almost three cells."""
_KINDS: Final = {row["featurecla"]: row["kind"] for row in read_rows(_FOLDER / "natural_kinds.csv")}
"""What Natural Earth calls a feature (`featurecla`), and what the page calls it."""
_SHORT: Final = {
    r"\bIsands\b": "Islands",  # a misspelling
    r"\bIs\.": "Islands",
    r"\bI\.": "Island",
    r"\bArch\.": "Archipelago",
    r"\bMts\.": "Mountains",
    r"\bRa\.": "Range",
    r"\bPen\.": "Peninsula",
    r"\s+": " ",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """A place in nature. `country`: ISO 3166-1 alpha-2, or empty. `is_wide`: too wide for a single point."""

    names: tuple[str, ...]
    kind: str
    country: str
    latitude: float
    longitude: float
    is_wide: bool = False


def read_parks(path: Path = _PARKS) -> Iterator[Feature]:
    """Read parks.csv, which we wrote: parks, reserves and other places where people photograph animals, to 0.1°."""
    for row in read_rows(path):
        names = row["name"], *filter(None, row["also"].split(";"))
        yield Feature(names, "park", row["country"], float(row["latitude"]), float(row["longitude"]))


def read_natural_earth(path: Path) -> Iterator[Feature]:
    """Read places of the kinds in natural_kinds.csv from Natural Earth's GeoJSON file of geographic regions."""
    rows = read_rows(_NATURAL_NAMES)
    names = {row["natural_earth"]: (row["name"], *filter(None, row["also"].split(";"))) for row in rows}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        properties = feature["properties"]
        name, kind = properties["name"], _KINDS.get(properties["featurecla"])
        in_full = name
        for short, full in _SHORT.items():
            in_full = re.sub(short, full, in_full)
        own = names.get(name.strip(), (in_full.strip(),))
        if kind and own[0]:
            yield Feature(own, kind, "", *_middle(feature["geometry"]))


def _middle(geometry: dict[str, Any]) -> tuple[float, float, bool]:
    """Return the latitude and longitude of a point in the largest part of an area, and whether the area is wide."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    outlines = [np.array(rings[0])[:, :2] for rings in polygons]
    largest = max(outlines, key=lambda outline: float(np.prod(np.ptp(outline, axis=0))))
    longitudes, latitudes = np.concatenate(outlines).T
    turned = np.where(longitudes < 0, longitudes + 360, longitudes)  # for islands on both sides of the antimeridian
    height, width = np.ptp(latitudes), min(np.ptp(longitudes), np.ptp(turned))
    across = 111.2 * math.hypot(height, width * math.cos(math.radians(latitudes.mean())))
    latitude = float((largest[:, 1].min() + largest[:, 1].max()) / 2)
    return latitude, _within(largest, latitude), across > _WIDE


def _within(outline: np.ndarray[Any, Any], latitude: float) -> float:
    """Return the middle longitude of the longest part of the parallel at `latitude` that is inside an outline."""
    ends = np.roll(outline, -1, axis=0)
    crosses = (outline[:, 1] > latitude) != (ends[:, 1] > latitude)
    start, end = outline[crosses], ends[crosses]
    if not len(start):
        return float(outline[:, 0].mean())
    found = np.sort(start[:, 0] + (latitude - start[:, 1]) / (end[:, 1] - start[:, 1]) * (end[:, 0] - start[:, 0]))
    west, east = max(zip(found[::2], found[1::2], strict=True), key=lambda stretch: stretch[1] - stretch[0])
    return float((west + east) / 2)
