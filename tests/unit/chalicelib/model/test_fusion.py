"""Fusion: a pack divides what the general model gives to the pack's taxa, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.config.settings import ROOT
from chalicelib.errors import ModelError
from chalicelib.model.families import read_families
from chalicelib.model.fusion import KEPT, SURE, WEIGHT, Clade, Fusion, members_of, read_members
from chalicelib.model.manifest import CLASSIFIER, read_manifests
from chalicelib.model.packs import Pack
from chalicelib.model.taxonomy import Animal, Taxon, Taxonomy
from tests.unit.chalicelib.model.real_tables import TAXONOMY

BIRDS = frozenset({"Aves"})


def animal(index: int, name: str, *lineage: tuple[str, str], number: int | None = None) -> Animal:
    taxa = tuple(Taxon(each.lower(), each, rank) for each, rank in lineage)
    scientific_name, rank = lineage[-1]
    taxon = scientific_name.lower().replace(" ", "-")
    return Animal(index if number is None else number, taxon, index, name, scientific_name, rank, "wild", taxa)


TOUCANS = ("Aves", "class"), ("Piciformes", "order"), ("Ramphastidae", "family")
GENERAL = Taxonomy.of(
    [
        animal(0, "fox", ("Mammalia", "class"), ("Vulpes vulpes", "species")),
        animal(1, "toucan", *TOUCANS),
        animal(2, "penguin", ("Aves", "class"), ("Sphenisciformes", "order"), ("Aptenodytes", "genus")),
        animal(3, "robin", ("Aves", "class"), ("Turdus migratorius", "species")),
        animal(4, "lorikeet", ("Aves", "class"), ("Loriini", "tribe")),
    ],
)
PACK = (
    animal(0, "toco toucan", *TOUCANS, ("Ramphastos toco", "species"), number=10),
    animal(1, "American robin", ("Aves", "class"), ("Turdus migratorius", "species"), number=3),
    animal(2, "rainbow lorikeet", ("Aves", "class"), ("Trichoglossus", "genus"), number=12),
)
CLASSES: dict[str, set[Clade]] = {"loriini": {("Trichoglossus", "genus")}}
FUSION = Fusion.of(GENERAL, BIRDS, PACK, CLASSES)

shares = st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda values: sum(values) > 0.01)
parts = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda values: sum(values) > 0.01)


def normalised(values: list[float]) -> NDArray[np.float32]:
    array = np.array(values, np.float32)
    return array / array.sum()


def test_an_animal_of_both_is_one() -> None:
    names = ["fox", "toucan", "penguin", "robin", "lorikeet", "toco toucan", "rainbow lorikeet"]
    assert [each.name for each in FUSION.taxonomy.animals] == names
    assert FUSION.positions.tolist() == [5, 3, 6]
    assert FUSION.taxonomy.index_of == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 10: 5, 12: 6}


def test_the_clades_of_a_class_may_come_in_any_order() -> None:
    # GIVEN a class of two clades of the pack, as sets that a process happens to have in one order or the other
    clades: list[Clade] = [("Trichoglossus", "genus"), ("Ramphastos toco", "species")]
    either = [dict.fromkeys(order).keys() for order in (clades, clades[::-1])]
    # WHEN it is joined with the pack THEN the pairs are the same, and so are the graphs that are made of them
    one, other = (np.array(Fusion.of(GENERAL, BIRDS, PACK, {"loriini": each}).pairs).tolist() for each in either)
    assert one == other


def test_the_pack_divides_the_share_of_its_taxa() -> None:
    # GIVEN a photo that the general model takes for a toucan, and the pack for a toco toucan or a robin
    vision = np.array([0.1, 0.8, 0.0, 0.0, 0.1], np.float32)
    scores = np.array([0.5, 0.5, 0.0], np.float32)
    # WHEN joined THEN other animals keep theirs, and a species whose class is seen counts more
    joined = FUSION.join(vision, scores)
    assert joined[0] == pytest.approx(0.1)
    assert joined[5] / joined[3] == pytest.approx((WEIGHT + 0.8) / WEIGHT)
    # AND classes keep little, a class that is hardly seen next to nothing
    assert joined[1] < joined[5] / 5
    assert joined[4] < 1e-5
    assert joined.sum() == pytest.approx(1)


def test_a_class_that_the_pack_contradicts_keeps_its_part() -> None:
    # GIVEN a photo that is surely a penguin to the general model, and several other birds to the pack
    vision = np.array([0.0, 0.0, 1.0, 0.0, 0.0], np.float32)
    unsure = FUSION.join(vision, np.array([0.4, 0.3, 0.3], np.float32))
    certain = FUSION.join(vision, np.array([1.0, 0.0, 0.0], np.float32))
    # THEN the penguin stays first, unless the pack is certain
    assert unsure.argmax() == 2
    assert unsure[2] == pytest.approx(KEPT * 0.6 / (WEIGHT + KEPT * 0.6))
    assert certain[2] == 0
    # AND a class of which the general model is not sure gets next to nothing: the pack decides
    half = FUSION.join(vision / 2 + np.eye(5, dtype=np.float32)[0] / 2, np.array([0.4, 0.3, 0.3], np.float32))
    kept = KEPT * 0.5**SURE * 0.6
    assert half[2] == pytest.approx(0.5 * kept / (WEIGHT + kept), rel=1e-5)
    # AND an animal that the pack knows too is no class: it has what the pack says
    assert FUSION.join(np.eye(5, dtype=np.float32)[3], np.array([0.5, 0, 0.5], np.float32))[3] == 0


@given(shares, parts)
def test_the_sum_is_one_and_no_probability_is_negative(general: list[float], pack: list[float]) -> None:
    joined = FUSION.join(normalised(general), normalised(pack))
    assert joined.min() >= 0
    assert joined.sum() == pytest.approx(1, abs=1e-5)


def test_members_have_a_rank_of_the_lineages(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    assert read_members(path) == {}
    path.write_text("taxon,member,rank\nloriini,Trichoglossini,tribe\n")
    with pytest.raises(ModelError, match=r"rank of Trichoglossini in members\.csv is 'tribe'; expected one of phylum"):
        read_members(path)


@pytest.fixture(scope="module")
def packs() -> tuple[Pack, ...]:
    return tuple(Pack(each) for each in read_manifests(ROOT / "model" / "packs") if each.kind == CLASSIFIER)


def test_every_member_of_a_class_is_known(packs: tuple[Pack, ...]) -> None:
    # GIVEN the animals of all models, and the families of species that none knows
    animals = (*TAXONOMY.animals, *(each for pack in packs for each in pack.animals))
    known = {(taxon.scientific_name, taxon.rank) for each in animals for taxon in each.lineage}
    known |= {(family, "family") for family in read_families(ROOT / "model" / "families.csv")}
    # THEN each class is one of the model's, and its members are among them
    classes = read_members(ROOT / "model" / "members.csv")
    assert classes.keys() <= {each.taxon_id for each in TAXONOMY.animals}
    assert set().union(*classes.values()) <= known


def test_a_taxon_has_one_name_in_both_and_a_number_means_one_animal(packs: tuple[Pack, ...]) -> None:
    meanings: dict[Clade | int, set[str]] = {}
    for each in (*TAXONOMY.animals, *(each for pack in packs for each in pack.animals)):
        meanings.setdefault(each.id, set()).add(each.taxon_id)
        for taxon in each.lineage[:-1]:
            meanings.setdefault((taxon.scientific_name, taxon.rank), set()).add(taxon.name)
    assert {name for name, given in meanings.items() if len(given) > 1} == set()


def test_packs_have_the_birds_and_insects_of_the_general_model(packs: tuple[Pack, ...]) -> None:
    found = {pack.name: int(members_of(TAXONOMY, frozenset(pack.taxa)).sum()) for pack in packs}
    assert found == {"birds": 57, "insects": 27}
    # AND not the rooster and the hen: for the pack, they are pheasants
    members = members_of(TAXONOMY, frozenset({"Aves"}))
    birds = [each for each in TAXONOMY.animals if any(taxon.scientific_name == "Aves" for taxon in each.lineage)]
    assert {each.name for each in birds if not members[each.output_index]} == {"rooster", "hen"}
