"""Reading a dataset: what its version follows from, and the errors for broken files."""

import gzip
from codecs import BOM_UTF8
from pathlib import Path

import numpy as np
import pytest

from chalicelib.location import parse_cell
from chalicelib.model.taxonomy import RELATIVE_COLUMNS
from faunalens.data.dataset import read_dataset, version_of
from faunalens.data.dataset_files import FILES, OWN_NAMES, RANGE_FILES, DatasetError, files_beside

LABELS = "id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species\n"
CAT = "1,felis-catus,0,,cat,Felis catus,species,cat,,,,,,\n"
CELLS = gzip.compress(b"taxon,cell\nphascolarctos-cinereus,83be0efffffffff\n")
LACKS = "ranges or other names have sources that sources.csv lacks"
NOT_WHOLE = "is not a complete gzip file .*; compress it again with gzip"
RANGES = "taxon,areas,status,certainty,extent,season,source,note\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first lines of each large file and all of each small one: a dataset that is read quickly."""
    folder = tmp_path_factory.mktemp("small")
    files = {}
    for name, path in FILES.items():
        source = next(path.glob("[mr]*.csv")) if path.is_dir() else path
        data = gzip.decompress(source.read_bytes()) if path.suffix == ".gz" else source.read_bytes()
        if name in (*RANGE_FILES, "range_maps"):
            data = b"".join(data.splitlines(keepends=True)[:100])
        files[name] = folder / ({"relative_ranges": "mammals.csv"} | OWN_NAMES).get(name, path.name)
        files[name].write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return files


def test_reading_again_gives_the_same_and_animals_without_a_range_are_named(small: dict[str, Path]) -> None:
    first, again = read_dataset(small), read_dataset(small)
    assert first.version == again.version
    rows, once_more = (np.concatenate(list(each.cell_animals)) for each in (first, again))
    np.testing.assert_array_equal(rows, once_more)
    # AND each wild or marine animal lives somewhere, or is unknown
    lives = set(rows["animal"].tolist())
    wild = [animal for animal in first.animals if animal.kind in ("wild", "marine")]
    assert first.unknown == [animal for animal in wild if animal.animal not in lives]
    assert 0 < len(first.unknown) < len(wild)


def test_the_version_follows_from_every_file_without_its_mark_of_utf_8(small: dict[str, Path], tmp_path: Path) -> None:
    version = version_of(small)
    for name, path in small.items():
        is_packed, changed = path.suffix == ".gz", tmp_path / path.name
        data = gzip.decompress(path.read_bytes()) if is_packed else path.read_bytes()
        # GIVEN one blank line more at the end of one file WHEN read THEN it is another dataset
        changed.write_bytes(gzip.compress(data + b"\n") if is_packed else data + b"\n")
        assert version_of(small | {name: changed}) != version
        # BUT as a spreadsheet saves it, it is the same
        changed.write_bytes(gzip.compress(BOM_UTF8 + data) if is_packed else BOM_UTF8 + data)
        assert version_of(small | {name: changed}) == version
    # AND labels that differ in nothing else are the checkout's
    (tmp_path / "range_maps.csv.gz").unlink()
    assert "range_maps" not in files_beside(tmp_path / "own.onnx")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cell_areas", "cell,areas,coast\n83be0efffffffff", "cell_areas.csv, line 2: expected 3 fields"),
        ("cell_areas", "cell,areas,coast\nhello,AU,0\n", "cell_areas.csv, line 2: 'hello' is not an H3 cell"),
        ("taxa", None, r"cannot read .*broken.csv \(No such file or directory\)"),
        ("ranges", f"{RANGES}phascolarctos-cinereus,AU,,,,,hearsay,\n", f"{LACKS}: hearsay"),
        ("other_names", "taxon,name,source\nphascolarctos-cinereus,Native bear,hearsay\n", f"{LACKS}: hearsay"),
        (
            "ranges",
            f"{RANGES}phascolarctos-cinereus,UK,,,,,mdd,\n",
            "broken.csv, line 2, column 1 of areas: no area is",
        ),
        ("ranges", f"{RANGES}koala,AU -,,,,,mdd,\n", "broken.csv, line 2, column 5 of areas: expected an area"),
        ("labels", "number\n1\n", "labels.csv has no column 'phylum'"),
        ("labels", LABELS + CAT.replace("species,cat", "species,tame"), "has a kind other than .* cosmopolitan: tame"),
        ("labels", LABELS + CAT.replace("1", "99999999999"), "labels.csv, line 2: id is '99999999999'; expected a"),
        ("labels", LABELS + CAT * 2, r"labels.csv, line 3: has the same id as line 2 \(1\); remove one line"),
        ("taxa", "scientific_name,rank,name\nA,kingdom,a\nB,kingdom,b\nA,kingdom,a\n", "line 4: .* as line 2 .A"),
    ],
)
def test_a_broken_file_is_reported_with_its_problem(
    small: dict[str, Path], tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    broken = tmp_path / "broken.csv"
    if content:
        broken.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_dataset(small | {name: broken})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"taxon,cell\n", NOT_WHOLE),
        (CELLS[:-9], NOT_WHOLE),
        (CELLS[:-8] + bytes(8), NOT_WHOLE),
        (CELLS[:10] + b"\xff" + CELLS[11:], NOT_WHOLE),
        (gzip.compress("taxon,cell\n\nKäfer".encode("latin-1")), "line 3 is not UTF-8; save the file as UTF-8"),
    ],
    ids=["plain", "cut", "with another sum", "broken", "Latin-1"],
)
def test_a_file_that_is_no_text_is_named(small: dict[str, Path], tmp_path: Path, content: bytes, message: str) -> None:
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(content)
    with pytest.raises(DatasetError, match=f"broken.csv.gz.* {message}"):
        read_dataset(small | {"range_maps": broken})


def test_a_table_of_cells_of_ones_own_brings_areas_of_ones_own(small: dict[str, Path], tmp_path: Path) -> None:
    # GIVEN a table of cells with a code of its own, and a range that uses it WHEN read THEN the animal lives there
    (tmp_path / "cells.csv").write_text("cell,areas,coast\n83be0efffffffff,AU MYPARK,0\n")
    (tmp_path / "ranges.csv").write_text(f"{RANGES}phascolarctos-cinereus,MYPARK,,,,,mdd,\n")
    own_files = {"cell_areas": tmp_path / "cells.csv", "ranges": tmp_path / "ranges.csv"}
    rows = np.concatenate(list(read_dataset(small | own_files).cell_animals))
    assert parse_cell("83be0efffffffff") in rows["cell"]


def test_what_lies_beside_a_model_belongs_to_its_dataset(small: dict[str, Path]) -> None:
    # GIVEN a model with files of a dataset beside it WHEN looked up THEN these files, and no others
    beside = {name: path for name, path in small.items() if name != "relative_ranges"}
    assert files_beside(small["labels"].with_name("own.onnx")) == beside
    # AND beside the checkout's model lie its labels, and nothing that stands in place of faunalens/data/
    assert files_beside(FILES["labels"].with_name("faunalens.onnx")) == {
        name: FILES[name] for name in ("labels", "taxa")
    }


def test_a_model_of_other_animals_has_to_say_where_they_live(tmp_path: Path) -> None:
    # GIVEN a model without labels WHEN looked up THEN the error names the setting
    with pytest.raises(DatasetError, match=r"there is no labels\.csv in the folder of .*own\.onnx; add the file"):
        files_beside(tmp_path / "own.onnx")
    # GIVEN a model with its own labels beside it, and nothing else
    header, first, *_ = FILES["labels"].read_text().splitlines(keepends=True)
    (tmp_path / "labels.csv").write_text(header + first)
    (tmp_path / "taxa.csv").write_bytes(FILES["taxa"].read_bytes())
    # WHEN looked up THEN its ids are not silently taken for the checkout's animals
    with pytest.raises(DatasetError, match=r"but no ranges\.csv; add"):
        files_beside(tmp_path / "own.onnx")
    # BUT the checkout's own labels, copied there, mean the checkout's animals
    (tmp_path / "labels.csv").write_bytes(FILES["labels"].read_bytes())
    assert files_beside(tmp_path / "own.onnx").keys() == {"labels", "taxa"}


def relatives_of(files: dict[str, Path]) -> set[int]:
    return {number for cell in read_dataset(files).cells for number in cell.relatives}


def test_relatives_lie_beside_the_labels_or_there_are_none(small: dict[str, Path], tmp_path: Path) -> None:
    # GIVEN labels in a folder, and statements about relatives
    labels, ranges = tmp_path / "labels.csv", tmp_path / "cats.csv"
    labels.write_text(LABELS + "1,felis,0,,cat,Felis,genus,cat,,,,,Felis,\n")
    ranges.write_text(f"{RANGES}leopardus-pardalis,MX,,,,,no-such-source,\nfelis-silvestris,DE,,,,,mdd,\n")
    files = small | {"labels": labels, "relative_ranges": ranges}
    # WHEN no relatives lie beside the labels THEN there are none, and no error
    assert relatives_of(files) == set()
    version = version_of(files)
    # BUT with relatives beside them, those live there that no label stands for
    ocelot = "7,leopardus-pardalis,Leopardus pardalis,ocelot,Leopardus,Felidae,Carnivora,Mammalia\n"
    wildcat = "8,felis-silvestris,Felis silvestris,European wildcat,Felis,Felidae,Carnivora,Mammalia\n"
    (tmp_path / "relatives.csv").write_text(f"{','.join(RELATIVE_COLUMNS)}\n{ocelot}{wildcat}")
    assert relatives_of(files) == {7}
    assert version_of(files) != version
    # AND a faulty file is named
    (tmp_path / "relatives.csv").write_text("number\n")
    with pytest.raises(DatasetError, match=r"relatives\.csv has the columns number; expected number,taxon"):
        read_dataset(files)
