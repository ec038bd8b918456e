"""Taxonomy: both files become one tree, whose animals have ids and lineages."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import RELATIVE_COLUMNS, Prediction, Relatives, Taxon, Taxonomy, read_relatives
from tests.unit.chalicelib.model.real_tables import BY_NAME, TAXONOMY

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
    # AND a breed lies below its species
    dog, beagle = (Taxon(name, "Canis familiaris", rank) for name, rank in (("dog", "species"), ("beagle", "breed")))
    assert BY_NAME["beagle"].lineage[-2:] == (dog, beagle)


# --- ids


def test_ids_become_output_indices(tmp_path: Path) -> None:
    # GIVEN a model whose ids differ from its output indices, one of them the largest allowed
    cat = "2147483647,felis-catus,1,w1,cat,Felis catus,species,cat,P,C,,,F,Felis catus"
    dog = "7,canis-familiaris,0,w0,dog,Canis familiaris,species,dog,P,C,,,D,Canis familiaris"
    taxonomy = small(tmp_path, cat, dog, header="\ufeff" + LABELS, taxa="\ufeff" + TAXA)  # as spreadsheets begin files
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


def small(folder: Path, *rows: str, header: str = LABELS, taxa: str | None = TAXA) -> Taxonomy:
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    if taxa is not None:
        (folder / "taxa.csv").write_text(taxa, encoding="utf-8")
    return Taxonomy.read(folder / "labels.csv", folder / "taxa.csv")


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
        ([CAT, cat("0,felis-catus,0", "0,other,1")], {}, "uses 0 more than once; each id and taxon must be unique"),
        ([CAT, cat("0,felis-catus,0", "1,felis-catus,1")], {}, "uses felis-catus more than once"),
        ([cat("felis-catus", "Felis catus")], {}, "taxon of 'cat' in labels.csv is 'Felis catus'; expected its"),
        ([cat(",Felis catus,", ",,")], {}, "felis-catus in labels.csv has no name, scientific name or rank; add it"),
        (
            [CAT],
            {"taxa": "scientific_name,rank,name\nP,class,p\n"},
            "no row for 'P' of rank phylum, which 'cat' has in",
        ),
        ([CAT], {"taxa": ""}, "taxa.csv is not a CSV file with a header"),
        ([CAT], {"taxa": None}, "taxa.csv cannot be read"),
    ],
)
def test_an_invalid_file_is_named_with_the_problem(
    tmp_path: Path, rows: list[str], files: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        small(tmp_path, *rows, **files)


# --- relatives: the species of a cell that the model does not know, and which are close to a prediction


HEADER = ",".join(RELATIVE_COLUMNS) + "\n"
ROWS = """\
1,leopardus-pardalis,Leopardus pardalis,ocelot,Leopardus,Felidae,Carnivora,Mammalia
2,panthera-nova,Panthera nova,new cat,Panthera,Felidae,Carnivora,Mammalia
3,urocyon-littoralis,Urocyon littoralis,island fox,Urocyon,Canidae,Carnivora,Mammalia
4,leopardus-wiedii,Leopardus wiedii,margay,Leopardus,Felidae,Carnivora,Mammalia
"""
FELIDAE, PANTHERA = Taxon("cat", "Felidae", "family"), Taxon("big cat", "Panthera", "genus")
JAGUAR = Taxon("jaguar", "Panthera onca", "species")


@pytest.fixture
def relatives(tmp_path: Path) -> Relatives:
    path = tmp_path / "relatives.csv"
    path.write_text(HEADER + ROWS)
    return Relatives(path)


def names(relatives: Relatives, prediction: Prediction, *here: int) -> list[str]:
    return [each.name for each in relatives.close_to(prediction, here)]


def test_the_genus_comes_first_then_the_family_each_in_the_order_of_the_cell(relatives: Relatives) -> None:
    jaguar = Prediction(JAGUAR, 0.9, (FELIDAE, PANTHERA, JAGUAR))
    assert names(relatives, jaguar, 4, 3, 2, 1) == ["new cat", "margay", "ocelot"]
    # AND only those of the cell count
    assert names(relatives, jaguar, 3, 1) == ["ocelot"]
    assert names(relatives, jaguar) == []


def test_a_family_has_all_of_its_relatives_and_an_order_has_none(relatives: Relatives) -> None:
    felidae = Prediction(FELIDAE, 0.9, (FELIDAE,))
    assert names(relatives, felidae, 1, 2, 3) == ["ocelot", "new cat"]
    # AND numbers of a newer dataset are left out, and species that another model in use knows
    assert names(relatives, felidae, 1, 30_000) == ["ocelot"]
    assert [each.name for each in relatives.close_to(felidae, [1, 2], frozenset({"leopardus-pardalis"}))] == ["new cat"]
    order = Taxon("carnivore", "Carnivora", "order")
    assert names(relatives, Prediction(order, 0.9, (order,)), 1, 2, 3) == []
    assert names(relatives, Prediction(order, 0.9), 1, 2, 3) == []


def test_a_domestic_animal_has_relatives_of_its_genus_only(relatives: Relatives) -> None:
    # GIVEN a domestic animal of the genus Panthera THEN wild cats of other genera are not named
    pet = Prediction(JAGUAR, 0.9, (FELIDAE, PANTHERA, JAGUAR), is_domestic=True)
    assert names(relatives, pet, 1, 2) == ["new cat"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number,name\n", "has the columns number,name; expected"),
        ("", "has the columns ; expected number,taxon"),
        (HEADER + "1,margay\n", "line 2 of relatives.csv has 2 fields; expected 8"),
        (HEADER + ROWS + "1,a,b,c,d,e,f,g\n", "number in line 6 of relatives.csv is '1'; expected a unique whole"),
        (HEADER + "32768,a,b,c,d,e,f,g\n", "is '32768'; expected a unique whole number from 0 to 32767"),
        (HEADER + "-1,a,b,c,d,e,f,g\n", "is '-1'; expected a unique whole number"),
    ],
)
def test_a_faulty_file_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "relatives.csv").write_text(text)
    with pytest.raises(ModelError) as error:
        read_relatives(tmp_path / "relatives.csv")
    assert message in str(error.value)


def test_a_faulty_row_is_an_error_when_it_is_needed(tmp_path: Path) -> None:
    # GIVEN a file whose second row lacks fields THEN only an answer that needs this row fails
    path = tmp_path / "relatives.csv"
    path.write_text(HEADER + ROWS.splitlines()[0].replace("ocelot", '"ocelot, or so"') + "\n2,lion\n")
    felidae = Prediction(FELIDAE, 0.9, (FELIDAE,))
    assert names(Relatives(path), felidae, 1) == ["ocelot, or so"]
    with pytest.raises(ModelError, match=r"row 2 of relatives\.csv has 2 fields; expected 8"):
        names(Relatives(path), felidae, 2)
