"""Relatives by cell: where statements say that they live, the most widespread first."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.features.cells import cell_of
from chalicelib.model.relatives import Relatives
from chalicelib.model.taxonomy import Prediction, Taxonomy
from database.areas.area_cells import AreaCells, read_area_cells
from database.dataset import read_dataset
from database.ranges.statement import Statement, statement_of
from database.relatives.cell_relatives import cell_relatives

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
RELATIVES = Relatives(MODEL / "relatives.csv")


@pytest.fixture(scope="module")
def areas() -> AreaCells:
    return read_area_cells()


@pytest.fixture(scope="module")
def here() -> dict[int, tuple[int, ...]]:
    """The relatives in each cell of this checkout's dataset."""
    return {cell.cell: cell.relatives for cell in read_dataset().cells}


def statement(taxon: str, areas: str, status: str = "") -> Statement:
    columns = ("certainty", "extent", "season", "note")
    return statement_of(
        {"taxon": taxon, "areas": areas, "status": status, "source": "mdd", **dict.fromkeys(columns, "")}, ""
    )


def test_they_live_where_their_statements_say_the_most_widespread_first(areas: AreaCells) -> None:
    # GIVEN a cat of Uruguay, a cat of two countries that was introduced to Cuba, a stray, and one without a statement
    statements = {
        "one": [statement("one", "UY")],
        "two": [statement("two", "UY AR"), statement("two", "CU", "introduced")],
        "stray": [statement("stray", "UY", "vagrant")],
    }
    found = cell_relatives({"one": 1, "two": 2, "stray": 3, "nowhere": 4}, statements, areas)
    # THEN each cell has those that live in it
    assert found[cell_of(-33.0, -56.0)] == (2, 1)
    assert found[cell_of(-38.0, -65.0)] == (2,)
    assert found[cell_of(21.8, -78.5)] == (2,)
    assert cell_of(48.6, 7.8) not in found


PLACES: dict[str, tuple[float, float]] = {
    "Panama": (9.1, -79.7),
    "Yellowstone": (44.6, -110.5),
    "Kruger": (-24.0, 31.5),
    "Sabah": (5.3, 117.5),
    "London": (51.5, -0.1),
    "Sydney": (-33.8, 151.2),
    "Monterey Bay": (36.7, -122.0),
}


@pytest.mark.parametrize(
    ("place", "animal", "there", "not_there"),
    [
        ("Panama", "jaguar", {"ocelot", "margay", "jaguarundi"}, {"bobcat", "serval"}),
        ("Kruger", "lion", {"serval", "caracal"}, {"ocelot"}),
        ("Kruger", "impala", {"greater kudu", "nyala"}, {"chamois"}),
        ("Sabah", "leopard", {"bay cat", "marbled cat"}, {"Asian golden cat"}),
        ("Yellowstone", "puma", set(), {"ocelot"}),
        ("Yellowstone", "fox squirrel", {"North American red squirrel"}, {"Abert's squirrel"}),
        ("London", "tabby cat", {"European wildcat"}, {"serval"}),
        ("London", "great grey owl", {"tawny owl", "little owl"}, {"barred owl"}),
        ("London", "American robin", {"song thrush", "mistle thrush"}, {"wood thrush"}),
        ("Sydney", "sulphur-crested cockatoo", {"galah", "gang-gang cockatoo"}, {"palm cockatoo"}),
        ("Monterey Bay", "orca", {"Pacific white-sided dolphin"}, {"Hector's dolphin"}),
    ],
)
def test_places_have_the_relatives_that_they_are_known_for(
    here: dict[int, tuple[int, ...]], place: str, animal: str, there: set[str], not_there: set[str]
) -> None:
    predicted = next(each for each in TAXONOMY.animals if each.name == animal)
    prediction = Prediction(predicted.taxon, 1.0, predicted.lineage, is_domestic=predicted.kind == "domestic")
    names = {each.name for each in RELATIVES.close_to(prediction, here[cell_of(*PLACES[place])])}
    assert there <= names
    assert not not_there & names


def test_marsupials_of_unknown_families_live_in_sydney_and_not_in_london(here: dict[int, tuple[int, ...]]) -> None:
    # GIVEN the taxa of the model's tree, and what lives in two cities
    tree = frozenset((taxon.rank, taxon.scientific_name) for animal in TAXONOMY.animals for taxon in animal.lineage)
    sydney, london = (
        RELATIVES.counts_of(np.array(here[cell_of(*PLACES[place])], np.uint16), tree) for place in ("Sydney", "London")
    )
    # THEN possums and gliders are unknown families in one of them, and rodents in both
    diprotodontia, rodents = ("order", "Diprotodontia"), ("order", "Rodentia")
    assert sydney[diprotodontia] >= 4
    assert diprotodontia not in london
    assert sydney[rodents] >= 1 <= london[rodents]
