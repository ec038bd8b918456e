"""Small datasets for these tests."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import grid
from faunalens.data.cell_animals import ROW, SEASON, Cell
from faunalens.data.dataset import Dataset
from faunalens.data.load import load
from faunalens.data.ranges.language import Statement, parse
from faunalens.data.ranges.outlines import Drawing
from faunalens.data.taxa import AnimalRow

RANGES = "taxon,areas,status,certainty,extent,season,source,note\n"
KOALA = f"{RANGES}phascolarctos-cinereus,AU,,,,,mdd,\n"

HERE = cell_of(48.6, 7.8)
SEA = cell_of(0.0, 0.0)
STATEMENT = Statement("a", parse("FR - FR-A"), "native", "sure", "throughout", "", "book", "", "ranges.csv, line 2")

NAMES = 'the "odd", one', "Animalia sp.", "species", "wild", ("Chordata", "Canis familiaris")
SEASONS = np.array([(HERE, 1, bytes(range(240, 252))), (HERE, 2, bytes(12))], SEASON)

EVERYWHERE = [HERE, *(cell for cell in grid()[0].tolist() if cell not in (HERE, SEA))]


def load_all(where: Connection | str, *versions: str, **options: Any) -> None:
    """Load small datasets without switching to them. `where`: a connection or a URL; `options`: of `dataset`."""
    if isinstance(where, str):
        with closing(psycopg2.connect(where)) as connection:
            return load_all(connection, *versions, **options)
    for version in versions:
        load(where, dataset(version, **options), lambda _line: None)
    return None


def ask(connection: Connection, query: str, *arguments: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()


def cells(count: int) -> list[int]:
    """Return that many cells, `HERE` first and never `SEA`."""
    return EVERYWHERE[:count]


def dataset(version: str, animals: int = 3, cell_count: int = 2, weight: float = 0.5) -> Dataset:
    """Return a dataset with every animal in every cell; animals with odd numbers are introduced."""
    numbers = np.arange(animals)
    chunks = []
    for cell in cells(cell_count):
        rows = np.empty(animals, ROW)
        rows["cell"], rows["animal"], rows["weight"], rows["status"] = cell, numbers, weight, 1 + numbers % 2
        chunks.append(rows)
    return Dataset(
        version,
        cells=[Cell(cell, False, ("DE", "FR"), (30000, 2)) for cell in cells(cell_count)],
        cell_animals=chunks,
        animals=[AnimalRow(number, f"animalia-{number}", *NAMES) for number in range(animals)],
        statements=[(0, STATEMENT), (1, replace(STATEMENT, status="introduced"))][:animals],
        sources=[("book", "A book", "Author (2025). A book, with commas.", "CC BY 4.0")],
        taxa=[("Chordata", "phylum", "chordate")],
        unknown=[AnimalRow(9, "animalia-9", "nine", "Animalia sp.", "species", "wild", ())],
        seasons=[SEASONS] if version == "seasonal" else [],
        drawings=[Drawing(0, '{"type":"FeatureCollection","features":[]}', '<path d="M0 0"/>')],
    )
