"""Make chalicelib/world.svg, the map on which ranges are drawn, from the outline of the land on the page's map:

python -m database.world_map web/page/src/world.json
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np

from database.ranges.drawings import HEIGHT, WIDTH, path_data, place_on_map

FILE: Final = Path(__file__).parents[1] / "chalicelib" / "world.svg"
_TEMPLATE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The world</title>
<style>
.sea{{fill:#eef0e6}}.land{{fill:#cfd3bd}}.native{{fill:#2f6a3d}}.introduced{{fill:#b0651d}}
@media (prefers-color-scheme:dark){{
.sea{{fill:#1a1f19}}.land{{fill:#3d4738}}.native{{fill:#93cb9c}}.introduced{{fill:#e0a356}}
}}
</style>
<path class="sea" d="{sea}"/>
<path class="land" d="{land}"/>
</svg>
"""
"""The colours are those of web/page/src/style.css."""


def world_svg(outlines: Path) -> str:
    """Return the map. `outlines`: world.json, whose rings are a first point and differences, longitude first."""
    world = json.loads(outlines.read_text(encoding="utf-8"))
    rings = (np.array(ring).reshape(-1, 2).cumsum(axis=0) / world["units_per_degree"] for ring in world["rings"])
    latitudes = np.arange(-90.0, 91.0, 5.0)
    east = np.stack([np.full_like(latitudes, 180.0), latitudes], axis=1)
    sea = path_data(place_on_map(np.concatenate([east, east[::-1] * (-1, 1)])))
    land = "".join(path_data(place_on_map(ring)) for ring in rings)
    return _TEMPLATE.format(width=WIDTH, height=HEIGHT, sea=sea, land=land)


def main(arguments: list[str] | None = None) -> None:
    """Write chalicelib/world.svg."""
    description = "Make chalicelib/world.svg from the land on the page's map."
    parser = argparse.ArgumentParser(prog="python -m database.world_map", description=description)
    parser.add_argument("outlines", type=Path, help="web/page/src/world.json")
    parser.add_argument("--output", type=Path, default=FILE, help="file to write (default: %(default)s)")
    options = parser.parse_args(arguments)
    options.output.write_text(world_svg(options.outlines), encoding="utf-8")


if __name__ == "__main__":
    main()
