"""Shares: how likely each species, family, order and class is, with those that no model knows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features, Mode
from chalicelib.model.shares import Prior, Shares, features_to_prior, shares_of, with_head
from chalicelib.model.taxonomy import KINDS, Animal, Taxonomy
from tests.unit.chalicelib.model.real_tables import BY_NAME, FAMILIES, FLOOR, TAXONOMY, number_of, place, vision

FOREST = place(
    *("red fox", "wild boar", "hare"),
    relatives=["western roe deer", "western red deer", "West European hedgehog", "bank vole"],
)
ANTELOPES = {"impala": 0.35, "gazelle": 0.35, "hartebeest": 0.3}
"""What a photo of a deer looks like to a model that knows none."""


def shares(photo: dict[str, float], features: Features) -> Shares:
    candidates = FAMILIES.at(features, TAXONOMY)
    return shares_of(candidates, vision(photo), Prior(features, FLOOR).over(TAXONOMY))


def of_species(found: Shares, name: str) -> float:
    return float(found.species[number_of(found.candidates.layout, BY_NAME[name].taxon_id)])


def of_family(found: Shares, name: str) -> float:
    families = [lineage[-1].scientific_name for lineage in found.candidates.tree.lineages]
    return float(found.families[families.index(name)]) if name in families else 0.0


# --- sums

few = st.dictionaries(st.integers(0, len(TAXONOMY.animals) - 1), st.floats(0.01, 1), min_size=1, max_size=8)


@settings(max_examples=60)
@given(seen=few, rest=st.floats(0, 1), seed=st.integers(0, 999), features=st.sampled_from([FOREST, NO_LOCATION]))
def test_the_shares_of_all_groups_add_up_to_one(
    seen: dict[int, float], rest: float, seed: int, features: Features
) -> None:
    # GIVEN any photo, and any weights
    photo = np.full(len(TAXONOMY.animals), rest / len(TAXONOMY.animals))
    photo[list(seen)] += list(seen.values())
    prior = np.random.default_rng(seed).uniform(1e-3, 1, len(TAXONOMY.animals)).astype(np.float32)
    # WHEN the shares are computed THEN those of classes add up to 1, and so do those of orders
    found = shares_of(FAMILIES.at(features, TAXONOMY), (photo / photo.sum()).astype(np.float32), prior)
    assert found.classes.sum() == pytest.approx(1)
    assert found.orders.sum() == pytest.approx(1)
    # AND what no model knows is a part of the rest, so that narrower groups have no more
    assert found.species.min() >= -1e-9
    assert found.species.sum() <= found.families.sum() + 1e-9 <= 1 + 1e-6
    assert (found.unseen <= found.families + 1e-9).all()
    assert found.genera.sum() == pytest.approx(found.species.sum())
    # AND the animals of a species divide its share
    assert found.animals(found.species).sum() == pytest.approx(found.species.sum(), abs=1e-5)


def test_a_photo_of_what_has_no_weight_at_all_shows_nothing() -> None:
    # GIVEN a photo that shows a koala alone, and a place where all other animals, and no koalas, may live
    koala = BY_NAME["koala"].output_index
    photo = np.eye(len(TAXONOMY.animals), dtype=np.float32)[koala]
    found = shares_of(FAMILIES.at(place(), TAXONOMY), photo, 1 - photo)
    # THEN there is no share to divide
    assert [float(found.classes.sum()), float(found.species.sum())] == [0, 0]


# --- duplicates are joined


def test_the_tusker_goes_to_the_elephants_by_photo_and_place() -> None:
    # GIVEN a photo of a tusker, a little more like an Asian elephant, where African elephants live
    photo = {"tusker elephant": 0.9, "African elephant": 0.04, "Asian elephant": 0.06}
    found = shares(photo, place("African elephant"))
    # THEN the African elephant has all of it, less what the Asian one has by the floor
    assert of_species(found, "tusker elephant") == 0
    assert of_species(found, "African elephant") > 0.95
    assert of_species(found, "Asian elephant") < 0.01
    # AND without a place, the photo alone decides
    anywhere = shares(photo, NO_LOCATION)
    assert of_species(anywhere, "Asian elephant") > of_species(anywhere, "African elephant") > 0.1


# --- families that no model knows


def test_a_clear_animal_leaves_next_to_nothing_to_unknown_families() -> None:
    clear = shares({"red fox": 0.99}, FOREST)
    assert clear.unseen.sum() < 0.01
    # AND a photo that looks like several animals leaves more
    unclear = shares({"red fox": 0.4, "grey fox": 0.2, "badger": 0.2, "wild boar": 0.2}, FOREST)
    assert unclear.unseen.sum() > 3 * clear.unseen.sum()


def test_an_unknown_family_gains_where_it_lives_if_the_photo_looks_like_it() -> None:
    # GIVEN a photo that looks like several antelopes; WHEN it was taken where deer live, and no antelope
    here = shares(ANTELOPES, FOREST)
    # THEN it shows a deer
    assert here.families.max() == of_family(here, "Cervidae") > 0.6
    assert of_family(here, "Erinaceidae") < 0.02
    # AND not where they do not live, or where the antelopes do
    assert of_family(shares(ANTELOPES, place("red fox", "wild boar")), "Cervidae") == 0
    with_antelopes = place(*ANTELOPES, relatives=["western roe deer", "western red deer"])
    assert of_family(shares(ANTELOPES, with_antelopes), "Cervidae") < of_family(here, "Cervidae") / 1.5
    # AND less without a place, where all families of the world may be meant
    assert 0 < of_family(shares(ANTELOPES, NO_LOCATION), "Cervidae") < of_family(here, "Cervidae")


def test_unknown_species_never_raise_a_known_one_of_their_family() -> None:
    # GIVEN a jaguar; WHEN other cats live there that no model knows
    photo = {"jaguar": 0.7, "leopard": 0.28}
    alone, together = shares(photo, place("jaguar")), shares(photo, place("jaguar", relatives=["ocelot", "margay"]))
    # THEN it is less likely, and its family is not
    assert of_species(together, "jaguar") < of_species(alone, "jaguar")
    assert of_family(together, "Felidae") >= of_family(alone, "Felidae")


# --- heads


@given(fox=st.floats(0, 1), boar=st.floats(0, 1), other=st.floats(0.001, 0.2))
def test_a_head_divides_all_but_what_it_leaves_to_other_animals(fox: float, boar: float, other: float) -> None:
    # GIVEN a photo that the general model takes for a hare, and what a head says of foxes, boars and lions
    before, prior = shares({"hare": 0.9}, FOREST), Prior(FOREST, FLOOR).over(TAXONOMY)
    positions = np.array([BY_NAME[name].output_index for name in ("red fox", "wild boar", "lion")])
    said = np.array([fox, boar, 0.5])
    said = np.append(said / said.sum() * (1 - other), other)
    # WHEN they are joined THEN each group has a share, of which the hare has what is left to other animals
    found = with_head(before, positions, said, prior)
    for groups in (found.families, found.orders, found.classes):
        assert groups.min() >= 0
    assert found.classes.sum() == pytest.approx(1)
    left = 1 - sum(of_species(found, name) for name in ("red fox", "wild boar", "lion"))
    assert of_species(found, "hare") == pytest.approx(left * of_species(before, "hare"), rel=0.02)
    # AND a lion, which does not live there, is less likely than to the head
    assert of_species(found, "lion") <= said[2]


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
