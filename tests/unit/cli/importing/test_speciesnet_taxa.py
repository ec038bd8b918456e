"""SpeciesNet's labels as taxa. The sample beside this file is the first 155 labels of its classifier's list.

They are from google/cameratrapai@0f5fc89, `data/model_package/always_crop_99710272_22x8_v12_epoch_00148.labels.txt`
(Apache-2.0), without their UUIDs. The list has no order, so that they are a sample of its 2,498 labels.
"""

from pathlib import Path

import pytest

from chalicelib.model.taxonomy import RANKS
from cli.importing.speciesnet_taxa import Labelled, taxon_of_label
from cli.study.taxa import lineage_of

SAMPLE = Path(__file__).with_name("speciesnet_labels.txt").read_text(encoding="utf-8").splitlines()
BEAR = "436ddfdd-bc43-44c3-a25d-34671d3430a0;mammalia;carnivora;ursidae;ursus;americanus;american black bear"


def test_a_label_is_the_taxon_that_it_names() -> None:
    bear = taxon_of_label(BEAR)
    assert bear[:4] == ("animal", "American black bear", "Ursus americanus", "species")
    assert bear.ranks == lineage_of("Ursus americanus").ranks


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank", "blank"),
        ("e2895ed5-780b-48f6-8a11-9e27cb594511;;;;;;vehicle", "vehicle"),
        ("990ae9dd-7a59-4344-afcb-1b7b21368000;mammalia;primates;hominidae;homo;sapiens;human", "human"),
        (f"f2efdae9-efb8-48fb-8a91-eccf79ab4ffb{';no cv result' * 6}", "unknown"),
    ],
)
def test_what_is_no_animal_is_a_kind(label: str, kind: str) -> None:
    assert taxon_of_label(label) == Labelled(kind)  # type: ignore[arg-type]  # from the table above


def test_a_label_may_be_wide() -> None:
    assert taxon_of_label("x;;;;;;animal")[:4] == ("animal", "animal", "Animalia", "kingdom")
    assert taxon_of_label("x;mammalia;cetartiodactyla;;;;cetartiodactyla order").scientific_name == "Artiodactyla"
    assert taxon_of_label("x;mammalia;carnivora;canidae;;;canine family")[1:4] == (
        "dog, wolf or fox",
        "Canidae",
        "family",
    )


@pytest.mark.parametrize(
    ("taxa", "expected"),
    [
        ("aves;accipitriformes;accipitridae;accipiter;melanoleucus;black sparrowhawk", "Astur melanoleucus"),
        ("mammalia;carnivora;canidae;canis;lupus familiaris;domestic dog", "Canis familiaris"),
        ("mammalia;cetartiodactyla;bovidae;bos;taurus;domestic cattle", "Bos taurus"),
    ],
)
def test_a_species_with_another_name_is_found(taxa: str, expected: str) -> None:
    assert taxon_of_label(f"x;{taxa}").scientific_name == expected


def test_an_unknown_species_keeps_its_name_below_what_is_known() -> None:
    duiker = taxon_of_label("x;mammalia;cetartiodactyla;bovidae;cephalophus;harveyi;harvey's duiker")
    assert (duiker.name, duiker.scientific_name, duiker.is_known) == ("harvey's duiker", "Cephalophus harveyi", False)
    assert duiker.ranks == {**lineage_of("Cephalophus").ranks, "species": "Cephalophus harveyi"}


def test_what_is_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="'red fox' has 1 fields; expected uuid;class;"):
        taxon_of_label("red fox")


def test_nine_tenths_of_the_labels_are_known() -> None:
    labels = [taxon_of_label(f"x;{line}") for line in SAMPLE]
    unknown = [each for each in labels if not each.is_known]
    assert {each.kind for each in labels} == {"animal"}
    # THEN these alone are no taxa at hand
    assert {each.scientific_name for each in unknown} == {
        *("Cephalophus harveyi", "Leiotrichidae", "Lepus victoriae", "Lophognathus longirostris", "Lycalopex griseus"),
        *("Myodes", "Psophia obscura", "Psophia ochroptera", "Saguinus melanoleucus"),
        *("Sapajus macrocephalus", "Scincidae", "Semnopithecus dussumieri", "Sminthopsis fuliginosus"),
    }
    assert len(unknown) < 0.1 * len(labels)
    # and each of them is below a class at least
    assert all({"phylum", "class"} < each.ranks.keys() <= set(RANKS) for each in unknown)
