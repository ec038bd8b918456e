"""Darwin Core Archive: meta.xml describes its files, and occurrences have what GBIF asks for."""

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from cli.exports.darwin_core import write_dwca
from cli.exports.description import read_description
from tests.support.studies import made_up

TEXT = "{http://rs.tdwg.org/dwc/text/}"


@pytest.fixture
def archive(tmp_path: Path) -> ZipFile:
    """The made-up study, with rounded coordinates."""
    with made_up(tmp_path, precision=0.1) as study:
        write_dwca(study, tmp_path / "dwca.zip", read_description(None, "Two"))
    return ZipFile(tmp_path / "dwca.zip")


def rows_of(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_meta_describes_every_column_of_every_file(archive: ZipFile) -> None:
    meta = ET.fromstring(archive.read("meta.xml"))  # noqa: S314, our own
    assert meta.get("metadata") == "eml.xml"
    assert {each.tag.removeprefix(TEXT) for each in meta} == {"core", "extension"}
    for element in meta:
        name = str(element.findtext(f"{TEXT}files/{TEXT}location"))
        header = archive.read(name).decode().splitlines()[0].split(",")
        terms = {int(each.get("index", "")): str(each.get("term")) for each in element.findall(f"{TEXT}field")}
        # THEN each column but the id of extensions has its term
        assert [terms[index].rpartition("/")[2] for index in sorted(terms)] == header[-len(terms) :]
        assert len(header) - len(terms) == (0 if element.tag.endswith("core") else 1)


def test_only_animals_are_occurrences(archive: ZipFile) -> None:
    rows = rows_of(archive, "occurrence.csv")
    assert [row["scientificName"] for row in rows] == [
        "Aepyceros melampus",
        "Bovidae",
        "Panthera leo",
        "Aepyceros melampus",
    ]
    for row in rows:
        assert row["basisOfRecord"] == "MachineObservation"
        assert bool(row["eventDate"]) == (row["occurrenceID"] != "S/card/IMG_0002.JPG#1")
        assert row["identificationVerificationStatus"] == "unverified"
    impala = rows[0]
    assert (impala["decimalLatitude"], impala["coordinatePrecision"]) == ("-1.2", "0.1")
    assert impala["dataGeneralizations"] == "coordinates rounded to 0.1 degree"
    assert impala["coordinateUncertaintyInMeters"] == "7902"
    assert impala["identificationRemarks"] == "classified by a machine with probability 0.90"


def test_extensions_refer_to_occurrences(archive: ZipFile) -> None:
    occurrences = {row["occurrenceID"] for row in rows_of(archive, "occurrence.csv")}
    for name in ("multimedia.csv", "identification.csv"):
        assert {row["occurrenceID"] for row in rows_of(archive, name)} == occurrences
    assert len(rows_of(archive, "identification.csv")) == 6


def test_the_metadata_has_what_gbif_demands(archive: ZipFile) -> None:
    dataset = ET.fromstring(archive.read("eml.xml")).find("dataset")  # noqa: S314, our own
    assert dataset is not None
    tags = [each.tag for each in dataset]
    assert tags == [
        *("title", "creator", "metadataProvider", "pubDate", "language", "abstract", "intellectualRights"),
        *("coverage", "contact"),
    ]
    assert dataset.findtext("coverage/geographicCoverage/boundingCoordinates/northBoundingCoordinate") == "-1.2"
