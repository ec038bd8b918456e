"""Naming: a photo is called by the narrowest taxon that is certain enough, or by what it perhaps shows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.api.words import sure_of
from chalicelib.config.settings import ROOT
from chalicelib.errors import ModelError
from chalicelib.features.features import NO_LOCATION, Features, Mode
from chalicelib.model.certainty import PLAIN, Basis, Level, read_certainty
from chalicelib.model.families import Families
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import LISTED, WIDEST, Decision, Naming
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import LABEL_COLUMNS, RANKS, TAXON_COLUMNS, Animal, Relatives, Taxonomy
from tests.unit.chalicelib.model.real_tables import (
    BY_NAME,
    ELEPHANT,
    FAMILIES,
    FLOOR,
    MODEL,
    NAMING,
    TAXONOMY,
    named,
    place,
    scores_of,
)

RAINFOREST = place("jaguar", "puma", "three-toed sloth", relatives=["ocelot", "margay", "jaguarundi"])
SCRUB = place(
    "grey fox",
    relatives=[
        *("southern black-eared opossum", "gray four-eyed opossum", "crab-eating raccoon", "South American coati"),
        *("southern collared peccary", "white-lipped peccary"),
    ],
)
NIGHT = {"badger": 0.3, "grey fox": 0.2, "guinea pig": 0.2, "polecat": 0.2, "wombat": 0.1}
"""What a raccoon, or an opossum, looks like at night to a model that knows none."""
SPOTTED_CAT = {"jaguar": 0.4, "leopard": 0.39, "lynx": 0.2}
FOREST = place("red fox", "wild boar", relatives=["western roe deer", "western red deer", "West European hedgehog"])
ANTELOPES = {"impala": 0.35, "gazelle": 0.35, "hartebeest": 0.3}
MAMMALS = {"lion": 0.2, "wild boar": 0.2, "hare": 0.2, "three-toed sloth": 0.2, "brown bear": 0.2}
ANYTHING = {"lion": 0.2, "goldfish": 0.2, "scorpion": 0.2, "ostrich": 0.2, "snail": 0.2}


def name_of(found: Decision) -> str | None:
    return found.prediction and found.prediction.taxon.name


# --- the name


def test_a_clear_animal_has_its_own_name() -> None:
    found = named({"koala": 0.995}, place("koala"))
    assert found.prediction is not None
    assert (found.prediction.taxon.name, found.prediction.taxon.rank) == ("koala", "species")
    assert sure_of(found.prediction.score) == "almost certain"
    assert (found.perhaps, found.members, found.is_unexpected, found.is_animal) == ((), (), False, True)


def test_doubt_between_relatives_makes_the_name_wider() -> None:
    # GIVEN photos between animals of one genus, one family, one order and one class
    for photo, taxon in (
        ({"lion": 0.5, "tiger": 0.49}, ("big cat", "genus")),
        ({"red fox": 0.5, "African wild dog": 0.49}, ("dog, wolf or fox", "family")),
        ({"koala": 0.34, "wombat": 0.33, "wallaby": 0.33}, ("kangaroo, koala or relative", "order")),
        (MAMMALS, ("mammal", "class")),
    ):
        # WHEN they were taken where these live THEN the name is that of the group
        found = named(photo, place(*photo))
        assert found.prediction is not None, photo
        assert (found.prediction.taxon.name, found.prediction.taxon.rank) == taxon


def test_an_animal_that_stands_for_an_order_or_a_class_is_not_wide() -> None:
    for animal in ("scorpion", "snail", "armadillo", "tree frog"):
        found = named({animal: 0.99}, place(animal))
        assert found.prediction is not None, animal
        assert (found.prediction.taxon.name, found.prediction.is_wide, found.perhaps) == (animal, False, ())
    # AND two of them are a group
    found = named({"tree frog": 0.5, "tailed frog": 0.49}, place("tree frog", "tailed frog"))
    assert found.prediction is not None
    assert (found.prediction.taxon.name, found.prediction.is_wide) == ("frog or toad", True)


def test_a_genus_without_an_everyday_name_is_not_named(tmp_path: Path) -> None:
    # GIVEN tables in which the big cats have no name but the scientific one, as many genera of packs
    for file in ("taxa.csv", "families.csv", "members.csv"):
        text = (MODEL / file).read_text()
        (tmp_path / file).write_text(text.replace("Panthera,genus,big cat", "Panthera,genus,Panthera"))
    taxonomy = Taxonomy.read(MODEL / "labels.csv", tmp_path / "taxa.csv")
    naming = Naming(Families(tmp_path, FAMILIES.relatives), NAMING.certainty, 0.6)
    scores = replace(scores_of({"lion": 0.5, "tiger": 0.49}), taxonomy=taxonomy)
    # WHEN a photo shows one of them THEN it is called a cat, not a Panthera
    found = naming.name(scores, Prior(place("lion", "tiger"), FLOOR))[1]
    assert name_of(found) == "cat"
    assert {each.name for each in found.members} == {"lion", "tiger"}


def test_what_a_wide_answer_looks_like_is_said_if_it_lives_elsewhere() -> None:
    # GIVEN a clear photo of a beaver WHEN it is from where other rodents live
    found = named({"beaver": 0.99}, place("porcupine", relatives=["coypu", "lowland paca", "brown rat"]))
    assert found.prediction is not None
    assert found.prediction.is_wide
    assert found.looks_like is not None
    assert found.looks_like.name == "beaver"
    # AND neither of what lives there, nor of a photo that looks like several, nor without a place
    for photo, features in (({"beaver": 0.99}, place("beaver")), (NIGHT, SCRUB), (NIGHT, NO_LOCATION)):
        assert named(photo, features).looks_like is None


def test_a_list_does_not_repeat_the_name() -> None:
    for animal in ("armadillo", "tree frog", "sea cucumber", "harvestman"):
        for share in np.linspace(0.5, 0.99, 20):
            found = named({animal: float(share), "koala": 0.99 - float(share)}, NO_LOCATION)
            names = [each.name for each in found.perhaps]
            assert len(set(names)) == len(names)
            assert not (found.prediction and names == [found.prediction.taxon.name]), (animal, share)


def test_members_have_names_that_people_use() -> None:
    # GIVEN a brocket that no table has a name for
    found = named(ANTELOPES, place("puma", relatives=["white-tailed deer", "Passalites nemorivagus"]))
    members = [member.name for each in found.perhaps for member in each.members] + [each.name for each in found.members]
    assert "white-tailed deer" in members
    assert "Passalites nemorivagus" not in members


def test_a_clear_animal_is_a_member_wherever_it_lives() -> None:
    # GIVEN a clear photo of a tiger where only cats live that no model knows
    found = named({"tiger": 0.94, "puma": 0.05}, place("otter", relatives=["jungle cat", "fishing cat", "caracal"]))
    assert name_of(found) == "cat"
    assert found.members[0].name == "tiger"
    # AND one of an Asian elephant where African ones live: these are likelier
    found = named({"Asian elephant": 0.95, "African elephant": 0.04}, place("African elephant"))
    assert [each.name for each in found.members if each.name == "Asian elephant"] == []


@pytest.mark.parametrize("animal", [0.0, 0.3, 0.59])
def test_without_an_animal_nothing_is_said(animal: float) -> None:
    # GIVEN a photo that looks like a koala, if it shows an animal
    found = named({"koala": 0.99}, place("koala"), animal)
    assert (found.prediction, found.perhaps, found.is_animal) == (None, (), False)


def test_a_degraded_answer_is_never_almost_certain() -> None:
    # GIVEN curves that leave probabilities as they are, and a clear photo of an animal without unknown relatives
    naming = Naming(FAMILIES, Path("nowhere") / "certainty.json", 0.6)
    words = []
    for mode in ("no_location", "degraded"):
        prediction = naming.name(scores_of({"goldfish": 1.0}, 1.0), Prior(place(mode=mode), FLOOR))[1].prediction
        words.append(prediction and sure_of(prediction.score))
    # THEN without the features that it should have, the answer is less certain
    assert words == ["almost certain", "likely"]


# --- the place


@pytest.mark.parametrize(
    ("photo", "features", "name", "members"),
    [
        # The polecat, by which the model knows other weasels, is no badger.
        ({"polecat": 0.5, "badger": 0.49}, place("polecat", "badger"), "weasel, otter or badger", None),
        # Only ocelots and margays live there, which no model knows.
        (SPOTTED_CAT, place("three-toed sloth", relatives=["ocelot", "margay"]), "cat", ["ocelot", "margay"]),
        # Known animals come first; the leopard, which lives elsewhere, is none of them.
        (SPOTTED_CAT, RAINFOREST, "cat", ["jaguar", "ocelot", "margay"]),
        # The photo looks like several antelopes, and there are deer and no antelopes.
        (ANTELOPES, FOREST, "deer", ["western roe deer", "western red deer"]),
    ],
)
def test_a_family_is_named_and_has_the_members_that_live_there(
    photo: dict[str, float], features: Features, name: str, members: list[str] | None
) -> None:
    found = named(photo, features)
    assert (name_of(found), found.is_unexpected) == (name, False)
    assert members is None or [each.name for each in found.members] == members


@pytest.mark.parametrize("floor", [0.01, 0.02, 0.05, 0.5, 1.0])
@pytest.mark.parametrize(
    ("photo", "features", "unexpected"),
    [
        (ELEPHANT, place("African elephant", "lion"), False),
        (ELEPHANT, FOREST, True),
        (ELEPHANT, place(mode="unknown_area"), False),
        ({"koala": 1.0}, place("koala"), False),
        ({"goldfish": 1.0}, place("lion"), True),
        ({"koala": 1.0}, NO_LOCATION, False),
        ({"beagle": 1.0}, place("lion"), False),
    ],
)
def test_an_animal_is_unexpected_or_not_with_any_floor_and_an_elephant_stays_an_elephant(
    photo: dict[str, float], features: Features, unexpected: bool, floor: float
) -> None:
    _, found = NAMING.name(scores_of(photo), Prior(features, floor))
    assert found.prediction is None or found.is_unexpected == unexpected
    assert photo is not ELEPHANT or name_of(found) == "African elephant"


@pytest.mark.parametrize("share", [0.97, 0.8])
def test_the_right_place_never_makes_the_name_of_a_wild_animal_wider(share: float) -> None:
    # GIVEN a photo of any wild animal, and one that may also show something else
    for animal in (each for each in TAXONOMY.animals if each.kind == "wild"):
        photo = {animal.name: share, "tench" if animal.name != "tench" else "koala": 0.997 - share}
        # WHEN the place is added, where it lives, and nothing that no model knows
        alone, placed = named(photo, NO_LOCATION), named(photo, place(animal.name))
        # THEN the name is as narrow, or narrower
        assert depth(placed) >= depth(alone), animal.name


def depth(found: Decision) -> int:
    return len(found.prediction.lineage) if found.prediction else 0


# --- what it perhaps shows


def test_a_wide_answer_lists_at_most_three_families_that_live_there() -> None:
    # GIVEN a photo that looks like five mammals, one of which lives there, and others that no model knows
    found = named(NIGHT, SCRUB)
    assert name_of(found) == "mammal"
    # THEN the list has families that live there, the likeliest first, with members whether or not a model knows them
    assert len(found.perhaps) == LISTED
    assert {each.name: [member.name for member in each.members] for each in found.perhaps} == {
        "raccoon or coati": ["crab-eating raccoon", "South American coati"],
        "opossum": ["southern black-eared opossum", "gray four-eyed opossum"],
        "dog, wolf or fox": ["grey fox"],
    }
    assert {each.rank for each in found.perhaps} == {"family"}
    scores = [each.score for each in found.perhaps]
    assert scores == sorted(scores, reverse=True)
    assert 0.4 < sum(scores) < 1


def test_a_list_that_is_not_likely_is_not_shown() -> None:
    assert named(ANYTHING, NO_LOCATION, 0.61).perhaps == ()


def test_unknown_species_are_said_to_be_the_reason_where_they_are() -> None:
    # GIVEN a photo that could show several; WHEN raccoons and opossums live there THEN they explain it
    assert named(NIGHT, SCRUB).is_widened
    # AND not where no such species lives, nor without a place
    assert not named(MAMMALS, place(*MAMMALS)).is_widened
    assert not named(MAMMALS, NO_LOCATION).is_widened


# --- members


def test_the_likeliest_breed_of_a_dog_is_a_member() -> None:
    found = named({"basenji": 0.9, "beagle": 0.09}, place("koala"))
    assert found.prediction is not None
    assert (found.prediction.taxon.name, found.prediction.taxon.rank) == ("dog", "species")
    assert found.prediction.is_domestic
    assert [(each.taxon, each.name) for each in found.members] == [(BY_NAME["basenji"].taxon_id, "basenji")]
    # AND no breed is, if none has most of it
    mixed = named({"basenji": 0.4, "beagle": 0.3, "pug": 0.29}, place("koala"))
    assert mixed.prediction is not None
    assert (mixed.prediction.taxon.name, mixed.members) == ("dog", ())


# --- numbers


def is_in(animal: Animal, taxon: str) -> bool:
    return any(each.scientific_name == taxon for each in animal.lineage)


@pytest.mark.parametrize(
    ("photo", "features"),
    [
        (ELEPHANT, place("African elephant")),
        ({"basenji": 0.9, "beagle": 0.09}, place("koala")),
        ({"lion": 0.5, "tiger": 0.49}, place("lion", "tiger")),
        ({"red fox": 0.5, "African wild dog": 0.49}, place("red fox", "African wild dog")),
        (MAMMALS, place(*MAMMALS)),
    ],
)
def test_the_candidates_of_a_prediction_add_up_to_its_score(photo: dict[str, float], features: Features) -> None:
    # GIVEN a place where all species of the prediction are known
    scores, found = NAMING.name(scores_of(photo), Prior(features, FLOOR))
    assert found.prediction is not None
    # WHEN the probabilities of its animals are added THEN the sum is the number that is shown
    inside = [is_in(each, found.prediction.taxon.scientific_name) for each in TAXONOMY.animals]
    assert scores.probabilities[inside].sum() == pytest.approx(found.prediction.score, abs=1e-4)
    # AND with the others it is at most 1
    assert scores.probabilities.min() >= 0
    assert scores.probabilities.sum() <= 1 + 1e-6


some = st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.floats(0.01, 1), min_size=1, max_size=6)


@settings(max_examples=60)
@given(seen=some, features=st.sampled_from([RAINFOREST, SCRUB, FOREST, NO_LOCATION, place(mode="degraded")]))
@example(seen={"slug": 1.0, "snail": 1.0}, features=SCRUB)  # all snails are Gastropoda, and so are slugs
def test_no_candidate_contradicts_the_number(seen: dict[str, float], features: Features) -> None:
    # GIVEN any photo, anywhere
    total = sum(seen.values())
    scores, found = NAMING.name(scores_of({name: each / total for name, each in seen.items()}), Prior(features, FLOOR))
    # THEN a name is narrow, or a list explains it; and neither is without an animal
    assert found.is_animal
    assert not found.perhaps or found.prediction is None or found.prediction.is_wide
    # AND all animals that are not in the named taxon have at most what its number leaves
    for listed in found.perhaps:
        others = {each.taxon for each in found.perhaps} - {listed.taxon}
        inside = [is_in(each, listed.scientific_name) and each.taxon_id not in others for each in TAXONOMY.animals]
        assert scores.probabilities[inside].sum() <= listed.score + 1e-4
    if found.prediction is not None:
        assert found.prediction.taxon.rank not in WIDEST
        taxon, score = found.prediction.taxon.scientific_name, found.prediction.score
        outside = [not is_in(each, taxon) for each in TAXONOMY.animals]
        assert scores.probabilities[outside].sum() <= 1 - score + 1e-4


# --- a model of one's own


ODD_LABELS = {
    "one animal": ["fox,species,Chordata,Mammalia,Carnivora,Canidae,Vulpes,Vulpes"],
    "families": [f"{each},family,Chordata,Mammalia,Carnivora,{each},," for each in ("Canidae", "Felidae")],
    "no phylum and no class": [f"{each},species,,,Carnivora,,," for each in ("Canis", "Felis")],
    "nothing above": [f"{each},species,,,,,," for each in ("Canis", "Felis")],
}


@pytest.mark.parametrize("mode", ["narrowed", "no_location", "unknown_area", "degraded"])
@pytest.mark.parametrize("rows", ODD_LABELS.values(), ids=ODD_LABELS)
def test_labels_may_have_few_ranks(tmp_path: Path, rows: list[str], mode: Mode) -> None:
    # GIVEN a model with labels and taxa only, which lack ranks
    cells = [row.split(",") for row in rows]
    lines = [
        f"{number},{name.lower()},{number},,{name},{name},{rank},wild,{','.join(above)}"
        for number, (name, rank, *above) in enumerate(cells)
    ]
    (tmp_path / "labels.csv").write_text("\n".join([",".join(LABEL_COLUMNS), *lines]))
    taxa = {f"{name},{rank},{name}" for row in cells for name, rank in zip(row[2:], RANKS, strict=True) if name}
    (tmp_path / "taxa.csv").write_text("\n".join([",".join(TAXON_COLUMNS), *taxa]))
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    naming = Naming(Families(tmp_path, Relatives(tmp_path / "relatives.csv")), tmp_path / "certainty.json", 0.6)
    # WHEN a photo shows its first animal, or nothing
    sure, none = np.eye(len(rows), dtype=np.float32)[0], np.zeros(len(rows), np.float32)
    prior = Prior(place(mode=mode), FLOOR)
    found, empty = (naming.name(FusedScores(each, each, 0.99, taxonomy), prior)[1] for each in (sure, none))
    # THEN it is named, though unexpected where other animals live, or not
    assert (name_of(found), found.is_unexpected) == (rows[0].partition(",")[0], mode == "narrowed")
    assert (empty.prediction, empty.perhaps) == (None, ())


# --- curves


FITTED = read_certainty(ROOT / "model" / "certainty.json")
ROW = {"place": [0, 1], "alone": [0, 1], "pack": [0, 1], "least": 0.5}
ROWS = dict.fromkeys(get_args(Level), ROW)

probabilities = st.floats(0, 1)


@given(
    one=probabilities,
    other=probabilities,
    level=st.sampled_from(get_args(Level)),
    basis=st.sampled_from(get_args(Basis)),
)
def test_a_likelier_answer_is_never_less_certain(one: float, other: float, level: Level, basis: Basis) -> None:
    low, high = (FITTED[level].number(each, basis) for each in sorted((one, other)))
    assert 0 <= low <= high <= 1


@given(probability=probabilities)
def test_without_a_file_numbers_are_the_probabilities(probability: float) -> None:
    assert read_certainty(Path("nowhere") / "certainty.json") is PLAIN
    for curve in PLAIN.values():
        assert curve.number(probability, "place") == pytest.approx(probability, abs=1e-8)


@pytest.mark.parametrize(
    "data",
    [
        *(b"{", b"\xff", b"[]", b"{}"),
        *(
            json.dumps(ROWS | changed).encode()
            for changed in (
                {"list": {"place": [0, 1], "alone": [0, 1], "pack": [0, 1]}},
                {"animal": {**ROW, "place": [0]}},
                {"animal": {**ROW, "place": None}},
                {"family": {**ROW, "least": "much"}},
            )
        ),
    ],
)
def test_a_faulty_file_is_an_error_that_says_what_is_expected(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "certainty.json"
    path.write_bytes(data)
    keys = "expected keys place, alone, pack and least in animal, family, group, list"
    with pytest.raises(ModelError, match=rf"certainty\.json cannot be read .*; {keys}"):
        read_certainty(path)
