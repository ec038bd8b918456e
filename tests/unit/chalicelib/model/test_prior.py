"""Prior: animals of the cell have their weight, wild ones elsewhere the floor, and other kinds a weight of theirs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features, Mode
from chalicelib.model.shares import Prior, features_to_prior
from chalicelib.model.taxonomy import KINDS, Animal, Taxonomy
from tests.unit.chalicelib.model.real_tables import TAXONOMY

ANIMALS = len(TAXONOMY.animals)
KNOWN = [animal.id for animal in TAXONOMY.animals]

weights = st.floats(0.0078125, 1, width=32)
cells = st.dictionaries(st.one_of(st.sampled_from(KNOWN), st.integers(10_000, 20_000)), weights, max_size=60)


def features(animals: dict[int, float], mode: Mode = "narrowed") -> Features:
    ids = sorted(animals)
    found = NO_ANIMALS._replace(
        animals=np.array(ids, np.int32),
        weights=np.array([animals[each] for each in ids], np.float32),
        status=np.ones(len(ids), np.uint8),
    )
    return replace(NO_LOCATION, mode=mode, found=found)


@given(cell=cells, floor=st.floats(0, 1, width=32))
def test_every_animal_has_its_weight_in_the_cell_or_that_of_its_kind(cell: dict[int, float], floor: float) -> None:
    # GIVEN any animals in a cell, some of which the model does not know, and any floor
    prior = features_to_prior(features(cell), TAXONOMY, floor)

    # THEN it has the shape of the model's input
    assert prior.shape == (ANIMALS,)
    assert prior.dtype == np.float32
    # AND the larger of the weight in the cell and that of the kind; wild animals have the floor
    for animal in TAXONOMY.animals:
        weights = cell.get(animal.id, 0), KINDS[animal.kind] or floor
        assert prior[animal.output_index] == np.float32(max(weights))


KOALA, POSSUM, WOMBAT, DOG, TIGER, SNAIL, DRAKE, GOLDFISH = (
    TAXONOMY.animals[each] for each in (105, 330, 106, 151, 292, 113, 97, 1)
)


@pytest.mark.parametrize(
    ("animal", "mode", "here"),
    [
        (KOALA, "narrowed", "native"),
        (POSSUM, "narrowed", "introduced"),
        (TIGER, "narrowed", "unexpected"),
        (DOG, "narrowed", "everywhere"),
        (SNAIL, "narrowed", "everywhere"),
        (DRAKE, "narrowed", "native"),
        (DRAKE, "degraded", "everywhere"),
        (GOLDFISH, "narrowed", "unexpected"),
        (GOLDFISH, "unknown_area", "unknown"),
        (DOG, "degraded", "everywhere"),
        (KOALA, "degraded", None),
        (TIGER, "no_location", None),
        (TIGER, "unknown_area", "unknown"),
        (DOG, "unknown_area", "everywhere"),
        (WOMBAT, "narrowed", "unknown"),
        (WOMBAT, "degraded", None),
    ],
)
def test_here_says_only_what_is_known(animal: Animal, mode: Mode, here: str | None) -> None:
    # GIVEN a native and an introduced animal, and one whose range is unknown
    known = features({KOALA.id: 1.0, POSSUM.id: 0.5, DRAKE.id: 1.0}, mode)
    status = np.array([2 if each == POSSUM.id else 1 for each in known.found.animals.tolist()], np.uint8)
    place = replace(known, found=known.found._replace(status=status, unknown=np.array([WOMBAT.id], np.int32)))
    assert Prior(place, 0.02).here(animal) == here
    # AND all animals but the unexpected live there, as far as that is known; none of the others is weighed down,
    # but for the introduced, whose weight in the cell is less
    prior = Prior(place, 0.02)
    lives = [prior.here(each) != "unexpected" for each in TAXONOMY.animals]
    assert prior.living(TAXONOMY).tolist() == lives
    for each, expected in zip(TAXONOMY.animals, lives, strict=True):
        weight = prior.over(TAXONOMY)[each.output_index]
        if mode != "narrowed" or each.id == WOMBAT.id:
            assert weight == 1
        elif not expected:
            assert weight == np.float32(0.02)


def test_a_prior_is_computed_once_for_each_list_of_animals() -> None:
    prior = Prior(features({KOALA.id: 1.0}), 0.02)
    assert prior.over(TAXONOMY) is prior.over(TAXONOMY)
    assert prior.over(Taxonomy.of(TAXONOMY.animals[:2])).shape == (2,)
