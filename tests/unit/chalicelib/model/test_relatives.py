"""Relatives: the species of a cell that the model does not know, and which of them are close to a prediction."""

from pathlib import Path

import pytest

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import RELATIVE_COLUMNS, Prediction, Relatives, Taxon, read_relatives

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
    assert names(relatives, Prediction(FELIDAE, 0.9, (FELIDAE,)), 1, 2, 3) == ["ocelot", "new cat"]
    order = Taxon("carnivore", "Carnivora", "order")
    assert names(relatives, Prediction(order, 0.9, (order,)), 1, 2, 3) == []
    assert names(relatives, Prediction(order, 0.9), 1, 2, 3) == []


def test_a_domestic_animal_has_relatives_of_its_genus_only(relatives: Relatives) -> None:
    # GIVEN a domestic animal of the genus Panthera THEN wild cats of other genera are not named
    pet = Prediction(JAGUAR, 0.9, (FELIDAE, PANTHERA, JAGUAR), is_domestic=True)
    assert names(relatives, pet, 1, 2) == ["new cat"]


def test_a_species_that_another_model_in_use_knows_is_left_out(relatives: Relatives) -> None:
    felidae = Prediction(FELIDAE, 0.9, (FELIDAE,))
    known = frozenset({"leopardus-pardalis"})
    assert [each.name for each in relatives.close_to(felidae, [1, 2], known)] == ["new cat"]


def test_a_number_of_a_newer_dataset_is_left_out(relatives: Relatives) -> None:
    assert names(relatives, Prediction(FELIDAE, 0.9, (FELIDAE,)), 1, 30_000) == ["ocelot"]


def test_a_model_without_the_file_has_no_relatives(tmp_path: Path) -> None:
    assert Relatives(tmp_path / "relatives.csv").close_to(Prediction(FELIDAE, 0.9, (FELIDAE,)), [1]) == []


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
    path.write_text(
        HEADER + "1,leopardus-pardalis,Leopardus pardalis,ocelot,Leopardus,Felidae,Carnivora,Mammalia\n2,lion\n"
    )
    felidae = Prediction(FELIDAE, 0.9, (FELIDAE,))
    assert names(Relatives(path), felidae, 1) == ["ocelot"]
    with pytest.raises(ModelError, match=r"row 2 of relatives\.csv has 2 fields; expected 8"):
        names(Relatives(path), felidae, 2)


def test_names_may_contain_a_comma(tmp_path: Path) -> None:
    path = tmp_path / "relatives.csv"
    path.write_text(
        HEADER + '1,leopardus-pardalis,Leopardus pardalis,"ocelot, or so",Leopardus,Felidae,Carnivora,Mammalia\n'
    )
    assert names(Relatives(path), Prediction(FELIDAE, 0.9, (FELIDAE,)), 1) == ["ocelot, or so"]
