"""The data of this checkout, as they are in the database after one load."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import ROOT
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import Features
from chalicelib.location import cell_of
from chalicelib.model.taxonomy import DOMESTIC, Prediction, Relatives, Taxonomy
from faunalens.data.database import datasets
from faunalens.data.dataset import version_of
from faunalens.data.ranges.outlines import HEIGHT, WIDTH
from tests.integration.faunalens.data.sample_data import ask
from tests.unit.chalicelib.model.real_tables import ELEPHANT, named

TAXONOMY = Taxonomy.read(ROOT / "model" / "labels.csv", ROOT / "model" / "taxa.csv")
RELATIVES = Relatives(ROOT / "model" / "relatives.csv")
PLACES = {
    "Botswana": (-19.3, 23.0),
    "Iceland": (64.5, -19.0),
    "Kiruna": (67.8, 20.2),
    "Kruger": (-24.0, 31.5),
    "London": (51.5, -0.1),
    "Longyearbyen": (78.2, 15.6),
    "Monterey Bay": (36.7, -122.0),
    "Okinawa": (26.5, 128.0),
    "Panama": (9.1, -79.7),
    "Sabah": (5.4, 117.0),
    "South Georgia": (-54.4, -36.6),
    "Sydney": (-33.87, 151.21),
    "Tokyo": (35.7, 139.7),
    "Yellowstone": (44.6, -110.5),
}


@pytest.fixture(scope="module")
def loaded(loaded_database: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(loaded_database)) as connection:
        yield connection


def test_the_dataset_is_whole(loaded: Connection) -> None:
    (dataset,) = datasets(loaded)
    assert (dataset.version, dataset.active) == (version_of(), True)
    assert ask(loaded, "select count(*) from cell_animal") == [(dataset.rows,)]
    # AND every row's animal is in the dataset; cells of the open sea are in no country and have no row of their own
    missing = "select distinct animal from cell_animal except select animal from animal"
    assert ask(loaded, missing) == []
    # AND every wild and marine animal has a range
    assert ask(loaded, "select unknown from dataset") == [([],)]
    # AND every cell of a country has animals. Antarctica's interior aside, whose only animals live on its coast.
    empty = "select cell from cell where areas <> '{}' and areas <> '{AQ}' except select distinct cell from cell_animal"
    assert ask(loaded, empty) == []


# What lives elsewhere: faunalens/data/facts.csv
def test_the_animals_of_a_place_have_their_names(loaded: Connection) -> None:
    query = "select name from cell_animal join animal using (dataset, animal) where cell = %s"
    names = {name for (name,) in ask(loaded, query, cell_of(*PLACES["Sydney"]))}
    assert {"koala", "wombat", "great white shark"} <= names
    assert not {"African elephant", "tiger"} & names


@pytest.mark.parametrize(
    ("place", "animal", "there", "not_there"),
    [
        ("Panama", "jaguar", {"ocelot", "margay", "jaguarundi"}, {"bobcat", "serval"}),
        ("Kruger", "hyena", {"spotted hyena", "brown hyena"}, {"striped hyena"}),
        ("Yellowstone", "fox squirrel", {"North American red squirrel"}, {"Abert's squirrel"}),
        ("London", "tabby cat", {"European wildcat"}, {"serval"}),
        ("Sydney", "sulphur-crested cockatoo", {"galah", "gang-gang cockatoo"}, {"palm cockatoo"}),
        ("Monterey Bay", "orca", {"Pacific white-sided dolphin"}, {"Hector's dolphin"}),
        # of all kinds: those stay off the islands where they do not live
        ("Longyearbyen", "", {"caribou"}, {"Eurasian pygmy owl"}),
        ("Kiruna", "", {"caribou"}, set()),
        ("South Georgia", "", {"gentoo penguin", "Antarctic tern"}, {"caribou"}),
        ("Iceland", "", {"short-eared owl"}, {"tawny owl", "black woodpecker", "crested tit", "Eurasian red squirrel"}),
        ("London", "", {"tawny owl"}, {"gentoo penguin", "black woodpecker", "Ural owl"}),
        ("Sabah", "", {"sun bear"}, {"Malayan tapir"}),
        ("Tokyo", "", {"Japanese raccoon dog"}, {"Amami rabbit", "Okinawa rail", "Eurasian three-toed woodpecker"}),
        ("Okinawa", "", {"Okinawa rail"}, {"Japanese serow", "Japanese raccoon dog"}),
    ],
)
def test_places_have_the_relatives_that_they_are_known_for(
    loaded: Connection, place: str, animal: str, there: set[str], not_there: set[str]
) -> None:
    ((relatives,),) = ask(loaded, "select relatives from cell where cell = %s", cell_of(*PLACES[place]))
    found = RELATIVES.unknown(relatives, set())
    if animal:
        predicted = next(each for each in TAXONOMY.animals if each.name == animal)
        prediction = Prediction(predicted.taxon, 1.0, predicted.lineage, is_domestic=predicted.kind in DOMESTIC)
        found = RELATIVES.close_to(prediction, relatives)
    names = {each.name for each in found}
    assert there <= names
    assert not not_there & names


@pytest.mark.parametrize(("place", "unexpected"), [("Botswana", False), ("Kruger", False), ("London", True)])
def test_an_elephant_is_an_elephant_wherever_the_photo_was_taken(
    loaded: Connection, place: str, unexpected: bool
) -> None:
    # GIVEN what lives at a place
    cell = cell_of(*PLACES[place])
    query = "select animal, weight, status from cell_animal where cell = %s order by animal"
    animals, weights, status = (np.array(each) for each in zip(*ask(loaded, query, cell), strict=True))
    ((relatives,),) = ask(loaded, "select relatives from cell where cell = %s", cell)
    found = CellAnimals(cell, "v1", (), animals, weights, status, relatives=np.array(relatives, np.uint16))
    # WHEN a photo of an elephant that the models take for a tusker too is named there
    for photo in (ELEPHANT, {"tusker elephant": 0.853, "African elephant": 0.117, "Asian elephant": 0.027}):
        decision = named(photo, Features("narrowed", "miss", found))
        # THEN it is an elephant, and an African one where they live
        assert decision.prediction is not None
        assert "Elephantidae" in {taxon.scientific_name for taxon in decision.prediction.lineage}
        assert decision.is_unexpected == unexpected
        assert unexpected or decision.prediction.taxon.name == "African elephant"


def test_the_largest_drawings_of_ranges_are_small_and_on_the_map(loaded: Connection) -> None:
    # GIVEN the largest, of which those of wide ranges cross the antimeridian
    query = "select outlines, paths from range_drawing order by length(outlines) + length(paths) desc limit 30"
    drawings = ask(loaded, query)
    assert len(drawings) == 30
    for outlines, paths in drawings:
        assert len(gzip.compress(outlines.encode())) < 200_000
        assert len(gzip.compress(paths.encode())) < 20_000
        for feature in json.loads(outlines)["features"]:
            for polygon in feature["geometry"]["coordinates"]:
                assert all(abs(x) <= 180 and abs(y) <= 90 for ring in polygon for x, y in ring)
        for x, y in re.findall(r"M(\d+) (\d+)l", paths):
            assert int(x) <= WIDTH
            assert int(y) <= HEIGHT
