"""`python -m faunalens.data explain`: where an animal lives, in words, with sources and a small map."""

from argparse import Namespace
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import numpy as np

from faunalens.data.areas.area_cells import LAND, Earth, read_names
from faunalens.data.cell_animals import INTRODUCED, CellWeights
from faunalens.data.dataset import Ranges
from faunalens.data.dataset_files import FILES, RANGE_FILES, RELATIVES, DatasetError, read_rows
from faunalens.data.ranges.language import Statement, in_words

WIDTH: Final = 120
HEIGHT: Final = 36
"""Characters of the map: 3° of longitude and 5° of latitude each."""


def main(options: Namespace) -> int:
    """Print the statements about a taxon in words, with their sources, and a map of its cells. Return 0."""
    ranges = Ranges(*RANGE_FILES)
    taxon = _taxon(options.taxon, ranges)
    names = read_names()
    found = ranges.cells_of(taxon)
    print(taxon)
    for statement in ranges.statements[taxon]:
        print(f"  {describe(statement, names)} [{statement.source}; {statement.place}]")
    if taxon in ranges.maps:
        print(f"  range map of {len(ranges.maps[taxon]):,} cells [phylacine]")
    print(f"\n{drawn(found, ranges.areas.earth)}\n")
    marks = found.weights > 0, found.weights == 1, found.status == INTRODUCED
    lives, full, brought = (cells.sum() for cells in marks)
    print(f"{lives:,} cells: {full:,} in full (#), {brought:,} introduced (o), others in part (+)")
    return 0


def describe(statement: Statement, names: Mapping[str, str]) -> str:
    """Return a statement as one line: status, range, doubts, season and note. `names`: the name of each area's code."""
    words = in_words(statement.range, names)
    start = f"{statement.status} somewhere within" if statement.extent == "within" else statement.status
    details = [statement.season, "in doubt" if statement.certainty == "doubt" else "", statement.note]
    more = "; ".join(filter(None, details))
    return f"{start}: {words}" + (f" ({more})" if more else "")


def drawn(found: CellWeights, earth: Earth) -> str:
    """Return a map of the world as text: `#` the taxon lives here, `+` in part or near, `o` introduced, `·` land."""
    rows = np.clip(((90 - earth.latitude) / 180 * HEIGHT).astype(int), 0, HEIGHT - 1)
    columns = np.clip(((earth.longitude + 180) / 360 * WIDTH).astype(int), 0, WIDTH - 1)
    image = np.full((HEIGHT, WIDTH), " ")
    native = found.status != INTRODUCED
    marks = [
        ("·", earth.realm[LAND]),
        ("+", (found.weights > 0) & native),
        ("o", (found.weights > 0) & ~native),
        ("#", (found.weights == 1) & native),
    ]
    for mark, cells in marks:
        image[rows[cells], columns[cells]] = mark
    return "\n".join("".join(row).rstrip() for row in image)


def _taxon(text: str, ranges: Ranges) -> str:
    """Return a taxon's id, given its id, scientific or common name. Raise `DatasetError` for an unknown name."""
    wanted = text.strip().lower()
    for row in (*read_rows(FILES["taxon_facts"]), *read_rows(FILES["labels"].with_name(RELATIVES))):
        if wanted in (row["taxon"], row["name"].lower(), row["scientific_name"].lower()):
            if row["taxon"] in ranges.statements:
                return row["taxon"]
            raise DatasetError(f"no range is stated for {row['taxon']}; add a row to a file in faunalens/data/ranges/")
    similar = get_close_matches(wanted.replace(" ", "-"), ranges.statements, n=3)
    advice = (
        f"similar: {', '.join(similar)}" if similar else "faunalens/data/taxa.csv and model/relatives.csv list them"
    )
    raise DatasetError(f"no taxon is called '{text}'; {advice}")
