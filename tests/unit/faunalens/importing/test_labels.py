"""Labels of Timelapse's CSV, of COCO, and of Camtrap DP."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.location import cell_of
from chalicelib.model.detector import Box
from faunalens.errors import CommandError
from faunalens.exports.camtrap_dp import write_camtrap_dp
from faunalens.exports.coco import write_coco
from faunalens.exports.description import read_description
from faunalens.importing.labels import Label, labels_in
from faunalens.importing.predictions import Predictions
from faunalens.study.finding import Observation, Opinion
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import save
from faunalens.study.study import Study
from faunalens.words import rows_of
from tests.support.studies import IMPALA as IMPALAS
from tests.support.studies import animal, answer, film, write_study

HEAD = ("File", "RelativePath", "DateTime", "DeleteFlag")
ANIMAL = Observation("animal", "animal", "Animalia", "kingdom")
IMPALA = Observation("animal", "impala", "Aepyceros melampus", "species")


def labels(folder: Path, columns: tuple[str, ...], *rows: tuple[str, ...], **names: str) -> list[Label]:
    path = folder / "TimelapseData.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(((*HEAD, *columns), *rows))
    return labels_of(path, **names)


def labels_of(path: Path, **names: str) -> list[Label]:
    found = labels_in(path, names)
    assert found is not None
    return list(found)


def row(*values: str) -> tuple[str, ...]:
    return ("IMG_0001.JPG", "N\\card", "2026-05-02 06:00:00", "false", *values)


def test_a_row_says_what_a_photo_shows(tmp_path: Path) -> None:
    # GIVEN a template that asks for all that an observation has
    columns = ("Species", "Count", "Sex", "Age", "Behaviour", "Comments", "Analyst")
    (label,) = labels(tmp_path, columns, row("Impala", "3", "F", "Juv", "grazing", "far away", "A. Person"))
    said = replace(IMPALA, count=3, sex="female", life_stage="juvenile", behavior="grazing", note="far away")
    assert label == Label("N/card/IMG_0001.JPG", (said,), "A. Person", taken="2026-05-02 06:00:00")


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        # What is no value of Camtrap DP is noted.
        ("Species,Count,Sex,Age", ["impala,3-5,both,0"], [[replace(IMPALA, note="count: 3-5; sex: both")]]),
        # A photo may show several animals, or none.
        (
            "Species1,Count1,Species2,Count2",
            ["impala,2,goat thing,1", "Empty,0,,", ",,,"],
            [[replace(IMPALA, count=2), Observation("animal", "goat thing", count=1)], [Observation("blank")], []],
        ),
        # Flags say the kind where there is no name, as in projects that began with MegaDetector.
        (
            "animal,empty,person,vehicle,Species",
            ["yes,no,no,no,impala", "true,false,false,false,", "no,yes,no,no,", "false,false,true,true,"],
            [[IMPALA], [ANIMAL], [Observation("blank")], [Observation("human"), Observation("vehicle")]],
        ),
        # A flag that says no is no name.
        ("Species,Animal,Label", ["no,false,impala", "no,no,"], [[IMPALA], []]),
    ],
)
def test_a_row_says_it_in_the_columns_of_its_template(
    tmp_path: Path, columns: str, rows: list[str], expected: list[list[Observation]]
) -> None:
    found = labels(tmp_path, tuple(columns.split(",")), *(row(*each.split(",")) for each in rows))
    assert [list(label.said) for label in found] == expected


def test_a_project_may_call_its_column_as_it_likes(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, ("Tier",), row("impala"), name="Tier")
    assert label.said == (IMPALA,)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
def test_whatever_people_type_each_row_is_a_label_of_its_photo(rows: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as folder:
        found = labels(Path(folder), ("Species", "Count", "Sex"), *(row(*each) for each in rows))
    assert [label.photo for label in found] == ["N/card/IMG_0001.JPG"] * len(rows)


NORTH = cell_of(-1.2345, 36.789)
PACKAGE = Path(__file__).with_name("camtrap_dp")
"""A package of four media, of which the last is an hour after the others."""


def test_a_deployment_without_a_valid_position_has_no_cell(tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "package")
    for deployment, has_cell in (("north,-1.5,36.8", True), ('north,"40,51",NA', False), ("south,1,2", False)):
        (package / "deployments.csv").write_text(f"deploymentID,latitude,longitude\n{deployment}")
        assert {each.cell is not None for each in labels_of(package)} == {has_cell}


def test_people_say_it_of_media_and_of_events(tmp_path: Path) -> None:
    # WHEN it is read as a folder, by its description, and as a zip THEN it is the same
    found = labels_of(PACKAGE)
    shutil.make_archive(str(tmp_path / "package"), "zip", PACKAGE)
    shutil.make_archive(str(tmp_path / "whole"), "zip", PACKAGE.parent, PACKAGE.name)
    paths = (PACKAGE / "datapackage.json", tmp_path / "package.zip", tmp_path / "whole.zip")
    assert [labels_of(path) for path in paths] == [found] * 3
    # THEN a medium has what was said of it, or of its event
    seen = replace(IMPALA, count=2, sex="female", life_stage="adult", behavior="grazing", note="far")
    lion = Observation("animal", "lion", "Panthera leo", "species", count=1)
    time = "2026-05-02T06:00:30+03:00"
    expected = (
        Label("N/a.jpg", (seen,), "A. Person", "2026-06-01T08:00:00Z", time),
        Label("N/a.jpg", (Observation("human"),), "A. Person", "2026-06-01T08:00:05Z", time),
        Label("cam: 3/b.jpg", (lion,), "B. Person", taken=time),  # a folder with a colon is no address
        Label("c.jpg", (lion,), "B. Person", taken=time),  # it lies elsewhere, and has its file's name
        Label("N/d.jpg", taken="2026-05-02T07:00:30+03:00"),  # no person looked at it
    )
    assert found == [each._replace(camera="north", cell=NORTH) for each in expected]


def test_people_label_images_of_coco_with_and_without_boxes(tmp_path: Path) -> None:
    # GIVEN images with two boxes of impalas and a label without one, with an empty label, and without any
    images = [{"id": each, "file_name": f"N/{each}.jpg", "width": 200, "height": 100} for each in range(3)]
    categories = [{"id": 3, "name": "Impala"}, {"id": 4, "name": "some_thing"}, {"id": 0, "name": "empty"}]
    impalas = [20, 10, 100, 50], [0, 0, 20, 10]
    of = [*((0, 3, box) for box in impalas), (0, 4, []), (1, 0, [])]
    annotations = [dict(zip(("image_id", "category_id", "bbox"), each, strict=True)) for each in of]
    (tmp_path / "coco.json").write_text(
        json.dumps({"images": images, "categories": categories, "annotations": annotations})
    )
    # WHEN it is read THEN as many boxes are as many animals, and a name that we do not know stays
    boxes = (Box(0.1, 0.1, 0.5, 0.5, 1.0, "animal"), Box(0.0, 0.0, 0.1, 0.1, 1.0, "animal"))
    assert labels_of(tmp_path / "coco.json") == [
        Label("N/0.jpg", (replace(IMPALA, count=2),), boxes=boxes),
        Label("N/0.jpg", (Observation("animal", "some thing"),)),
        Label("N/1.jpg", (Observation("blank"),)),
        Label("N/2.jpg"),
    ]
    # THEN it is no file of predictions, as one of MegaDetector is
    assert not Predictions.is_form_of(tmp_path / "coco.json")
    assert Predictions.is_form_of(Path(__file__).with_name("predictions") / "megadetector.json")


def test_exports_of_our_own_say_what_people_said_and_not_what_models_did(tmp_path: Path) -> None:
    # GIVEN two boxes in photos and in a video; a person named the animals of all but one, and counted some
    boxes = answer(IMPALAS, subject="animal", animals=[animal(0.1, IMPALAS), animal(0.4, IMPALAS)])
    goat = Observation("animal", "goat thing", note="wet; far")
    said = {
        "a.JPG": (IMPALA,),
        "b.JPG": (replace(IMPALA, count=3),),
        "c.MP4": (goat,),
        "d.JPG": (replace(goat, count=2, sex="male"), Observation("human")),
        "e.JPG": (),
    }
    photos = [(f"N/{name}", "2026-05-02 06:00:00", film(boxes) if "MP4" in name else boxes) for name in said]
    write_study(tmp_path / "study.db", photos)
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        for number, each in enumerate(filter(None, said.values()), 1):
            save(results, [number], Opinion("A. Person", "2026-06-01T08:00:00+00:00", each))
        about = read_description(None, "")
        write_camtrap_dp(Study(results, 60), tmp_path / "package", about)
        write_coco(Study(results, 60), tmp_path / "coco.json", about)
    # WHEN its exports are read THEN a package has the counts, and of these only those of people are people's
    rows = rows_of(tmp_path / "package" / "observations.csv")
    assert [row["count"] for row in rows if row["observationLevel"] == "media"] == ["2", "3", "2", "2", "", "1", "1"]
    people = [(f"N/{name}", (each,), "A. Person") for name, seen in said.items() for each in seen]
    found = [each for each in labels_of(tmp_path / "package") if each.said]
    assert ([each[:3] for each in found], {each.at for each in found}) == (people, {"2026-06-01T08:00:00+00:00"})
    # THEN COCO, which has no videos, has what was named
    assert [
        (each.photo, each.said[0].name or each.said[0].kind, each.reviewer)
        for each in labels_of(tmp_path / "coco.json")
        if each.said
    ] == [(path, what.name or what.kind, by) for path, (what,), by in people if "MP4" not in path]


def test_a_resource_without_a_file_is_left_out(tmp_path: Path) -> None:
    # GIVEN a package that has a further table in its description, as Camtrap DP's example has
    package = shutil.copytree(PACKAGE, tmp_path / "package")
    about = json.loads((package / "datapackage.json").read_text())
    about["resources"].append({"name": "individuals", "data": [{"id": 1}]})
    (package / "datapackage.json").write_text(json.dumps(about))
    # WHEN it is read THEN it is the same
    assert labels_of(package) == labels_of(PACKAGE)


def test_a_package_that_is_damaged_is_named(tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "package")
    (package / "media.csv").write_text("mediaID\na\n")
    with pytest.raises(CommandError, match=r"package cannot be read .*export it again"):
        labels_of(package)
