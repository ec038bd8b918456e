"""Labels to train on, in every form: what a photo shows, by which camera, where, and in which boxes."""

import json
from pathlib import Path

import pytest

from chalicelib.location import text_of
from chalicelib.model.detector import Box
from faunalens.errors import CommandError
from faunalens.study.deployments import Deployments
from faunalens.study.finding import Observation
from faunalens.study.results import ResultsFile
from faunalens.training.labels import LabelledPhoto, Labels
from tests.support.studies import IMPALA, STATIONS, animal, answer, say, seen, write_study
from tests.unit.faunalens.importing.test_labels import NORTH, PACKAGE

LION = "Panthera leo"
BOX = Box(0.1, 0.2, 0.3, 0.4, 1.0, "animal")


def read(source: Path, *photos: str, root: Path | None = None, station: str | None = None) -> Labels:
    """Return the labels of a file or folder, below which, or below `root`, these photos lie. `station`: its folder."""
    folder = root or (source if source.is_dir() else source.parent)
    for path in photos:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"\xff\xd8")
    found = Labels()
    found.add(source, root, Deployments([STATIONS[0] | {"folder": station}] if station is not None else []))
    return Labels(
        [each._replace(photo=each.photo.relative_to(folder)) for each in found.photos],
        {path.relative_to(folder): why for path, why in found.left_out.items()},
    )


def photo(path: str, taxon: str, camera: str, cell: int | None = None, *boxes: Box) -> LabelledPhoto:
    return LabelledPhoto(Path(path), taxon, camera, cell, boxes)


def test_reviews_of_a_study_are_labels_with_the_boxes_of_its_answers(tmp_path: Path) -> None:
    # GIVEN a study with a box, of which people have reviewed some photos
    with_box = answer(IMPALA, 0.9, animals=[animal(0.1, None)])
    names = ("N/DCIM/100EK113/1.JPG", "N/DCIM/101EK113/1.JPG", "S/card/1.JPG", "S/card/2.JPG", "S/card/3.JPG")
    write_study(tmp_path / "study.db", [(name, None, with_box) for name in names])
    lion, impala = seen(LION), seen("Aepyceros melampus")
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        for name, said in zip(names, ([impala], [lion, impala], [lion], [Observation("blank")]), strict=False):
            say(results, name, *said)
    # WHEN they are read THEN photos of one animal are labelled
    found = read(tmp_path / "study.db", *(f"Two stations/{name}" for name in names))
    first, second = found.photos
    box = Box(0.1, 0.2, 0.25, 0.5, 0.9, "animal")
    assert first == photo(f"Two stations/{names[0]}", "Aepyceros melampus", "north", NORTH, box)
    assert (second.taxon, second.camera) == (LION, "south")
    # THEN of two animals it is not known which box is whose
    several, blank = (Path("Two stations", names[each]) for each in (1, 3))
    assert found.left_out == {several: "several taxa are named", blank: "no animal is named"}


def test_a_table_has_a_row_for_each_photo(tmp_path: Path) -> None:
    # GIVEN rows with all columns, with few, with a name that is no taxon, and of a photo that is gone
    (tmp_path / "labels.csv").write_text(
        "File,Species,Location,Latitude,Longitude,Box,Width,Height\n"
        "a.jpg,lion,n1,-1.2345,36.789,10;20;30;40,100,100\nb.jpg,Panthera leo,n2,,,,,\n"
        "sub/c.jpg,ghost cat,n1,,,,,\nd.jpg,lion,n1,,,,,\nb.jpg,lion,n2,,,,,\na.jpg,,n1,,,,,\n"
    )
    found = read(tmp_path / "labels.csv", "a.jpg", "b.jpg", "sub/c.jpg")
    assert found.photos == [photo("a.jpg", LION, "n1", NORTH, BOX), photo("b.jpg", LION, "n2")]
    # AND a box may be shares of the photo, also tiny ones
    (tmp_path / "labels.csv").write_text('file,animal,box\na.jpg,lion,"[1e-05, 0.2, 0.3, 0.4]"\n')
    assert read(tmp_path / "labels.csv").photos[0].boxes == (Box(1e-05, 0.2, 0.3, 0.4, 1.0, "animal"),)
    no_taxon = "'ghost cat' is not a taxon that Faunalens knows"
    assert found.left_out == {Path("sub/c.jpg"): no_taxon, Path("d.jpg"): "there is no such file"}


def test_what_models_said_in_a_table_is_no_label(tmp_path: Path) -> None:
    # GIVEN a CSV as `faunalens export` writes it, where a person has reviewed one of two answers
    (tmp_path / "study.csv").write_text("path,scientific_name,method\na.jpg,Panthera leo,human\nb.jpg,Aves,machine\n")
    # WHEN it is read THEN only what the person said counts
    assert [each.taxon for each in read(tmp_path / "study.csv", "a.jpg", "b.jpg").photos] == [LION]


def test_a_correction_of_the_website_has_a_cell_or_its_own_id_in_place_of_a_camera(tmp_path: Path) -> None:
    # GIVEN what `python -m faunalens.web corrections` lists, with pictures
    (tmp_path / "corrections.csv").write_text(
        f"created,result,answered,animal,cell\n2026,/r/a1,Felis,lion,{text_of(NORTH)}\n2026,/r/b2,Felis,'lion,\n"
    )
    found = read(tmp_path / "corrections.csv", "a1.jpg", "b2.jpg", root=tmp_path / "pictures")
    assert found.photos == [photo("a1.jpg", LION, text_of(NORTH), NORTH), photo("b2.jpg", LION, "/r/b2")]


def test_a_table_that_cannot_be_used_says_what_it_needs(tmp_path: Path) -> None:
    for table, message in (
        ("when,who\n1,2\n", "has the columns when, who; expected one with the photo's path, such as"),
        ("file,animal,cell\na.jpg,lion,here\n", "'here' is not an H3 cell"),
        ("file,animal,box\na.jpg,lion,10;20;30;40\n", "the box '10;20;30;40' is not left;top;width;height as shares"),
        ("file,animal,box\na.jpg,lion,0.1 0.2 0.3\n", "the box '0.1 0.2 0.3' is not left;top;width;height"),
    ):
        (tmp_path / "labels.csv").write_text(table)
        with pytest.raises(CommandError, match=message):
            read(tmp_path / "labels.csv")


def test_folders_by_animal_lie_in_those_of_cameras_or_around_them(tmp_path: Path) -> None:
    # GIVEN a table of deployments that names one of the cameras
    names = ("north/lion/1.jpg", "impala/south/DCIM/100EK113/2.jpg", "lion/3.jpg", "north/empty/4.jpg")
    found = read(tmp_path, *names, station="")
    assert sorted(found.photos) == [
        photo(names[1], "Aepyceros melampus", "south"),
        photo(names[2], LION, ""),
        photo(names[0], LION, "north", NORTH),
    ]


def test_forms_of_import_are_labels_with_the_camera_of_the_folder_or_the_deployment(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("File,RelativePath,Species\na.jpg,N,lion\n")
    assert read(tmp_path / "data.csv", "N/a.jpg").photos == [photo("N/a.jpg", LION, "N")]
    # GIVEN a package of Camtrap DP, which has deployments with places
    assert read(PACKAGE, root=tmp_path).photos == [photo("N/a.jpg", "Aepyceros melampus", "north", NORTH)]


def test_each_box_of_a_file_of_megadetector_may_have_a_name(tmp_path: Path) -> None:
    boxes = [
        {"category": "1", "conf": 1.0, "bbox": [0.1, 0.2, 0.3, 0.4], "classifications": [["0", 0.9], ["1", 0.1]]},
        {"category": "1", "conf": 0.7, "bbox": [0.6, 0.2, 0.3, 0.4], "classifications": [["1", 0.9]]},
        {"category": "2", "conf": 0.9, "bbox": [0.0, 0.0, 0.1, 0.1]},
    ]
    images = [{"file": "N/a.jpg", "detections": boxes}, {"file": "N/b.jpg", "detections": [], "failure": "x"}]
    file = {"classification_categories": {"0": "lion", "1": "impala", "2": "thing"}, "images": images}
    (tmp_path / "md.json").write_text(json.dumps(file))
    impala, lion = read(tmp_path / "md.json", "N/a.jpg", "N/b.jpg").photos
    other = Box(0.6, 0.2, 0.3, 0.4, 0.7, "animal")
    assert impala == photo("N/a.jpg", "Aepyceros melampus", "N", None, other)
    assert lion == photo("N/a.jpg", LION, "N", None, BOX)
