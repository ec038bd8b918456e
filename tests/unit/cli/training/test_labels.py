"""Labels to train on, in every form: what a photo shows, by which camera, where, and in which boxes."""

import json
from pathlib import Path

import pytest

from chalicelib.features.cells import cell_of, text_of
from chalicelib.model.detector import Box
from cli.deployments import Deployments
from cli.errors import CommandError
from cli.results import ResultsFile
from cli.study.opinions import Observation
from cli.training.labels import LabelledPhoto, Labels
from tests.support.studies import IMPALA, STATIONS, animal, answer, say, seen, write_study

NORTH = cell_of(-1.2345, 36.789)


def labels_of(source: Path, root: Path | None = None, *rows: dict[str, str]) -> Labels:
    found = Labels()
    found.add(source, root, Deployments(list(rows)))
    return found


def photos(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"\xff\xd8")


def brief(labels: Labels, folder: Path) -> list[tuple[str, str, str]]:
    return sorted((each.photo.relative_to(folder).as_posix(), each.taxon, each.camera) for each in labels.photos)


def test_reviews_of_a_study_are_labels_with_the_boxes_of_its_answers(tmp_path: Path) -> None:
    # GIVEN a study with a box, of which people have reviewed some photos
    with_box = answer(IMPALA, 0.9, animals=[animal(0.1, None)])
    names = ("N/DCIM/100EK113/1.JPG", "N/DCIM/101EK113/1.JPG", "S/card/1.JPG", "S/card/2.JPG", "S/card/3.JPG")
    write_study(tmp_path / "study.db", [(name, None, with_box) for name in names])
    folder = tmp_path / "Two stations"
    photos(folder, *names)
    lion, impala = seen("Panthera leo"), seen("Aepyceros melampus")
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        for name, said in zip(names, ([impala], [lion, impala], [lion], [Observation("blank")]), strict=False):
            say(results, name, *said)
    # WHEN they are read
    found = labels_of(tmp_path / "study.db")
    # THEN a photo of one animal is labelled
    first, second = found.photos
    box = Box(0.1, 0.2, 0.25, 0.5, 0.9, "animal")
    assert first == LabelledPhoto(folder / names[0], "Aepyceros melampus", "north", NORTH, (box,))
    assert (second.taxon, second.camera) == ("Panthera leo", "south")
    # THEN of two animals it is not known which box is whose
    assert found.left_out == {folder / names[1]: "several taxa are named", folder / names[3]: "no animal is named"}


TABLE = "File,Species,Location,Latitude,Longitude,Box,Width,Height\n"


def test_a_table_has_a_row_for_each_photo(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg", "sub/c.jpg")
    # GIVEN rows with all columns, with few, with a name that is no taxon, and of a photo that is gone
    (tmp_path / "labels.csv").write_text(
        f"{TABLE}a.jpg,lion,n1,-1.2345,36.789,10;20;30;40,100,100\nb.jpg,Panthera leo,n2,,,,,\n"
        "sub/c.jpg,ghost cat,n1,,,,,\nd.jpg,lion,n1,,,,,\nb.jpg,lion,n2,,,,,\na.jpg,,n1,,,,,\n"
    )
    found = labels_of(tmp_path / "labels.csv")
    assert found.photos == [
        LabelledPhoto(tmp_path / "a.jpg", "Panthera leo", "n1", NORTH, (Box(0.1, 0.2, 0.3, 0.4, 1.0, "animal"),)),
        LabelledPhoto(tmp_path / "b.jpg", "Panthera leo", "n2"),
    ]
    assert found.left_out == {
        tmp_path / "sub" / "c.jpg": "'ghost cat' is no taxon that Faunalens knows",
        tmp_path / "d.jpg": "there is no such file",
    }


def test_a_correction_of_the_website_has_a_cell_in_place_of_a_camera(tmp_path: Path) -> None:
    # GIVEN what `python -m web corrections` lists, with pictures
    photos(tmp_path, "pictures/a1.jpg", "pictures/b2.jpg")
    (tmp_path / "corrections.csv").write_text(
        f"created,result,answered,animal,cell\n2026,/r/a1,Felis,lion,{text_of(NORTH)}\n2026,/r/b2,Felis,'lion,\n"
    )
    first, second = labels_of(tmp_path / "corrections.csv", tmp_path / "pictures").photos
    assert first == LabelledPhoto(tmp_path / "pictures" / "a1.jpg", "Panthera leo", text_of(NORTH), NORTH)
    # THEN one without a place has a camera of its own
    assert second == LabelledPhoto(tmp_path / "pictures" / "b2.jpg", "Panthera leo", "/r/b2")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("when,who\n1,2\n", "has the columns when, who; expected one with the photo's path, such as"),
        ("file,animal,cell\na.jpg,lion,here\n", "'here' is not an H3 cell"),
    ],
)
def test_a_table_that_cannot_be_used_says_what_it_needs(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(CommandError, match=message):
        labels_of(tmp_path / "labels.csv")


def test_folders_by_animal_lie_in_those_of_cameras_or_around_them(tmp_path: Path) -> None:
    photos(tmp_path, "north/lion/1.jpg", "impala/south/DCIM/100EK113/2.jpg", "lion/3.jpg", "north/empty/4.jpg")
    # WHEN a table of deployments names one of the cameras
    found = labels_of(tmp_path, None, dict(STATIONS[0], folder=""))
    assert brief(found, tmp_path) == [
        ("impala/south/DCIM/100EK113/2.jpg", "Aepyceros melampus", "south"),
        ("lion/3.jpg", "Panthera leo", ""),
        ("north/lion/1.jpg", "Panthera leo", "north"),
    ]
    assert [each.cell for each in found.photos if each.camera == "north"] == [NORTH]


def test_forms_of_import_are_labels(tmp_path: Path) -> None:
    # GIVEN a table of Timelapse, and a package of Camtrap DP, which has deployments with places
    photos(tmp_path, "N/a.jpg", "package/N/a.jpg")
    tables = {
        "../data": "File,RelativePath,Species\na.jpg,N,lion\n",
        "deployments": "deploymentID,latitude,longitude\nn1,-1.2345,36.789\n",
        "media": "mediaID,deploymentID,timestamp,filePath\na,n1,2026-05-02T06:00:00Z,N/a.jpg\n",
        "observations": "deploymentID,mediaID,observationType,scientificName\nn1,a,animal,Panthera leo\n",
    }
    for name, text in tables.items():
        (tmp_path / "package" / f"{name}.csv").write_text(text)
    about = {"resources": [{"name": name, "path": f"{name}.csv"} for name in tables]}
    (tmp_path / "package" / "datapackage.json").write_text(json.dumps(about))
    # THEN a photo has the camera of its folder, or that of its deployment
    assert labels_of(tmp_path / "data.csv").photos == [LabelledPhoto(tmp_path / "N/a.jpg", "Panthera leo", "N")]
    expected = LabelledPhoto(tmp_path / "package/N/a.jpg", "Panthera leo", "n1", NORTH)
    assert labels_of(tmp_path / "package" / "datapackage.json").photos == [expected]


def test_each_box_of_a_file_of_megadetector_may_have_a_name(tmp_path: Path) -> None:
    photos(tmp_path, "N/a.jpg", "N/b.jpg")
    boxes = [
        {"category": "1", "conf": 0.8, "bbox": [0.1, 0.2, 0.3, 0.4], "classifications": [["0", 0.9], ["1", 0.1]]},
        {"category": "1", "conf": 0.7, "bbox": [0.6, 0.2, 0.3, 0.4], "classifications": [["1", 0.9]]},
        {"category": "2", "conf": 0.9, "bbox": [0.0, 0.0, 0.1, 0.1]},
    ]
    images = [{"file": "N/a.jpg", "detections": boxes}, {"file": "N/b.jpg", "detections": [], "failure": "x"}]
    file = {"classification_categories": {"0": "lion", "1": "impala", "2": "thing"}, "images": images}
    (tmp_path / "md.json").write_text(json.dumps(file))
    found = [(each.taxon, each.camera, *each.boxes) for each in labels_of(tmp_path / "md.json").photos]
    assert found == [
        ("Aepyceros melampus", "N", Box(0.6, 0.2, 0.3, 0.4, 0.7, "animal")),
        ("Panthera leo", "N", Box(0.1, 0.2, 0.3, 0.4, 0.8, "animal")),
    ]
