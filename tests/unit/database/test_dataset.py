"""The dataset of this checkout, and the errors for broken files."""

import gzip
from codecs import BOM_UTF8
from pathlib import Path

import numpy as np
import pytest

from chalicelib.features.cells import cell_of
from database.cell_animals import Rows
from database.dataset import FILES, Dataset, DatasetError, files_beside, read_dataset

LABELS = "id,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species\n"
CAT = "1,0,,cat,Felis catus,species,domestic,,,,,,\n"
CELLS = gzip.compress(b"animal,cell\n105,83be0efffffffff\n")


def names_at(dataset: Dataset, rows: Rows, latitude: float, longitude: float) -> dict[str, float]:
    """Return the weight of each animal at a place, by name."""
    names = {animal.animal: animal.name for animal in dataset.animals}
    here = rows[rows["cell"] == cell_of(latitude, longitude)]
    return {names[int(row["animal"])]: float(row["weight"]) for row in here}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return read_dataset()


@pytest.fixture(scope="module")
def rows(dataset: Dataset) -> Rows:
    return np.concatenate(list(dataset.cell_animals))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first lines of each large file and all of each small one: a dataset that is read quickly."""
    folder = tmp_path_factory.mktemp("small")
    files = {}
    for name, path in FILES.items():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if name in ("animal_areas", "mammal_cells", "cell_areas"):
            data = b"".join(data.splitlines(keepends=True)[:100])
        files[name] = folder / path.name
        files[name].write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return files


def test_reading_again_gives_the_same_version_and_the_same_rows(small: dict[str, Path]) -> None:
    first, again = read_dataset(small), read_dataset(small)
    assert first.version == again.version
    rows, once_more = (np.concatenate(list(each.cell_animals)) for each in (first, again))
    assert len(rows) > 0
    np.testing.assert_array_equal(rows, once_more)


def test_the_version_follows_from_every_file(small: dict[str, Path], tmp_path: Path) -> None:
    # GIVEN one blank line more at the end of one file WHEN read THEN it is another dataset
    version = read_dataset(small).version
    for name, path in small.items():
        changed = tmp_path / path.name
        data = path.read_bytes()
        changed.write_bytes(gzip.compress(gzip.decompress(data) + b"\n") if path.suffix == ".gz" else data + b"\n")
        assert read_dataset(small | {name: changed}).version != version


def test_packing_a_file_anew_leaves_the_version(small: dict[str, Path], tmp_path: Path) -> None:
    packed = tmp_path / "mammal_cells.csv.gz"
    packed.write_bytes(gzip.compress(gzip.decompress(small["mammal_cells"].read_bytes()), compresslevel=1, mtime=1))
    assert packed.read_bytes() != small["mammal_cells"].read_bytes()
    assert read_dataset(small | {"mammal_cells": packed}).version == read_dataset(small).version


def test_the_mark_that_spreadsheets_put_before_utf_8_changes_nothing(small: dict[str, Path], tmp_path: Path) -> None:
    # GIVEN every file as a spreadsheet saves it WHEN read THEN it is the same dataset
    for name, path in small.items():
        data = path.read_bytes()
        data = BOM_UTF8 + (gzip.decompress(data) if path.suffix == ".gz" else data)
        (tmp_path / path.name).write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        assert read_dataset(small | {name: tmp_path / path.name}).version == read_dataset(small).version
    # AND labels that differ in nothing else are the checkout's
    (tmp_path / "mammal_cells.csv.gz").unlink()
    assert "mammal_cells" not in files_beside(tmp_path / "own.onnx")


@pytest.mark.parametrize(
    ("latitude", "longitude", "there", "not_there"),
    [
        (-33.87, 151.21, {"koala", "wombat", "great white shark"}, {"African elephant", "tiger"}),  # Sydney
        (-24.0, 31.5, {"African elephant", "lion"}, {"Asian elephant", "koala"}),  # Kruger
        (46.4, 9.9, {"ibex"}, {"lion", "great white shark"}),  # Engadin
        (58.8, -94.2, {"polar bear", "orca"}, {"giant panda"}),  # Churchill
        (-77.85, 166.7, {"orca"}, {"polar bear"}),  # McMurdo
    ],
)
def test_places_have_the_animals_that_they_are_known_for(
    dataset: Dataset, rows: Rows, latitude: float, longitude: float, there: set[str], not_there: set[str]
) -> None:
    here = names_at(dataset, rows, latitude, longitude)
    assert there <= here.keys()
    assert not not_there & here.keys()


def test_every_cell_of_a_country_has_animals(dataset: Dataset, rows: Rows) -> None:
    # Antarctica's interior aside, whose only animals live on its coast.
    with_areas = {cell.cell for cell in dataset.cells if set(cell.areas) - {"AQ"}}
    assert with_areas <= set(rows["cell"].tolist())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cell_areas", "cell,areas,coast\n83be0efffffffff", "cell_areas.csv, line 2: expected 3 fields"),
        ("cell_areas", "cell,areas,coast\nhello,AU,0\n", "cell_areas.csv, line 2: 'hello' is not an H3 cell"),
        ("animal_areas", "animal,area,status,source\n100000,AU,native,mdd\n", r"not wild in labels.csv: 100000$"),
        (
            "animal_areas",
            "animal,area,status,source\n105,AU,native,hearsay\n",
            "sources that sources.csv lacks: hearsay",
        ),
        (
            "animal_areas",
            "animal,area,status,source\n105,UK,native,mdd\n106,UK,native,mdd\n105,au,native,mdd\n",
            r"animal_areas.csv has codes that areas.csv lacks: UK \(write GB\), au \(write AU\)$",
        ),
        (
            "animal_areas",
            "animal,area,status,source\n105,Atlantis,native,mdd\n",
            r"areas.csv lacks: Atlantis \(see ISO 3166-1 alpha-2\)",
        ),
        ("animal_areas", "animal,area,status,source\n105,AU,escaped,mdd\n", "other than native or introduced: escaped"),
        ("mammal_cells", "animal,cell\n100000,83be0efffffffff\n", r"mammal_cells.csv.gz lists .* 100000$"),
        ("labels", "number\n1\n", "labels.csv has no column 'phylum'"),
        (
            "labels",
            LABELS + "1,0,,cat,Felis catus,species,tame,,,,,,\n",
            "labels.csv has a kind other than wild, domestic, cosmopolitan, marine or extinct: tame",
        ),
        (
            "labels",
            LABELS + CAT.replace("1", "99999999999"),
            "labels.csv, line 2: id is '99999999999'; expected a whole number from 0 to 2147483647",
        ),
        (
            "labels",
            LABELS + CAT + CAT.replace("cat", "dog"),
            r"labels.csv, line 3: has the same id as line 2 \(1\); remove one line",
        ),
        ("taxa", "scientific_name,rank,name\nA,kingdom,a\nB,kingdom,b\nA,kingdom,a\n", "line 4: .* as line 2 .A"),
        (
            "sources",
            "source,title,citation,licence\nmdd,,,\nmdd,,,\n",
            r"sources.csv, line 3: has the same source as line 2 \(mdd\)",
        ),
        (
            "animal_areas",
            "animal,area,status,source\n105,AU,native,mdd\n105,AU,introduced,mdd\n",
            r"animal_areas.csv, line 3: has the same animal and area as line 2 \(105, AU\); remove one line",
        ),
        (
            "cell_areas",
            "cell,areas,coast\n83be0efffffffff,AU,0\n83be0efffffffff,AU,1\n",
            r"cell_areas.csv, line 3: has the same cell as line 2 \(83be0efffffffff\)",
        ),
    ],
)
def test_a_broken_file_is_reported_with_its_problem(
    small: dict[str, Path], tmp_path: Path, name: str, content: str, message: str
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_dataset(small | {name: broken})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"animal,cell\n", "is not a complete gzip file .*; compress it again with gzip"),
        (CELLS[:-9], "is not a complete gzip file .*; compress it again with gzip"),
        (CELLS[:-8] + bytes(8), "is not a complete gzip file .*; compress it again with gzip"),
        (CELLS[:10] + b"\xff" + CELLS[11:], "is not a complete gzip file .*; compress it again with gzip"),
        (gzip.compress("animal,cell\n\nKäfer".encode("latin-1")), "line 3 is not UTF-8; save the file as UTF-8"),
    ],
    ids=["plain", "cut", "with another sum", "broken", "Latin-1"],
)
def test_a_file_that_cannot_be_unpacked_or_is_no_text_is_named(
    small: dict[str, Path], tmp_path: Path, content: bytes, message: str
) -> None:
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(content)
    with pytest.raises(DatasetError, match=f"broken.csv.gz.* {message}"):
        read_dataset(small | {"mammal_cells": broken})


def test_a_code_without_cells_is_no_mistake(small: dict[str, Path], tmp_path: Path) -> None:
    # GIVEN another table of cells, of a part of the world and with its own code WHEN read THEN nothing is refused
    (tmp_path / "cells.csv").write_text("cell,areas,coast\n83be0efffffffff,AU NSW,0\n")
    (tmp_path / "animals.csv").write_text("animal,area,status,source\n105,NSW,native,mdd\n106,NZ,native,mdd\n")
    own_files = {"cell_areas": tmp_path / "cells.csv", "animal_areas": tmp_path / "animals.csv"}
    dataset = read_dataset(small | own_files)
    # AND the koala has a cell and the wombat has none
    assert not {"koala", "wombat"} - {animal.name for animal in dataset.animals}
    assert "wombat" in dataset.animals_without_cells
    assert "koala" not in dataset.animals_without_cells


def test_wild_animals_without_a_cell_are_those_without_a_row(small: dict[str, Path]) -> None:
    dataset = read_dataset(small)
    lives = set(np.concatenate(list(dataset.cell_animals))["animal"].tolist())
    assert list(dataset.animals_without_cells) == [
        animal.name for animal in dataset.animals if animal.kind == "wild" and animal.animal not in lives
    ]
    assert dataset.animals_without_cells


def test_every_wild_animal_of_the_project_has_a_cell(dataset: Dataset) -> None:
    assert not dataset.animals_without_cells


def test_the_same_cell_of_an_animal_twice_is_the_same_as_once(small: dict[str, Path], tmp_path: Path) -> None:
    twice = tmp_path / "twice.csv.gz"
    twice.write_bytes(gzip.compress(b"animal,cell\n105,83be0efffffffff\n105,83be0efffffffff\n"))
    read_dataset(small | {"mammal_cells": twice})


def test_a_missing_file_is_named(small: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot read .*nowhere.csv \(No such file or directory\)"):
        read_dataset(small | {"taxa": tmp_path / "nowhere.csv"})


def test_what_lies_beside_a_model_belongs_to_its_dataset(small: dict[str, Path]) -> None:
    # GIVEN a model with files of a dataset beside it WHEN looked up THEN these files, and no others
    assert files_beside(small["labels"].with_name("own.onnx")) == small
    # AND beside the checkout's model lie its labels, and nothing that stands in place of database/
    assert files_beside(FILES["labels"].with_name("faunalens.onnx")) == {
        name: FILES[name] for name in ("labels", "taxa")
    }


def test_a_missing_model_folder_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no labels\.csv in the folder of .*x\.onnx; add the file"):
        files_beside(tmp_path / "x.onnx")


def test_a_model_of_other_animals_has_to_say_where_they_live(tmp_path: Path) -> None:
    # GIVEN a model with its own labels beside it, and nothing else
    header, first, *_ = FILES["labels"].read_text().splitlines(keepends=True)
    (tmp_path / "labels.csv").write_text(header + first)
    (tmp_path / "taxa.csv").write_bytes(FILES["taxa"].read_bytes())
    # WHEN looked up THEN its ids are not silently taken for the checkout's animals
    with pytest.raises(DatasetError, match=r"no animal_areas\.csv and no mammal_cells\.csv\.gz; add them"):
        files_beside(tmp_path / "own.onnx")
    # BUT the checkout's own labels, copied there, mean the checkout's animals
    (tmp_path / "labels.csv").write_bytes(FILES["labels"].read_bytes())
    assert files_beside(tmp_path / "own.onnx").keys() == {"labels", "taxa"}
