"""Responses: how scores and features become the bodies of the contract."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from chalicelib.api.answers import class_map_of, message_of, named_in, residents_of
from chalicelib.api.responses import Candidate, ClassMapShown, MemberTaxon, PredictedTaxon, RelativesHere, RelativeTaxon
from chalicelib.features.codec import CellAnimals, Seasons
from chalicelib.features.features import Features
from chalicelib.location import cell_of, center_of
from chalicelib.model.certainty import Subject
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Decision, Member, Possible
from chalicelib.model.recogniser import ClassMap, Recognition
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Prediction, Relative, Taxon
from tests.support.records import members, predicted
from tests.unit.chalicelib.model.real_tables import TAXONOMY

KOALA, WOMBAT = 105, 106
CELL = cell_of(-33.8688, 151.2093)


def features() -> Features:
    lives = np.array([KOALA, 330], np.int32), np.array([1.0, 0.5], np.float32), np.array([1, 2], np.uint8)
    unknown, relatives = np.array([WOMBAT], np.int32), np.array([7, 8, 9], np.uint16)
    return Features("narrowed", "hit", CellAnimals(1, "v1", ("AU",), *lives, unknown, relatives))


def scores(**best: float) -> FusedScores:
    values = np.zeros(len(TAXONOMY.animals), np.float32)
    for name, value in best.items():
        values[int(name.removeprefix("a"))] = value
    return FusedScores(values, values / np.float32(2), 0.9, TAXONOMY)


def shown(
    scores: FusedScores,
    features: Features,
    top: int = 5,
    prediction: Prediction | None = None,
    relatives: Sequence[Relative] = (),
) -> tuple[PredictedTaxon | None, tuple[Candidate, ...]]:
    """Return the prediction and the candidates in an answer."""
    found, _, candidates = named_in(Recognition(scores, Decision(prediction), relatives), Prior(features, 0.02), top)
    return found, candidates


def test_candidates_are_the_likeliest_best_first() -> None:
    # GIVEN three animals with some probability; WHEN the response lists two
    _, found = shown(scores(a105=0.5, a292=0.3, a151=0.2), features(), 2)
    # THEN they come best first, with both scores and whether they live there
    assert [(each["taxon"], each["score"], each["vision_score"], each["here"]) for each in found] == [
        ("phascolarctos-cinereus", 0.5, 0.25, "native"),
        ("panthera-tigris", 0.3, 0.15, "unexpected"),
    ]
    # AND those of less than one per cent are left out
    _, found = shown(scores(a105=0.98, a292=0.01, a151=0.0099), features())
    assert [each["score"] for each in found] == [0.98, 0.01]


def test_a_candidate_has_the_season_of_its_cell_where_the_dataset_knows_it() -> None:
    # GIVEN a cell in which the koala has a season, and the wombat none
    at_home = features()
    months = np.array([[255, 128, *[0] * 10]], np.uint8)
    at_home = replace(at_home, found=at_home.found._replace(seasons=Seasons(np.array([KOALA], np.int32), months)))
    # WHEN both are candidates THEN one has its months, as shares of the best one
    _, candidates = shown(scores(**{f"a{KOALA}": 0.6, f"a{WOMBAT}": 0.3}), at_home)
    assert [each["season"] for each in candidates] == [(1.0, 0.5, *[0.0] * 10), None]


def test_residents_are_sorted_by_name_and_leave_out_animals_unknown_to_the_model() -> None:
    known = features().found
    animals = np.append(known.animals, np.int32(9999))
    weights, status = np.append(known.weights, np.float32(1)), np.append(known.status, np.uint8(1))
    unknown_to_model = replace(features(), found=known._replace(animals=animals, weights=weights, status=status))
    residents = residents_of(CELL, unknown_to_model, TAXONOMY, "r-1")["animals"]
    assert [(each["taxon"], each["here"], each["weight"]) for each in residents] == [
        (TAXONOMY.animals[330].taxon_id, "introduced", 0.5),
        ("phascolarctos-cinereus", "native", 1.0),
    ]

    # AND a cell, and no coordinates
    place = residents_of(CELL, features(), TAXONOMY, "r-1")["location"]
    assert (place["source"], place["cell"], place["areas"]) == ("request", "83be0efffffffff", ("AU",))
    assert place["center"] == center_of(CELL)


# --- the message

FAMILY = Taxon("cat", "Felidae", "family")
KOALA_TAXON = predicted("koala", "Phascolarctos cinereus", 0.974, "almost certain")
MAMMAL = Taxon("mammal", "Mammalia", "class")
WIDE = predicted("mammal", "Mammalia", 0.9, "likely", "class")
NARROW = Decision(Prediction(FAMILY, 0.8, (MAMMAL, FAMILY)))


def cat(*names: str) -> PredictedTaxon:
    """Return a cat, which may be one of some members."""
    return predicted("cat", "Felidae", 0.81, "likely", "family", members(*((name, name) for name in names)))


def perhaps(*names: str) -> tuple[Possible, ...]:
    return tuple(Possible(name, name, name, "family", 0.2, ()) for name in names)


DOG = predicted("dog", "Canis familiaris", 0.8, "likely", has=members(("basenji", "Canis familiaris")))
A_MAMMAL = Decision(Prediction(MAMMAL, 0.9, (MAMMAL,)))
ELSEWHERE = A_MAMMAL._replace(looks_like=Member("ailurus-fulgens", "red panda", "Ailurus fulgens"))


@pytest.mark.parametrize(
    ("prediction", "decision", "message"),
    [
        (KOALA_TAXON, NARROW, "Almost certain: koala."),
        (cat(), NARROW, "Likely: a cat."),
        (cat("jaguar", "ocelot", "margay"), NARROW, "Likely: a cat; jaguar, ocelot or margay."),
        (DOG, NARROW, "Likely: dog, perhaps a basenji."),
        (cat("jaguar"), NARROW._replace(is_unexpected=True), "Not known to live here: cat, likely."),
        (WIDE, A_MAMMAL._replace(perhaps=perhaps("opossum", "fox")), "A mammal; perhaps an opossum or a fox."),
        (WIDE, A_MAMMAL, "A mammal, but the photo does not show clearly which one."),
        (WIDE, ELSEWHERE, "A mammal; it looks like a red panda, which is not known to live here."),
        (
            WIDE,
            ELSEWHERE._replace(perhaps=perhaps("deer", "fox")),
            "A mammal; perhaps a deer or a fox. It looks like a red panda, which is not known to live here.",
        ),
    ],
)
def test_the_message_says_name_and_certainty(prediction: PredictedTaxon, decision: Decision, message: str) -> None:
    assert message_of(prediction, decision, "narrowed", "animal") == message


@pytest.mark.parametrize(
    ("decision", "subject", "message"),
    [
        (Decision(perhaps=perhaps("deer", "peccary")), "animal", "This is an animal; perhaps a deer or a peccary."),
        (Decision(), "animal", "This is an animal, but the photo does not show clearly which one."),
        (Decision(), "person", "The photo shows a person."),
        (Decision(), "unclear", "No animal was recognised in this photo."),
    ],
)
def test_the_message_without_a_prediction_says_what_is_known(
    decision: Decision, subject: Subject, message: str
) -> None:
    assert message_of(None, decision, "narrowed", subject) == message


def test_the_message_says_that_a_list_too_is_from_the_photo_alone() -> None:
    # GIVEN an animal without a name, at a place whose features could not be had THEN the message says so
    unnamed = message_of(None, Decision(perhaps=perhaps("deer")), "degraded", "animal")
    assert unnamed.endswith(
        "perhaps a deer. The animals of this area are temporarily unavailable, so only the photo was used."
    )
    # AND without an animal there is nothing that the place would change
    assert message_of(None, Decision(), "degraded", "none") == "No animal was recognised in this photo."


def test_a_prediction_has_a_rounded_score_and_names_its_relatives_here() -> None:
    # GIVEN a jaguar at a place with some of its relatives WHEN the response is built
    jaguar = Prediction(Taxon("jaguar", "Panthera onca", "species"), 0.983456, (MAMMAL, FAMILY))
    relatives = [Relative(each, each, each, "Panthera", "Felidae", "Carnivora", "Mammalia") for each in "abcdefghijklm"]
    for count, sentence in (
        (1, "1 close relative lives here that the model does not know: a."),
        (3, "3 close relatives live here that the model does not know: a, b and c."),
        (13, "13 close relatives live here that the model does not know: a, b, c and 10 more."),
    ):
        found, _ = shown(scores(), features(), prediction=jaguar, relatives=relatives[:count])
        # THEN it has them in this order, at most ten
        here = RelativesHere(
            count=count,
            taxa=tuple(RelativeTaxon(taxon=each, name=each, scientific_name=each) for each in "abcdefghij"[:count]),
        )
        jaguar_here = predicted("jaguar", "Panthera onca", 0.9835, "almost certain")
        assert found == {**jaguar_here, "relatives_here": here}
        # AND the message names three
        assert message_of(found, NARROW, "narrowed", "animal") == f"Almost certain: jaguar. {sentence}"
    # AND few are named also if the animals of a family are, because they may be the same
    few = cat("a")
    few["relatives_here"] = {"count": 1, "taxa": (RelativeTaxon(taxon="a", name="a", scientific_name="a"),)}
    assert message_of(few, NARROW, "narrowed", "animal") == (
        "Likely: a cat, perhaps an a. 1 close relative lives here that the model does not know: a."
    )
    # AND without a prediction there is none
    assert shown(scores(), features())[0] is None


def test_the_word_fits_the_number_that_is_shown_and_members_are_in_the_answer() -> None:
    # GIVEN a score that is rounded up to the least of a word; THEN word and number agree
    decision = Decision(Prediction(FAMILY, 0.94996, (FAMILY,)), members=(Member("o", "ocelot", "L. p."),))
    found, *_ = named_in(Recognition(scores(), decision, ()), Prior(features(), 0.02), 5)
    assert found is not None
    assert (found["score"], found["sure"], found["members"]) == (
        0.95,
        "almost certain",
        (MemberTaxon(taxon="o", name="ocelot", scientific_name="L. p."),),
    )


def test_a_class_map_is_in_shares_of_its_strongest_square_or_is_none() -> None:
    squares = np.array([[-1.0, 2.0], [0.5, 4.0]], np.float32)
    assert class_map_of(ClassMap(0.89041, squares)) == ClassMapShown(share=0.8904, rows=((0.0, 0.5), (0.12, 1.0)))
    # AND one of a photo in which nothing speaks for the animal shows nothing
    assert class_map_of(ClassMap(0.89041, -np.abs(squares))) is None
    assert class_map_of(None) is None
