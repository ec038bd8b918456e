"""Shares: how likely each species, family, order and class is, with those that no model knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.shares import Prior, Shares, shares_of, with_head
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
