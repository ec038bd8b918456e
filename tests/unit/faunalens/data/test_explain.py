"""What `python -m faunalens.data explain` prints: a statement in words, and a map of the world."""

import numpy as np
import pytest

from faunalens.data.__main__ import main
from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import CellWeights
from faunalens.data.explain import HEIGHT, WIDTH, describe, drawn
from faunalens.data.ranges.language import Statement, parse

AROUND = np.zeros((5, 6), np.intp)


def test_a_statement_is_described_with_all_that_limits_it() -> None:
    statement = Statement("a", parse("PE"), "native", "doubt", "within", "winter", "book", "few records", "a, line 2")
    assert describe(statement, {"PE": "Peru"}) == "native somewhere within: Peru (winter; in doubt; few records)"


def test_the_map_marks_each_kind_of_cell() -> None:
    # GIVEN five cells on the equator, four of them land
    longitude = np.array([-150.0, -75.0, 0.0, 75.0, 150.0])
    realm = np.array([[True] * 4 + [False], [False] * 4 + [True]])
    earth = Earth(np.arange(5), np.zeros(5), longitude, AROUND, AROUND, realm)
    lives = CellWeights(np.array([1, 0.5, 0.5, 0, 0], np.float32), np.array([1, 1, 2, 0, 0], np.uint8))
    lines = drawn(lives, earth).split("\n")
    # THEN the line of the equator has the marks from west to east, and all other lines are empty
    assert len(lines) == HEIGHT
    assert lines[HEIGHT // 2].split() == ["#", "+", "o", "·"]
    assert lines[HEIGHT // 2].index("o") == WIDTH // 2
    assert "".join(lines[: HEIGHT // 2]) == ""


# The second is a relative: no class of the model stands for it.
@pytest.mark.parametrize(
    ("name", "taxon", "file"),
    [
        ("Phascolarctos cinereus", "phascolarctos-cinereus", "mammals.csv"),
        ("ocelot", "leopardus-pardalis", "relatives/mammals.csv"),
    ],
)
def test_a_range_is_found_by_name_with_its_file_and_line(
    name: str, taxon: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == 0
    found, first, *_ = capsys.readouterr().out.splitlines()
    assert found == taxon
    assert f"; {file}, line " in first
    # AND an unknown name gets similar ones
    assert main(["explain", "phascolarctos cinereis"]) == 1
    assert capsys.readouterr().err.startswith("error: no taxon is called 'phascolarctos cinereis'; similar: phascol")
