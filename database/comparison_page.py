"""A comparison of two datasets as one HTML page, with maps of the animals that change most. No I/O but the map."""

from html import escape
from pathlib import Path
from typing import Final

import numpy as np

from database.areas.area_cells import read_area_cells
from database.compare import Change, Comparison
from database.ranges.drawings import HEIGHT, WIDTH, path_data, place_on_map
from database.ranges.outlines import Outlines

_WORLD: Final = Path(__file__).parents[1] / "chalicelib" / "world.svg"
_MAPS: Final = 24
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere}} h1{{overflow-wrap:anywhere}}
main{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1rem}}
figure{{margin:0}} .sea{{fill:#eef0e6}} .land{{fill:#cfd3bd}}
.kept{{fill:#7d8a75}} .gained{{fill:#1b6ac9}} .lost{{fill:#c2410c}}
b.gained{{color:#1b6ac9}} b.lost{{color:#c2410c}}
@media (prefers-color-scheme:dark){{
.sea{{fill:#1a1f19}} .land{{fill:#3d4738}}
.kept{{fill:#8d9a85}} .gained{{fill:#79b4f7}} .lost{{fill:#f59461}}
b.gained{{color:#79b4f7}} b.lost{{color:#f59461}}
}}
</style>
<h1>{title}</h1>
<pre>{text}</pre>
<h2>What changes most</h2>
<p>Cells <b class="gained">gained</b>, <b class="lost">lost</b> and kept.</p>
<svg width="0" height="0"><defs><g id="world">{world}</g></defs></svg>
<main>
{figures}
</main>
</html>
"""


def page_of(comparison: Comparison) -> str:
    """Return the page."""
    outlines = Outlines(read_area_cells().earth)
    svg = _WORLD.read_text(encoding="utf-8")
    return _PAGE.format(
        title=escape(f"Dataset {comparison.new} compared with {comparison.old}"),
        text=escape("\n".join(comparison.lines())),
        world=svg[svg.index('<path class="sea"') : svg.rindex("</svg>")],
        figures="\n".join(_figure(each, outlines) for each in comparison.changes[:_MAPS] if each.gained or each.lost),
    )


def _figure(change: Change, outlines: Outlines) -> str:
    paths = []
    for name, cells in (("kept", change.kept), ("lost", change.lost), ("gained", change.gained)):
        inside = np.zeros(len(outlines.earth.cells), bool)
        inside[outlines.earth.positions(cells)] = True
        data = "".join(path_data(place_on_map(outlines.points[ring])) for ring in outlines.rings(inside))
        if data:
            paths.append(f'<path class="{name}" d="{data}"/>')
    caption = f"{change.name}: {len(change.gained):,} cells gained, {len(change.lost):,} lost"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(caption)}</title>'
        f'<use href="#world"/>{"".join(paths)}</svg><figcaption>{escape(caption)}</figcaption></figure>'
    )
