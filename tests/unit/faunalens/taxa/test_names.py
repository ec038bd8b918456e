"""What people call animals, and which taxa they mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from faunalens.taxa.names import kind_called, taxon_called, taxon_of_label
from faunalens.taxa.taxa import ANIMALS, lineage_of, lineages
from faunalens.words import rows_of

LATIN = sorted(lineages())
CASES = rows_of(Path(__file__).with_name("names.csv"))
"""What some names and labels of SpeciesNet mean. A name may be of no taxon at hand, or of several."""


def scientific_name(text: str) -> str | None:
    found = taxon_called(text)
    return found.scientific_name if found else None


@pytest.mark.parametrize("row", [row for row in CASES if row["of"] == "name"], ids=lambda row: row["text"])
def test_a_name_means_a_taxon_if_it_is_of_one(row: dict[str, str]) -> None:
    assert scientific_name(row["text"]) == (row["scientific_name"] or None)


@given(st.sampled_from(LATIN), st.text())
def test_every_taxon_is_found_by_its_scientific_name_and_any_text_is_a_name_or_none(latin: str, text: str) -> None:
    assert scientific_name(latin.upper()) == latin
    assert scientific_name(text) in {None, *LATIN}


def test_some_words_mean_a_kind() -> None:
    texts = ("EMPTY", "Homo sapiens", "Human - hiker", "ATV", "unclear", "red fox")
    assert [kind_called(text) for text in texts] == ["blank", "human", "human", "vehicle", "unknown", None]


LABELS = Path(__file__).with_name("speciesnet_labels.txt").read_text(encoding="utf-8").splitlines()
TABLE = ROOT / "docs" / "reference" / "speciesnet.csv"


@pytest.mark.parametrize("row", [row for row in CASES if row["of"] == "label"], ids=lambda row: row["text"])
def test_a_label_is_the_taxon_or_the_kind_that_it_names(row: dict[str, str]) -> None:
    found = taxon_of_label(row["text"])
    assert found[:4] == (row["kind"], row["name"], row["scientific_name"], row["rank"])
    assert found.ranks == lineage_of(row["scientific_name"]).ranks


def test_an_unknown_species_keeps_its_name_below_what_is_known() -> None:
    duiker = taxon_of_label("x;mammalia;cetartiodactyla;bovidae;cephalophus;harveyi;harvey's duiker")
    assert (duiker.name, duiker.scientific_name, duiker.is_known) == ("harvey's duiker", "Cephalophus harveyi", False)
    assert duiker.ranks == {**lineage_of("Cephalophus").ranks, "species": "Cephalophus harveyi"}
    # WHEN it has another form THEN it is refused
    with pytest.raises(ValueError, match="'red fox' has 1 fields; expected uuid;class;"):
        taxon_of_label("red fox")


def test_the_table_of_the_docs_says_what_an_import_makes_of_each_label() -> None:
    table = []
    for line in LABELS:
        meant = taxon_of_label(f"x;{line}")
        known = [(rank, latin) for rank, latin in meant.ranks.items() if lineage_of(latin).ranks]
        wider = known[-1] if known else ("kingdom", ANIMALS)
        rank, latin = (meant.rank, meant.scientific_name) if meant.is_known else wider
        *wide, genus, epithet, _ = line.split(";")
        name = f"{genus} {epithet}".strip() or next(each for each in reversed(wide) if each)
        table.append([name, "-".join(latin.lower().split()), latin, rank, "yes" if meant.is_known else "no"])
    # THEN a label means a taxon here, or the nearest wider one
    assert [list(row.values()) for row in rows_of(TABLE)] == table
