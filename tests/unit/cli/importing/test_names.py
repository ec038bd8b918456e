"""What people call animals, and which taxa they mean."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.model.taxonomy import RANKS
from cli.importing.names import KINDS, Labelled, kind_called, taxon_called, taxon_of_label
from cli.study.taxa import ANIMALS, lineage_of, lineages

LATIN = sorted(lineages())


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Vulpes vulpes", "Vulpes vulpes"),
        ("Red Fox", "Vulpes vulpes"),
        ("red_fox", "Vulpes vulpes"),
        ("Fox, Red", "Vulpes vulpes"),
        ("Rabbit, desert cottontail", "Sylvilagus audubonii"),
        ("Vulpes vulpes (red fox)", "Vulpes vulpes"),
        ("Rotfuchs", "Vulpes vulpes"),  # a language of the page
        ("White-tailed Deer", "Odocoileus virginianus"),
        ("white tailed deer", "Odocoileus virginianus"),
        ("Cervus sp.", "Cervus"),
        ("deer", "Cervidae"),
        ("impala", "Aepyceros melampus"),  # the genus is called so too
        ("squirrels", "Sciuridae"),  # all whose names end so
        ("domestic dog", "Canis familiaris"),
        ("Canis lupus familiaris", "Canis familiaris"),
        ("Canis lupus pallipes", "Canis lupus"),
        ("Unidentified bird", "Aves"),
        ("Vulpes vulpes (Linnaeus, 1758)", "Vulpes vulpes"),
        ("animal", "Animalia"),
    ],
)
def test_a_name_means_a_taxon(text: str, latin: str) -> None:
    found = taxon_called(text)
    assert found is not None
    assert found.scientific_name == latin


@pytest.mark.parametrize("text", ["goanna", "", "R13", "100RECNX", "planthopper", "mouse"])
def test_a_name_of_no_taxon_at_hand_or_of_several_means_none(text: str) -> None:
    assert taxon_called(text) is None


@given(st.sampled_from(LATIN))
def test_every_taxon_is_found_by_its_scientific_name(latin: str) -> None:
    found = taxon_called(latin.upper())
    assert found is not None
    assert found.scientific_name == latin


@given(st.text())
def test_any_text_is_a_name_or_none(text: str) -> None:
    found = taxon_called(text)
    assert found is None or found.scientific_name in lineages()


@pytest.mark.parametrize(
    ("text", "kind"), [("EMPTY", "blank"), ("Homo sapiens", "human"), ("Human - hiker", "human"), ("ATV", "vehicle")]
)
def test_some_words_mean_a_kind(text: str, kind: str) -> None:
    assert kind_called(text) == kind
    assert kind_called("red fox") is None
    assert KINDS["unclear"] == "unknown"


LABELS = Path(__file__).with_name("speciesnet_labels.txt").read_text(encoding="utf-8").splitlines()
UNKNOWN = 105
TABLE = ROOT / "docs" / "reference" / "speciesnet.csv"
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


def rows() -> list[tuple[str, str, str, str, str]]:
    """Return the rows of the table: a label's name, and the taxon that it means here or the nearest wider one."""
    found = []
    for line in LABELS:
        meant = taxon_of_label(f"x;{line}")
        known = [(rank, latin) for rank, latin in meant.ranks.items() if lineage_of(latin).ranks]
        wider = known[-1] if known else ("kingdom", ANIMALS)
        rank, latin = (meant.rank, meant.scientific_name) if meant.is_known else wider
        *wide, genus, epithet, _ = line.split(";")
        name = f"{genus} {epithet}".strip() or next(each for each in reversed(wide) if each)
        found.append((name, "-".join(latin.lower().split()), latin, rank, "yes" if meant.is_known else "no"))
    return found


def test_the_table_says_what_each_label_means() -> None:
    # GIVEN the table of the docs THEN it has what an import makes of each label
    with TABLE.open(encoding="utf-8", newline="") as file:
        _, *table = csv.reader(file)
    assert [tuple(row) for row in table] == rows()


def test_most_labels_are_known() -> None:
    labels = [taxon_of_label(f"x;{line}") for line in LABELS]
    assert {each.kind for each in labels} == {"animal"}
    assert len(labels) == 2494
    # THEN few are no taxa at hand, most of them reptiles and species that were split
    assert sum(not each.is_known for each in labels) == UNKNOWN
    # and each of them is a class at least
    assert all("class" in each.ranks and each.ranks.keys() <= set(RANKS) for each in labels)
