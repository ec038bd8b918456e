"""The page reads of the packed ranges what the server has of a cell."""

from typing import Any

import numpy as np

from chalicelib.features.cells import cell_of, text_of
from database.cell_animals import ROW, Cell
from database.dataset import Dataset
from database.packed import pack
from tests.unit.web.page.node import run

SYDNEY, WELLINGTON, PARIS, AT_SEA = map(cell_of, (-33.9, -41.3, 48.9, -40.0), (151.2, 174.8, 2.4, -120.0))


def test_a_cell_is_read_as_the_server_has_it() -> None:
    # GIVEN animals with different weights, relatives in the order of all cells, and a cell of which nothing is known
    rows = [
        (SYDNEY, 3, 1.0, 1),
        (SYDNEY, 200, 0.5, 2),
        (WELLINGTON, 200, 1.0, 1),
        (AT_SEA, 70_000, 0.15, 1),
        (AT_SEA, 3, 1.0, 1),
    ]
    cells = [
        Cell(SYDNEY, coast=True, areas=("AU",), relatives=(300, 7)),
        Cell(WELLINGTON, coast=True, areas=("NZ", "AU"), relatives=(7, 1)),
    ]
    packed = np.frombuffer(pack(Dataset("v1", cells, [np.array(rows, ROW)])), np.uint8)
    # WHEN the page reads them
    places = (SYDNEY, WELLINGTON, PARIS, AT_SEA)
    found = run(*(("offline/ranges.js", "livingIn", packed, text_of(each)) for each in places))
    # THEN
    expected: list[dict[str, Any]] = []
    for place in places:
        here = next((each for each in cells if each.cell == place), Cell(place, coast=False, areas=()))
        animals = sorted(row[1:] for row in rows if row[0] == place)
        expected.append(
            {
                "animals": [{"id": number, "weight": weight, "status": status} for number, weight, status in animals],
                "unknown": [],
                "relatives": list(here.relatives),
                "areas": list(here.areas),
                "version": "v1",
            }
        )
    assert found == expected
