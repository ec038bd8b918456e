"""Responses: how scores and features become the bodies of the contract."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from chalicelib.api import answers
from chalicelib.api import responses as answer
from chalicelib.api.answers import candidates_of, message_of, place_of, predicted_taxon, residents_of
from chalicelib.api.responses import PredictedTaxon, RelativesHere, RelativeTaxon
from chalicelib.config.settings import Settings
from chalicelib.features import cells
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Mode
from chalicelib.model.relatives import COLUMNS, Relatives
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Taxon, Taxonomy

KOALA, WOMBAT, DOG, TIGER, SNAIL = 105, 106, 151, 292, 113


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    model = Settings().model.path
    return Taxonomy.read(model.with_name("labels.csv"), model.with_name("taxa.csv"))


def features(mode: Mode = "narrowed", cache: CacheLevel = "hit") -> Features:
    found = CellAnimals(
        1,
        "v1",
        ("AU",),
        np.array([KOALA, 330], np.int32),
        np.array([1.0, 0.5], np.float32),
        np.array([1, 2], np.uint8),
        np.array([WOMBAT], np.int32),
        np.array([7, 8, 9], np.uint16),
    )
    return Features(mode, cache, found)


def scores(taxonomy: Taxonomy, **best: float) -> Scores:
    values = np.zeros(len(taxonomy.animals), np.float32)
    for name, value in best.items():
        values[int(name.removeprefix("a"))] = value
    return Scores(values, values / np.float32(2), 0.9)


def test_candidates_are_the_likeliest_best_first(taxonomy: Taxonomy) -> None:
    # GIVEN three animals with some probability; WHEN the response lists two
    found = candidates_of(scores(taxonomy, a105=0.5, a292=0.3, a151=0.2), features(), taxonomy, 2)
    # THEN they come best first, with both scores and whether they live there
    assert [(each.taxon, each.score, each.vision_score, each.here) for each in found] == [
        ("phascolarctos-cinereus", 0.5, 0.25, "native"),
        ("panthera-tigris", 0.3, 0.15, "unexpected"),
    ]


def test_ties_keep_the_models_order(taxonomy: Taxonomy) -> None:
    found = candidates_of(scores(taxonomy), features(), taxonomy, 3)
    assert [each.taxon for each in found] == [animal.taxon_id for animal in taxonomy.animals[:3]]


@pytest.mark.parametrize(
    ("animal", "mode", "here"),
    [
        (KOALA, "narrowed", "native"),
        (330, "narrowed", "introduced"),
        (TIGER, "narrowed", "unexpected"),
        (DOG, "narrowed", "everywhere"),
        (SNAIL, "narrowed", "everywhere"),
        (DOG, "degraded", "everywhere"),
        (KOALA, "degraded", None),
        (TIGER, "no_location", None),
        (TIGER, "unknown_area", "unknown"),
        (DOG, "unknown_area", "everywhere"),
        (WOMBAT, "narrowed", "unknown"),
        (WOMBAT, "degraded", None),
    ],
)
def test_here_says_only_what_is_known(taxonomy: Taxonomy, animal: int, mode: Mode, here: str | None) -> None:
    (found,) = candidates_of(scores(taxonomy, **{f"a{animal}": 1.0}), features(mode), taxonomy, 1)
    assert found.here == here


def test_residents_are_sorted_by_name_and_leave_out_animals_unknown_to_the_model(taxonomy: Taxonomy) -> None:
    known = features().found
    animals = np.append(known.animals, np.int32(9999))
    weights, status = np.append(known.weights, np.float32(1)), np.append(known.status, np.uint8(1))
    unknown_to_model = replace(features(), found=known._replace(animals=animals, weights=weights, status=status))
    residents = residents_of(unknown_to_model, taxonomy)
    assert [(each.taxon, each.here, each.weight) for each in residents] == [
        (taxonomy.animals[330].taxon_id, "introduced", 0.5),
        ("phascolarctos-cinereus", "native", 1.0),
    ]


def test_a_place_shows_its_cell_only() -> None:
    cell = cells.cell_of(-33.8688, 151.2093)
    place = place_of(cell, "exif", features())
    assert (place.source, place.cell, place.areas) == ("exif", "83be0efffffffff", ("AU",))
    assert place.center == cells.center_of(cell)


def test_no_location_gives_an_empty_place() -> None:
    place = place_of(None, "none", NO_LOCATION)
    assert (place.source, place.cell, place.center, place.areas) == ("none", None, None, ())


def test_the_message_says_rank_and_score_where_they_help() -> None:
    koala = PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.974, None)
    cats = PredictedTaxon("cat family", "Felidae", "family", 0.81, None)
    assert message_of(koala, features()) == "Most likely: koala (97%)."
    assert message_of(cats, features()) == "Most likely: cat family (family, 81%)."
    animal = PredictedTaxon("animal", "Animalia", "kingdom", 1.0, None)
    assert message_of(animal, features()) == "This is an animal, but the photo does not show clearly which one."
    assert message_of(None, features()) == "No animal was recognised in this photo."


@pytest.mark.parametrize("mode", get_args(Mode))
def test_the_message_says_so_when_the_location_was_not_used(mode: Mode) -> None:
    koala = PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.974, None)
    assert ("only the photo was used" in message_of(koala, features(mode))) == (mode in ("degraded", "unknown_area"))


def test_a_prediction_has_a_rounded_score() -> None:
    nobody = Relatives(Path("nowhere.csv"))
    response = predicted_taxon(
        Prediction(Taxon("koala", "Phascolarctos cinereus", "species"), 0.123456), features(), nobody
    )
    assert response == PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.1235, None)
    assert predicted_taxon(None, features(), nobody) is None


def test_a_prediction_names_its_relatives_here(tmp_path: Path) -> None:
    # GIVEN three relatives in the cell, and a file that knows two of them
    path = tmp_path / "relatives.csv"
    path.write_text(
        f"{','.join(COLUMNS)}\n9,margay,M. w.,margay,Leopardus,Felidae,Carnivora,Mammalia\n"
        "7,lion,P. l.,lion,Panthera,Felidae,Carnivora,Mammalia\n"
    )
    lineage = (Taxon("cat", "Felidae", "family"), Taxon("big cat", "Panthera", "genus"))
    jaguar = Prediction(Taxon("jaguar", "Panthera onca", "species"), 0.98, lineage)
    # WHEN the response is built THEN it has both, the one of the same genus first
    found = predicted_taxon(jaguar, features(), Relatives(path))
    assert found is not None
    assert found.relatives_here == RelativesHere(
        2, (RelativeTaxon("lion", "lion", "P. l."), RelativeTaxon("margay", "margay", "M. w."))
    )
    # AND the message says so
    assert message_of(found, features()) == (
        "Most likely: jaguar (98%). 2 close relatives live here that the model does not know: lion and margay."
    )


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "1 close relative lives here that the model does not know: a."),
        (3, "3 close relatives live here that the model does not know: a, b and c."),
        (25, "25 close relatives live here that the model does not know: a, b, c and 22 more."),
    ],
)
def test_the_message_names_three_relatives(count: int, sentence: str) -> None:
    taxa = tuple(RelativeTaxon(name, name, name) for name in "abcdefghij"[:count])
    koala = PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.974, RelativesHere(count, taxa))
    assert message_of(koala, features()) == f"Most likely: koala (97%). {sentence}"


def test_an_answer_is_json() -> None:
    residents = answer.Residents((), place_of(None, "none", NO_LOCATION), answers.features_used(NO_LOCATION), "r-1")
    assert json.loads(json.dumps(asdict(residents)))["request_id"] == "r-1"
