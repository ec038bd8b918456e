"""What a photo may be called, with the features of its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features, degraded
from chalicelib.model.manifest import Manifest
from chalicelib.model.models import FusedScores, PackRun
from chalicelib.model.naming import (
    LEAST_BOX,
    MOST_EMPTY,
    RIVAL_WEIGHT,
    Decision,
    Naming,
    Subject,
    predict,
    rivals_of,
    subject_of,
)
from chalicelib.model.packs import Pack
from chalicelib.model.prior import Prior
from chalicelib.model.relatives import COLUMNS, Relatives
from chalicelib.model.taxonomy import Prediction, Rival, Taxonomy
from testing.tiny_model import write_pack

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
OUTPUT = {animal.name: animal.output_index for animal in TAXONOMY.animals}
NOWHERE = Prior(NO_LOCATION, 0.02)
NUMBERS = np.array([1, 2, 3, 4], np.uint16)
FOXES = """1,lycalopex-gymnocerca,Lycalopex gymnocerca,Pampas fox,Lycalopex,Canidae,Carnivora,Mammalia
2,cerdocyon-thous,Cerdocyon thous,crab-eating fox,Cerdocyon,Canidae,Carnivora,Mammalia
3,urocyon-littoralis,Urocyon littoralis,island fox,Urocyon,Canidae,Carnivora,Mammalia
4,speothos-venaticus,Speothos venaticus,bush dog,Speothos,Canidae,Carnivora,Mammalia
"""


def naming(folder: Path) -> Naming:
    path = folder / "relatives.csv"
    path.write_text(",".join(COLUMNS) + "\n" + FOXES, encoding="utf-8")
    return Naming(Relatives(path), threshold=0.8, degraded=0.9)


def seen(animal_probability: float = 1.0, **shares: float) -> FusedScores:
    """Return the scores of a photo that looks like these animals."""
    vision = np.zeros(len(TAXONOMY.animals), np.float32)
    for name, share in shares.items():
        vision[OUTPUT[name.replace("_", " ")]] = share
    return FusedScores(vision / vision.sum(), vision, animal_probability, TAXONOMY)


def at(relatives: "np.ndarray[tuple[int], np.dtype[np.uint16]]") -> Features:
    """Return the features of a place where all animals of these tests live, and some unknown ones."""
    animals = np.array(sorted(animal.id for animal in TAXONOMY.animals), np.int32)
    weights, status = np.ones(len(animals), np.float32), np.ones(len(animals), np.uint8)
    found = NO_ANIMALS._replace(animals=animals, weights=weights, status=status, relatives=relatives)
    return replace(NO_LOCATION, mode="narrowed", found=found)


def name_of(decision: Decision) -> tuple[str | None, bool]:
    return None if decision.prediction is None else decision.prediction.taxon.name, decision.is_widened


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (at(NUMBERS[:0]), ("grey fox", False)),  # no other foxes live here
        (at(NUMBERS), ("dog, wolf or fox", True)),  # four unknown ones do
        (NO_LOCATION, ("grey fox", False)),  # only the photo counts
        (degraded(("postgres_timeout",)), ("dog, wolf or fox", False)),  # features that could not be read: needs more
    ],
    ids=["no unknown relatives", "unknown relatives", "no place", "degraded"],
)
def test_unknown_relatives_of_the_place_widen_an_answer(
    tmp_path: Path, place: Features, expected: tuple[str, bool]
) -> None:
    # GIVEN a photo that looks like a grey fox, and a little like a red fox
    fox = seen(grey_fox=0.81, red_fox=0.19)
    assert name_of(naming(tmp_path).name(fox, Prior(place, 0.02))) == expected


def test_a_photo_that_is_not_recognised_stays_so(tmp_path: Path) -> None:
    nothing = replace(seen(grey_fox=1.0), animal_probability=0.5)
    assert naming(tmp_path).name(nothing, Prior(at(NUMBERS), 0.02)) == Decision(None, is_widened=False)


def test_a_pack_makes_wider_taxa_certain_enough(tmp_path: Path) -> None:
    # GIVEN a photo of some canid, at 0.65; THEN it gets no name, and the family's if a pack has looked
    fox = seen(grey_fox=0.35, red_fox=0.3, zebra=0.35)
    assert name_of(naming(tmp_path).name(fox, NOWHERE)) == ("mammal", False)
    pack = Pack(Manifest.read(write_pack(tmp_path)))
    scored = replace(fox, packs=(PackRun(pack, 5.0),))
    assert name_of(naming(tmp_path).name(scored, NOWHERE)) == ("dog, wolf or fox", False)


@pytest.mark.parametrize(
    ("animal_probability", "boxes", "subject"),
    [
        (0.9, {}, "animal"),
        (0.5, {}, "animal"),
        (0.4, {}, "unclear"),
        (MOST_EMPTY, {}, "unclear"),
        (0.1, {}, "none"),
        (0.1, {"animal": LEAST_BOX}, "animal"),
        (0.1, {"animal": 0.4}, "none"),
        (0.1, {"person": 0.9}, "person"),
        (0.1, {"vehicle": 0.9}, "vehicle"),
        (0.4, {"person": 0.9, "vehicle": 0.9}, "person"),
        (0.9, {"person": 0.9}, "animal"),
        (0.1, {"animal": 0.6, "person": 0.9}, "animal"),
    ],
)
def test_the_subject_is_the_most_certain_of_animal_person_and_vehicle(
    animal_probability: float, boxes: dict[str, float], subject: Subject
) -> None:
    assert subject_of(animal_probability, 0.5, **boxes) == subject


EVERYWHERE = np.ones(len(TAXONOMY.animals), np.float32)
NO_RELATIVES: dict[tuple[str, str], int] = {}


def found_in(scores: FusedScores, unknown: dict[tuple[str, str], int], threshold: float = 0.8) -> Prediction | None:
    return predict(TAXONOMY, scores, threshold, rivals_of(TAXONOMY, scores.vision, EVERYWHERE, unknown))


def rolled_up(scores: FusedScores, unknown: dict[tuple[str, str], int]) -> tuple[str, float] | None:
    found = found_in(scores, unknown)
    return None if found is None else (found.taxon.name, round(found.score, 3))


def test_without_unknown_relatives_the_animal_keeps_its_name() -> None:
    assert rolled_up(seen(jaguar=0.95, leopard=0.05), NO_RELATIVES) == ("jaguar", 0.95)


def test_an_unknown_relative_takes_from_the_species_and_leaves_the_group_alone() -> None:
    # GIVEN a photo that looks like a jaguar and a little like a leopard, where four unknown genera of cats live
    cats = seen(jaguar=0.9, leopard=0.1)
    members = sum(any(taxon.scientific_name == "Felidae" for taxon in animal.lineage) for animal in TAXONOMY.animals)
    share = RIVAL_WEIGHT * (0.1 * 4 / members) ** 0.5
    # THEN the family is certain, and the jaguar has lost the share of the rival
    assert rolled_up(cats, {("family", "Felidae"): 4}) == ("jaguar", round(0.9 / (1 + share), 3))
    assert rolled_up(cats, {("family", "Felidae"): 400}) == ("cat", 1.0)
    # AND unknown rodents change nothing
    assert rolled_up(cats, {("order", "Rodentia"): 400}) == ("jaguar", 0.9)


def test_a_photo_that_looks_like_one_animal_alone_has_no_rival() -> None:
    assert rolled_up(seen(jaguar=1.0), {("family", "Felidae"): 400}) == ("jaguar", 1.0)


def test_a_rival_counts_for_all_taxa_above_its_group() -> None:
    # GIVEN many unknown genera of cats; THEN a photo of cats and dogs is a carnivore, as without them
    both = seen(jaguar=0.5, coyote=0.5)
    assert rolled_up(both, {("family", "Felidae"): 400}) == ("carnivore", 1.0)


def test_animals_from_elsewhere_do_not_dilute_the_rivals() -> None:
    # GIVEN a photo between a jaguar, which lives here, and a tiger, which does not
    prior = np.full(len(TAXONOMY.animals), 0.02, np.float32)
    prior[OUTPUT["jaguar"]] = 1
    scores = seen(jaguar=0.3, tiger=0.7)
    # THEN an unknown cat of the place is as likely as its resemblance to both says
    (rival,) = rivals_of(TAXONOMY, scores.vision, prior, {("genus", "Panthera"): 5})
    assert rival.share == pytest.approx(RIVAL_WEIGHT * (0.3 * 5 / 5) ** 0.5 / (0.3 + 0.7 * 0.02), rel=1e-5)


def test_no_animal_is_a_rival_of_every_animal() -> None:
    # GIVEN a certain koala, if the photo shows an animal at all; THEN the score is that of both together
    assert rolled_up(seen(0.9, koala=1.0), NO_RELATIVES) == ("koala", 0.9)
    assert rolled_up(seen(0.79, koala=1.0), NO_RELATIVES) is None
    assert rolled_up(seen(0.9, koala=0.85, wombat=0.15), NO_RELATIVES) == ("kangaroo or relative", 0.9)


def test_a_prior_without_weights_has_no_rivals() -> None:
    # GIVEN weights of 0 for all that the photo looks like
    nothing = np.zeros(len(TAXONOMY.animals), np.float32)
    assert [
        each.share for each in rivals_of(TAXONOMY, seen(koala=1.0).vision, nothing, {("class", "Mammalia"): 3})
    ] == [0.0]


@given(
    st.dictionaries(st.sampled_from(sorted(TAXONOMY.taxa)), st.integers(1, 50), max_size=8),
    st.dictionaries(st.sampled_from(sorted(OUTPUT)), st.floats(0.01, 1), min_size=1, max_size=6),
    st.floats(0.5, 0.99),
)
def test_rivals_make_no_taxon_certain_but_their_own_and_those_above(
    unknown: dict[tuple[str, str], int], shares: dict[str, float], threshold: float
) -> None:
    total = sum(shares.values())
    scores = seen(1.0, **{name: share / total for name, share in shares.items()})
    with_rivals = found_in(scores, unknown, threshold)
    without = found_in(scores, NO_RELATIVES, threshold)
    assert with_rivals is not None
    assert without is not None
    # THEN an answer is narrower only if it is a group of a rival: no animal that the model knows has gained
    if len(with_rivals.lineage) > len(without.lineage):
        node = TAXONOMY.groups[with_rivals.taxon.rank, with_rivals.taxon.scientific_name]
        assert any(Rival(TAXONOMY.groups[taxon], 0.0).is_in(node) for taxon in unknown)
