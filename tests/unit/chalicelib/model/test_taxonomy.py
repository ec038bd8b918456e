"""Taxonomy: both files become one tree, whose animals have ids and lineages."""

from pathlib import Path

import pytest

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import Taxon, Taxonomy

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
BY_NAME = {animal.name: animal for animal in TAXONOMY.animals}

# --- reading


def test_animals_come_in_output_order_with_their_lineage() -> None:
    # GIVEN the model's files; THEN the koala has its output index and its lineage from the phylum down
    koala = TAXONOMY.animals[105]
    assert (koala.id, koala.taxon_id, koala.output_index) == (105, "phascolarctos-cinereus", 105)
    assert (koala.name, koala.kind) == ("koala", "wild")
    assert [taxon.scientific_name for taxon in koala.lineage] == [
        "Chordata", "Mammalia", "Diprotodontia", "Phascolarctidae", "Phascolarctos", "Phascolarctos cinereus",
    ]  # fmt: skip
    assert koala.taxon == Taxon("koala", "Phascolarctos cinereus", "species")


def test_a_breed_lies_below_its_species() -> None:
    beagle = BY_NAME["beagle"]
    assert beagle.lineage[-2:] == (
        Taxon("dog", "Canis familiaris", "species"),
        Taxon("beagle", "Canis familiaris", "breed"),
    )


# --- ids


def test_ids_become_output_indices(tmp_path: Path) -> None:
    # GIVEN a model whose ids differ from its output indices, one of them the largest allowed
    cat = "2147483647,felis-catus,1,w1,cat,Felis catus,species,cat,P,C,,,F,Felis catus"
    dog = "7,canis-familiaris,0,w0,dog,Canis familiaris,species,dog,P,C,,,D,Canis familiaris"
    taxonomy = small(tmp_path, cat, dog)
    # THEN each id has its output index
    assert taxonomy.index_of == {2147483647: 1, 7: 0}
    assert [animal.id for animal in taxonomy.animals] == [7, 2147483647]


# --- invalid files

LABELS = "id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species"
TAXA = (
    "scientific_name,rank,name\nAnimalia,kingdom,animal\nP,phylum,p\nC,class,c\nF,genus,small cat\nD,genus,dog\n"
    "Felis catus,species,cat\nCanis familiaris,species,dog\n"
)
CAT = "0,felis-catus,0,w0,cat,Felis catus,species,cat,P,C,,,F,Felis catus"


def small(folder: Path, *rows: str, header: str = LABELS, taxa: str = TAXA) -> Taxonomy:
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (folder / "taxa.csv").write_text(taxa, encoding="utf-8")
    return Taxonomy.read(folder / "labels.csv", folder / "taxa.csv")


def test_the_byte_order_mark_of_spreadsheets_is_ignored(tmp_path: Path) -> None:
    assert small(tmp_path, CAT, header="\ufeff" + LABELS, taxa="\ufeff" + TAXA).animals == small(tmp_path, CAT).animals


def cat(old: str, new: str) -> str:
    """Return the row of the cat with another field."""
    assert old in CAT
    return CAT.replace(old, new, 1)


NUMBER = "expected a whole number from 0 to 2147483647"


@pytest.mark.parametrize(
    ("rows", "files", "message"),
    [
        ([CAT], {"header": LABELS.replace("wnid", "synset")}, "labels.csv has the columns"),
        ([CAT + ",more"], {}, "line 2 of labels.csv has 15 fields; expected 14"),
        ([cat("P,", "Porifera,")], {}, "no row for 'Porifera'"),
        ([cat("catus,0", "catus,1")], {}, "must count from 0"),
        ([], {}, "must count from 0"),
        ([cat("0,", "x,")], {}, f"id of 'cat' in labels.csv is 'x'; {NUMBER}"),
        ([cat("0,", "-1,")], {}, f"id of 'cat' in labels.csv is '-1'; {NUMBER}"),
        ([cat("0,", f"{2**31},")], {}, f"labels.csv is '2147483648'; {NUMBER}"),
        ([cat("catus,0", "catus,x")], {}, "output_index of 'cat' in labels.csv is 'x'; expected a whole number"),
        ([cat(",cat,P", ",tame,P")], {}, "kind of 'cat' in labels.csv is 'tame'; expected one of wild, marine,"),
        ([CAT, cat("0,felis-catus,0", "0,other,1")], {}, "uses an id or a taxon twice"),
        ([CAT, cat("0,felis-catus,0", "1,felis-catus,1")], {}, "uses an id or a taxon twice"),
        ([cat("felis-catus", "Felis catus")], {}, "taxon of 'cat' in labels.csv is 'Felis catus'; expected its"),
        ([CAT], {"taxa": ""}, "taxa.csv is not a CSV file with a header"),
    ],
)
def test_an_invalid_file_is_named_with_the_problem(
    tmp_path: Path, rows: list[str], files: dict[str, str], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        small(tmp_path, *rows, **files)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
