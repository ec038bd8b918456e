"""What an answer to a field photo is worth."""

from pathlib import Path

import pytest

from benchmarks.field.truth import FieldPhoto, Lineage, Verdict, read_traps, read_truth, verdict

CARNIVORA = {"phylum": "Chordata", "class": "Mammalia", "order": "Carnivora"}
FELIDAE = {**CARNIVORA, "family": "Felidae"}
LION = {**FELIDAE, "genus": "Panthera", "species": "Panthera leo"}
OTTER = {**CARNIVORA, "family": "Mustelidae", "subfamily": "Lutrinae"}
TRUTH = "class", "order", "family", "genus", "species"


def photo(*lineage: str, subject: str = "") -> FieldPhoto:
    return FieldPhoto("a.jpg", "s", subject, dict(zip(TRUTH, lineage, strict=False)), None, "phone")


A_LION = photo("Mammalia", "Carnivora", "Felidae", "Panthera", "Panthera leo")
A_RODENT = photo("Mammalia", "Rodentia")
AN_OTTER = photo("Mammalia", "Carnivora", "Mustelidae", "Lutra", "Lutra lutra")
A_BADGER = photo("Mammalia", "Carnivora", "Mustelidae", "Meles")


@pytest.mark.parametrize(
    ("shown", "named", "rank", "worth"),
    [
        (A_LION, LION, "species", "exact"),
        (A_LION, FELIDAE, "family", "useful"),
        (A_LION, CARNIVORA, "order", "vague"),
        (A_LION, {"phylum": "Chordata"}, "phylum", "vague"),
        (A_LION, {"phylum": "Arthropoda"}, "phylum", "wrong"),
        (A_LION, {**FELIDAE, "genus": "Panthera", "species": "Panthera onca"}, "species", "wrong"),
        (A_LION, None, "", "silent"),
        (A_RODENT, {**A_RODENT.lineage, "family": "Sciuridae"}, "family", "exact"),
        (AN_OTTER, OTTER, "subfamily", "useful"),
        (A_BADGER, OTTER, "subfamily", "wrong"),
        (photo("Mammalia", "Carnivora", "Mustelidae"), OTTER, "subfamily", "exact"),
        (photo(subject="(blank)"), None, "", "silent"),
        (photo(subject="(toy)"), {}, "kingdom", "wrong"),
    ],
)
def test_an_answer_is_worth_what_it_tells(shown: FieldPhoto, named: Lineage | None, rank: str, worth: Verdict) -> None:
    assert verdict(shown, named, rank) == worth


def test_the_truth_is_read_with_its_gaps_filled(tmp_path: Path) -> None:
    # GIVEN a truth with a gap in its lineage, and one without an animal or a place
    (tmp_path / "truth.csv").write_text(
        "file,study,truth_scientific_name,lineage,lat,lon,kind,note\n"
        "a.jpg,uruguay,Subulo gouazoubira,Mammalia>>>Subulo>Subulo gouazoubira,-33,-56,camera-trap day,\n"
        "b.jpg,pacs,(drawing),,,,other,\n"
    )
    deer, drawing = read_truth(tmp_path)
    # THEN the deer has its family
    assert (deer.lineage["family"], deer.place, deer.group) == ("Cervidae", (-33.0, -56.0), "Mammalia: Artiodactyla")
    assert (drawing.lineage, drawing.place, drawing.group) == ({}, None, "(drawing)")


def test_camera_trap_photos_have_the_lineage_of_their_label(tmp_path: Path) -> None:
    # GIVEN labels of a species, a genus and a class, and lineages of species that models or tables know
    (tmp_path / "labels.csv").write_text(
        "file,set,scientific_name\na.jpg,serengeti,Panthera leo\nb.jpg,ena24,Panthera nova\nc.jpg,caltech,Aves\n"
    )
    lion, nova, bird = read_traps(tmp_path, [LION])
    # THEN each has what is above its name, and the place of its set
    assert (lion.lineage["species"], lion.place) == ("Panthera leo", (-2.3, 34.8))
    assert nova.lineage == {rank: LION[rank] for rank in TRUTH[:4]} | {"species": "Panthera nova"}
    assert bird.lineage == {"class": "Aves"}


def test_a_label_without_a_lineage_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,set,scientific_name\na.jpg,ena24,Nessie\n")
    with pytest.raises(ValueError, match=r"Nessie in labels\.csv has no lineage"):
        read_traps(tmp_path, [LION])
