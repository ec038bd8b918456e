"""What is kept of a review, and what exports make of it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.darwin_core import write_dwca
from cli.exports.description import read_description
from cli.exports.flat_csv import write_csv
from cli.report.summary import summary_of
from cli.results import ResultsFile
from cli.study.event import found_in
from cli.study.finding import of_answer
from cli.study.opinions import Observation
from cli.study.reviews import precision, taxon_chosen, wilson
from cli.study.study import Study
from cli.study.taxa import ScoredTaxon
from cli.words import rows_of
from tests.support.studies import answer, say, seen, write_study

IMPALA_1, BOVIDS, BLANK, LION, IMPALA_2 = (
    *("N/IMG_0001.JPG", "N/IMG_0002.JPG", "N/IMG_0003.JPG"),
    *("S/card/IMG_0001.JPG", "S/card/IMG_0002.JPG"),
)


@pytest.fixture
def results(tmp_path: Path) -> Iterator[ResultsFile]:
    """The made-up study."""
    write_study(tmp_path / "study.db")
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        yield results


def test_what_is_said_is_exported_as_a_persons(results: ResultsFile, tmp_path: Path) -> None:
    # GIVEN a review: a wrong lion, a blank that is a person, and a impala that is right
    say(results, LION, seen("Acinonyx jubatus"))
    say(results, BLANK, Observation("human"))
    say(results, IMPALA_1)
    # WHEN the study is exported THEN these photos are classified by the person, without a probability
    write_camtrap_dp(Study(results, 60, file_times=True), tmp_path / "package", read_description(None, ""))
    rows = {row["mediaID"]: row for row in rows_of(tmp_path / "package" / "observations.csv") if row["mediaID"]}
    said = {path: (rows[path]["observationType"], rows[path]["scientificName"]) for path in (LION, BLANK, IMPALA_1)}
    assert said == {
        LION: ("animal", "Acinonyx jubatus"),
        BLANK: ("human", ""),
        IMPALA_1: ("animal", "Aepyceros melampus"),
    }
    for path in said:
        assert (rows[path]["classificationMethod"], rows[path]["classifiedBy"]) == ("human", "A. Person")
        assert rows[path]["classificationProbability"] == ""
    assert rows[IMPALA_2]["classificationMethod"] == "machine"


def test_a_wider_taxon_is_right_if_the_animal_belongs_to_it(results: ResultsFile) -> None:
    say(results, BOVIDS, seen("Aepyceros melampus"), drawn=True)
    say(results, IMPALA_1, seen("Panthera leo"), drawn=True)
    found = {each.taxon: (each.right, each.reviewed) for each in precision(results, drawn=True)}
    assert found == {"Bovidae": (1, 1), "Aepyceros melampus": (0, 1)}


def test_only_photos_drawn_at_random_count_for_the_precision_of_all(results: ResultsFile) -> None:
    say(results, LION)
    assert precision(results, drawn=True) == []
    assert len(precision(results, drawn=False)) == 1


def test_any_relative_is_a_name_with_its_lineage(results: ResultsFile, tmp_path: Path) -> None:
    # GIVEN species and a family that no model knows
    say(results, LION, seen("Ailurus styani"))
    say(results, BLANK, seen("Abrocomidae"))
    # WHEN the study is exported THEN they have their ranks
    rows = exported(results, tmp_path)
    assert [rows[path]["scientificName"] for path in (LION, BLANK)] == ["Ailurus styani", "Abrocomidae"]
    taxa = json.loads((tmp_path / "package" / "datapackage.json").read_text(encoding="utf-8"))["taxonomic"]
    found = {
        each["scientificName"]: (each["taxonRank"], each["class"], each["vernacularNames"]["eng"]) for each in taxa
    }
    assert found["Ailurus styani"] == ("species", "Mammalia", "Styan's red panda")
    assert found["Abrocomidae"] == ("family", "Mammalia", "chinchilla rat")


def test_a_typed_name_is_kept_without_a_taxon(results: ResultsFile, tmp_path: Path) -> None:
    # GIVEN an animal that a person calls something
    say(results, LION, Observation("animal", "olingo, perhaps new"))
    # THEN it is an animal in exports, with these words, and no taxon is invented
    row = exported(results, tmp_path)[LION]
    assert (row["observationType"], row["scientificName"]) == ("animal", "Animalia")
    assert row["observationComments"].startswith("olingo, perhaps new; the name as it was typed")
    study = Study(results, 60)
    write_csv(study, tmp_path / "photos.csv")
    (flat,) = (row for row in rows_of(tmp_path / "photos.csv") if row["path"] == LION)
    assert (flat["name"], flat["scientific_name"], flat["rank"]) == ("olingo, perhaps new", "Animalia", "kingdom")
    write_dwca(study, tmp_path / "archive.zip", read_description(None, ""))
    with ZipFile(tmp_path / "archive.zip") as archive, archive.open("occurrence.csv") as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        (occurrence,) = (row for row in rows if row["occurrenceID"].startswith(LION))
    assert (occurrence["vernacularName"], occurrence["scientificName"]) == ("olingo, perhaps new", "Animalia")
    assert "the name as it was typed" in occurrence["identificationRemarks"]
    # THEN the report has it on its own, and no one knows whether the machine was right
    groups = summary_of(study).groups.values()
    assert [(each.name, each.photos) for each in groups if each.scientific_name == "Animalia"] == [
        ("olingo, perhaps new", 1)
    ]
    assert precision(results, drawn=True) == []


def test_a_typed_name_is_an_animal_of_its_own_in_an_event(results: ResultsFile) -> None:
    # GIVEN an event of two photos, of which a person names one
    say(results, IMPALA_1, Observation("animal", "olingo"))
    # THEN the other photo keeps its name
    event = next(Study(results, 60).events())
    named = [each.named.name for each in found_in([photo.finding for photo in event]) if each.named]
    assert sorted(named) == ["antelope, ox or sheep", "olingo"]


def exported(results: ResultsFile, folder: Path) -> dict[str, dict[str, str]]:
    """Return the observations of the photos in Camtrap DP by path."""
    write_camtrap_dp(Study(results, 60), folder / "package", read_description(None, ""))
    return {row["mediaID"]: row for row in rows_of(folder / "package" / "observations.csv") if row["mediaID"]}


def test_what_another_model_called_it_can_be_chosen() -> None:
    # GIVEN a genus that only another program knows
    said = {
        "by": "net 1",
        "kind": "animal",
        "name": "nobody",
        "scientific_name": "Nullius",
        "rank": "genus",
        "score": 0.5,
    }
    found = of_answer(json.loads(answer(None, others=[said])), "")
    # WHEN a reviewer chooses it THEN it has its name and rank
    assert taxon_chosen("Nullius", [found]) == ScoredTaxon("nobody", "Nullius", "genus", 1.0)


@pytest.mark.parametrize(
    ("right", "reviewed", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (1, 2, 0.095, 0.905), (81, 263, 0.255, 0.366)],
)
def test_the_interval_is_wilsons(right: int, reviewed: int, low: float, high: float) -> None:
    # The last row is the example of R. G. Newcombe, Statistics in Medicine 17 (1998), table I.
    assert wilson(right, reviewed) == pytest.approx((low, high), abs=5e-4)
