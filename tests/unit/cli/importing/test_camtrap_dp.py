"""Labels of packages of Camtrap DP."""

import json
import shutil
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.description import read_description
from cli.importing.camtrap_dp import CamtrapDP
from cli.importing.labels import Label
from cli.results import ResultsFile
from cli.study.opinions import Observation, Opinion
from cli.study.reviews import save
from cli.study.study import Study
from testing.studies import write_study

MEDIA = "mediaID,deploymentID,timestamp,filePath,fileName"
OBSERVATIONS = (
    "observationID,deploymentID,mediaID,eventStart,eventEnd,observationLevel,observationType,scientificName,count,"
    "lifeStage,sex,behavior,classificationMethod,classifiedBy,classificationTimestamp,observationComments"
)
EVENT = "2026-05-02T06:00:00+03:00,2026-05-02T06:01:00+03:00"
ADDRESS = "https://example.org/assets/1/file"


def write(folder: Path, observations: list[str]) -> Path:
    """Write a package of four media, of which the last is an hour after the others."""
    folder.mkdir()
    resources = [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "media", "observations")]
    (folder / "datapackage.json").write_text(json.dumps({"resources": resources}))
    media = [f"{each},north,2026-05-02T0{6 + (each == 'd')}:00:30+03:00,N/{each}.jpg,{each}.jpg" for each in "abcd"]
    media[2] = media[2].replace("N/c.jpg", ADDRESS)
    (folder / "media.csv").write_text("\n".join([MEDIA, *media]))
    (folder / "observations.csv").write_text("\n".join([OBSERVATIONS, *observations]))
    return folder


def labels(path: Path) -> list[Label]:
    form = CamtrapDP()
    assert form.is_form_of(path)
    return list(form.labels(path))


def test_people_say_it_of_media_and_of_events(tmp_path: Path) -> None:
    who, impala = "human,A. Person,2026-06-01T08:00", "animal,Aepyceros melampus,2,adult,female,grazing"
    package = write(
        tmp_path / "package",
        [
            f"1,north,a,{EVENT},media,{impala},{who}:00Z,far",
            f"2,north,a,{EVENT},media,human,,,,,,{who}:05Z,",
            f"3,north,b,{EVENT},media,animal,Panthera leo,,,,,machine,tiny 1,,",
            f"4,north,,{EVENT},event,animal,Panthera leo,1,,,,human,B. Person,,",
            f"5,south,,{EVENT},event,blank,,,,,,human,B. Person,,",
        ],
    )
    # WHEN it is read as a folder, by its description, and as a zip THEN it is the same
    found = labels(package)
    shutil.make_archive(str(package), "zip", package)
    shutil.make_archive(str(tmp_path / "whole"), "zip", tmp_path, package.name)
    assert labels(package / "datapackage.json") == found == labels(tmp_path / "package.zip")
    assert labels(tmp_path / "whole.zip") == found
    # THEN a medium has what was said of it, or of its event
    first, second, third, last = found
    assert (first.photo, first.reviewer, first.at) == ("N/a.jpg", "A. Person", "2026-06-01T08:00:05Z")
    animal, person = first.said
    assert (animal.scientific_name, animal.count, animal.sex) == ("Aepyceros melampus", 2, "female")
    assert (animal.life_stage, animal.behavior, animal.note) == ("adult", "grazing", "far")
    assert person.kind == "human"
    assert [each.scientific_name for each in second.said] == ["Panthera leo"]
    # THEN one that lies elsewhere has its file's name, and one that no person looked at has no words
    assert (third.photo, third.reviewer) == ("c.jpg", "B. Person")
    assert (last.photo, last.said) == ("N/d.jpg", ())


def test_a_folder_with_a_colon_is_no_address(tmp_path: Path) -> None:
    package = write(tmp_path / "package", [f"1,north,a,{EVENT},media,blank,,,,,,human,A. Person,,"])
    media = package / "media.csv"
    media.write_text(media.read_text().replace("N/a.jpg", "cam: 3/a.jpg"))
    assert labels(package)[0].photo == "cam: 3/a.jpg"


def test_a_package_of_our_own_says_what_people_said(tmp_path: Path) -> None:
    # GIVEN what a person said of a photo, with a word that is no taxon
    said = (Observation("animal", "goat thing", count=2, sex="male", note="wet; far"), Observation("human"))
    write_study(tmp_path / "study.db")
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        save(results, [1], Opinion("A. Person", "2026-06-01T08:00:00+00:00", said))
        write_camtrap_dp(Study(results, 60), tmp_path / "package", read_description(None, ""))
    # WHEN its export is read THEN it is the same
    (label,) = [each for each in labels(tmp_path / "package") if each.said]
    assert (label.photo, label.said, label.reviewer) == ("N/IMG_0001.JPG", said, "A. Person")
    assert label.at == "2026-06-01T08:00:00+00:00"


def test_a_package_that_is_damaged_is_named(tmp_path: Path) -> None:
    package = write(tmp_path / "package", [])
    (package / "media.csv").write_text("mediaID\na\n")
    with pytest.raises(CommandError, match=r"package cannot be read .*export it again"):
        labels(package)
    assert not CamtrapDP().is_form_of(package / "media.csv")
