"""Labels of Timelapse's CSV."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.errors import CommandError
from cli.importing.labels import Label
from cli.importing.timelapse import Timelapse
from cli.study.opinions import Observation

HEAD = ("File", "RelativePath", "DateTime", "DeleteFlag")
IMPALA = Observation("animal", "impala", "Aepyceros melampus", "species")


def labels(folder: Path, columns: tuple[str, ...], *rows: tuple[str, ...], **names: str) -> list[Label]:
    path = folder / "TimelapseData.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(((*HEAD, *columns), *rows))
    form = Timelapse(names)
    assert form.is_form_of(path)
    return list(form.labels(path))


def row(*values: str) -> tuple[str, ...]:
    return ("IMG_0001.JPG", "N\\card", "2026-05-02 06:00:00", "false", *values)


def test_a_row_says_what_a_photo_shows(tmp_path: Path) -> None:
    # GIVEN a template that asks for all that an observation has
    columns = ("Species", "Count", "Sex", "Age", "Behaviour", "Comments", "Analyst")
    (label,) = labels(tmp_path, columns, row("Impala", "3", "F", "Juv", "grazing", "far away", "A. Person"))
    assert (label.photo, label.reviewer, label.taken) == ("N/card/IMG_0001.JPG", "A. Person", "2026-05-02 06:00:00")
    (said,) = label.said
    assert (said.scientific_name, said.count, said.sex) == (IMPALA.scientific_name, 3, "female")
    assert (said.life_stage, said.behavior, said.note) == ("juvenile", "grazing", "far away")


def test_what_is_no_value_of_camtrap_dp_is_noted(tmp_path: Path) -> None:
    (label,) = labels(tmp_path, ("Species", "Count", "Sex", "Age"), row("impala", "3-5", "both", "0"))
    assert [(each.count, each.sex, each.note) for each in label.said] == [(None, None, "count: 3-5; sex: both")]


def test_a_photo_may_show_several_animals_or_none(tmp_path: Path) -> None:
    columns = ("Species1", "Count1", "Species2", "Count2")
    rows = row("impala", "2", "goat thing", "1"), row("Empty", "0", "", ""), row("", "", "", "")
    names = [[(each.kind, each.name, each.count) for each in label.said] for label in labels(tmp_path, columns, *rows)]
    assert names == [[("animal", "impala", 2), ("animal", "goat thing", 1)], [("blank", None, None)], []]


def test_flags_say_the_kind_where_there_is_no_name(tmp_path: Path) -> None:
    # GIVEN a template with yes and no, as projects have that began with MegaDetector
    columns = ("animal", "empty", "person", "vehicle", "Species")
    rows = (
        row("true", "false", "false", "false", "impala"),
        row("true", "false", "false", "false", ""),
        row("false", "true", "false", "false", ""),
        row("false", "false", "true", "true", ""),
    )
    found = labels(tmp_path, columns, *rows)
    kinds = [[each.kind for each in label.said] for label in found]
    assert kinds == [["animal"], ["animal"], ["blank"], ["human", "vehicle"]]
    assert [label.said[0].scientific_name for label in found[:2]] == [IMPALA.scientific_name, "Animalia"]


def test_a_project_may_call_its_column_as_it_likes(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no column for the animal, such as Species; say which it is"):
        labels(tmp_path, ("Tier",), row("impala"))
    (label,) = labels(tmp_path, ("Tier",), row("impala"), name="Tier")
    assert label.said == (IMPALA,)


def test_another_table_is_not_of_timelapse(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("path,species\na.jpg,impala\n")
    assert not Timelapse().is_form_of(tmp_path / "other.csv")
    assert not Timelapse().is_form_of(tmp_path)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
def test_whatever_people_type_each_row_is_a_label_of_its_photo(rows: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as folder:
        found = labels(Path(folder), ("Species", "Count", "Sex"), *(row(*each) for each in rows))
    assert {label.photo for label in found} == {"N/card/IMG_0001.JPG"}
    assert len(found) == len(rows)
