"""Rivals: unknown relatives that live here take probability from the animals that look like them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.naming import WEIGHT, predict, rivals_of
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Rival, Taxonomy

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
OUTPUT = {animal.name: animal.output_index for animal in TAXONOMY.animals}
EVERYWHERE = np.ones(len(TAXONOMY.animals), np.float32)
NOBODY: dict[tuple[str, str], int] = {}


def seen(animal_probability: float = 1.0, **shares: float) -> Scores:
    """Return the scores of a photo that looks like these animals."""
    vision = np.zeros(len(TAXONOMY.animals), np.float32)
    for name, share in shares.items():
        vision[OUTPUT[name]] = share
    return Scores(vision / vision.sum(), vision, animal_probability)


def found_in(scores: Scores, unknown: dict[tuple[str, str], int], threshold: float = 0.8) -> Prediction | None:
    return predict(TAXONOMY, scores, threshold, rivals_of(TAXONOMY, scores.vision, EVERYWHERE, unknown))


def named(scores: Scores, unknown: dict[tuple[str, str], int]) -> tuple[str, float] | None:
    found = found_in(scores, unknown)
    return None if found is None else (found.taxon.name, round(found.score, 3))


def test_without_unknown_relatives_the_animal_keeps_its_name() -> None:
    assert named(seen(jaguar=0.95, leopard=0.05), NOBODY) == ("jaguar", 0.95)


def test_an_unknown_relative_takes_from_the_species_and_leaves_the_group_alone() -> None:
    # GIVEN a photo that looks like a jaguar and a little like a leopard, where four unknown genera of cats live
    cats = seen(jaguar=0.9, leopard=0.1)
    members = sum(any(taxon.scientific_name == "Felidae" for taxon in animal.lineage) for animal in TAXONOMY.animals)
    share = WEIGHT * (0.1 * 4 / members) ** 0.5
    # THEN the family is certain, and the jaguar has lost the share of the rival
    assert named(cats, {("family", "Felidae"): 4}) == ("jaguar", round(0.9 / (1 + share), 3))
    assert named(cats, {("family", "Felidae"): 400}) == ("cat", 1.0)
    # AND unknown rodents change nothing
    assert named(cats, {("order", "Rodentia"): 400}) == ("jaguar", 0.9)


def test_a_photo_that_looks_like_one_animal_alone_has_no_rival() -> None:
    assert named(seen(jaguar=1.0), {("family", "Felidae"): 400}) == ("jaguar", 1.0)


def test_a_rival_counts_for_all_taxa_above_its_group() -> None:
    # GIVEN many unknown genera of cats; THEN a photo of cats and dogs is a carnivore, as without them
    both = seen(jaguar=0.5, coyote=0.5)
    assert named(both, {("family", "Felidae"): 400}) == ("carnivore", 1.0)


def test_animals_from_elsewhere_do_not_dilute_the_rivals() -> None:
    # GIVEN a photo between a jaguar, which lives here, and a tiger, which does not
    prior = np.full(len(TAXONOMY.animals), 0.02, np.float32)
    prior[OUTPUT["jaguar"]] = 1
    scores = seen(jaguar=0.3, tiger=0.7)
    # THEN an unknown cat of the place is as likely as its resemblance to both says
    (rival,) = rivals_of(TAXONOMY, scores.vision, prior, {("genus", "Panthera"): 5})
    assert rival.share == pytest.approx(WEIGHT * (0.3 * 5 / 5) ** 0.5 / (0.3 + 0.7 * 0.02), rel=1e-5)


def test_no_animal_is_a_rival_of_every_animal() -> None:
    # GIVEN a certain koala, if the photo shows an animal at all; THEN the score is that of both together
    assert named(seen(0.9, koala=1.0), NOBODY) == ("koala", 0.9)
    assert named(seen(0.79, koala=1.0), NOBODY) is None
    assert named(seen(0.9, koala=0.85, wombat=0.15), NOBODY) == ("kangaroo or relative", 0.9)


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
    without = found_in(scores, NOBODY, threshold)
    assert with_rivals is not None
    assert without is not None
    # THEN an answer is narrower only if it is a group of a rival: no animal that the model knows has gained
    if len(with_rivals.lineage) > len(without.lineage):
        node = TAXONOMY.groups[with_rivals.taxon.rank, with_rivals.taxon.scientific_name]
        assert any(Rival(TAXONOMY.groups[taxon], 0.0).is_in(node) for taxon in unknown)
