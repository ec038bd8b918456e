"""Cells of mammals: what the command keeps, and well-known places in the committed table."""

import csv
import gzip
import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.cells import cell_of, center_of, parse_cell, text_of
from database import range_maps

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "database" / "mammal_cells.csv.gz"
with (ROOT / "model" / "labels.csv").open(encoding="utf-8", newline="") as file:
    ANIMALS = {int(row["id"]): row for row in csv.DictReader(file)}
CELLS = ranges.read_cells(TABLE)
BY_NAME: dict[str, set[str]] = defaultdict(set)
for animal, cells in CELLS.items():
    BY_NAME[ANIMALS[animal]["name"]] = cells

NORTH, SOUTH = text_of(cell_of(75.0, -40.0)), text_of(cell_of(62.0, -110.0))


# --- the committed table


def test_the_table_is_sorted_holds_each_pair_once_and_nothing_but_cells_of_wild_mammals() -> None:
    header, *lines = gzip.decompress(TABLE.read_bytes()).decode().splitlines()
    assert header == "animal,cell"
    pairs = [(int(animal), cell) for animal, cell in (line.split(",") for line in lines)]
    assert pairs == sorted(set(pairs))
    for animal in {animal for animal, _ in pairs}:
        assert (ANIMALS[animal]["kind"], ANIMALS[animal]["class"]) == ("wild", "Mammalia")
    for cell in {cell for _, cell in pairs}:
        assert text_of(parse_cell(cell)) == cell


def test_the_table_has_no_date_and_no_name_in_its_header() -> None:
    # GIVEN RFC 1952: byte 3 holds flags, bytes 4 to 7 the time; THEN all of them are zero
    assert TABLE.read_bytes()[3:8] == bytes(5)


@pytest.mark.parametrize(
    ("name", "latitude", "longitude"),
    [
        ("koala", -27.6, 152.9),  # Brisbane
        ("lion", -24.0, 31.5),  # Kruger
        ("lion", -2.3, 34.8),  # Serengeti
        ("tiger", 26.0, 76.5),  # Ranthambore
        ("African elephant", -24.0, 31.5),
        ("Asian elephant", 6.4, 81.4),  # Yala
        ("polar bear", 58.8, -94.2),  # Churchill
        ("brown bear", 62.5, 15.0),  # Jämtland
        ("American black bear", 35.6, -83.5),  # Great Smoky Mountains
        ("giant panda", 31.0, 103.2),  # Wolong
        ("Arctic wolf", 80.0, -85.9),  # Ellesmere Island
        ("coyote", 34.1, -118.3),  # Los Angeles
        ("orangutan", 1.5, 110.3),  # Semenggoh
        ("ring-tailed lemur", -24.9, 46.3),  # Berenty
        ("meerkat", -26.0, 20.8),  # Kalahari
    ],
)
def test_where_an_animal_lives(name: str, latitude: float, longitude: float) -> None:
    assert text_of(cell_of(latitude, longitude)) in BY_NAME[name]


@pytest.mark.parametrize(
    ("name", "latitude", "longitude"),
    [
        ("koala", -31.9, 115.9),  # Perth: same country, no koalas
        ("platypus", -12.5, 130.8),  # Darwin
        ("polar bear", 40.7, -74.0),  # New York
        ("giant panda", 39.9, 116.4),  # Beijing
        ("lion", 28.6, 77.2),  # Delhi
        ("Arctic wolf", 45.0, -110.5),  # Yellowstone
        ("American black bear", 41.0, -98.0),  # Nebraska
        ("snow leopard", 23.1, 113.3),  # Guangzhou
        ("African elephant", -33.9, 18.4),  # Cape Town
    ],
)
def test_where_it_does_not(name: str, latitude: float, longitude: float) -> None:
    assert BY_NAME[name]
    assert text_of(cell_of(latitude, longitude)) not in BY_NAME[name]


@pytest.mark.parametrize(
    "name", ["red or maned wolf", "gazelle", "polecat", "marmoset", "armadillo", "dingo", "ferret", "hamster", "orca"]
)
def test_animals_without_a_range_map_of_their_own_have_no_cells(name: str) -> None:
    assert name in {row["name"] for row in ANIMALS.values()}
    assert name not in BY_NAME


def test_the_arctic_wolf_lives_in_the_tundra_and_within_the_grey_wolf() -> None:
    assert min(center_of(parse_cell(cell))[0] for cell in BY_NAME["Arctic wolf"]) >= 67
    assert BY_NAME["Arctic wolf"] < BY_NAME["grey wolf"]


# --- what is kept


def test_only_what_map_and_countries_agree_on_is_kept() -> None:
    kept = ranges.consistent_cells(
        cells={1: ["b", "a", "sea", "abroad"], 2: ["a"], 3: ["a"], 271: ["a"]},
        animal_areas={1: {"US", "CA"}, 2: {"MX"}, 271: {"US"}},
        cell_areas={"a": {"US", "MX"}, "b": {"CA"}, "sea": set(), "abroad": {"RU"}},
        wild={1, 3, 271},
    )
    # THEN 2 is not wild, 3 has no countries, 271 no map of its own, and sea and abroad are dropped
    assert kept == [(1, "a"), (1, "b")]


def test_a_subspecies_begins_at_its_latitude() -> None:
    kept = ranges.consistent_cells({270: [NORTH, SOUTH]}, {270: {"GL", "CA"}}, {NORTH: {"GL"}, SOUTH: {"CA"}}, {270})
    assert kept == [(270, NORTH)]


@given(st.lists(st.tuples(st.integers(0, 400), st.text("0123456789abcdef", min_size=15, max_size=15))))
def test_packing_gives_the_same_bytes_and_everything_back(pairs: list[tuple[int, str]]) -> None:
    data = ranges.to_gzipped_csv(pairs)
    assert data == ranges.to_gzipped_csv(pairs)
    lines = gzip.decompress(data).decode().splitlines()
    assert lines == ["animal,cell", *(f"{animal},{cell}" for animal, cell in pairs)]


def test_the_command_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN cells of the koala in Australia and out at sea, saved by a spreadsheet
    home, sea = text_of(cell_of(-27.6, 152.9)), text_of(cell_of(-40.0, -120.0))
    (tmp_path / "cells.csv").write_text(f"\ufefflabel,cell\n105,{sea}\n105,{home}\n", encoding="utf-8")
    (tmp_path / "areas.csv").write_text(f"cell,areas,coast\n{home},AU,1\n{sea},,0\n", encoding="utf-8")
    output = tmp_path / "out.csv.gz"

    # WHEN the command runs
    range_maps.main([str(tmp_path / "cells.csv"), "--cell-areas", str(tmp_path / "areas.csv"), "--output", str(output)])

    # THEN the koala is at home and the counts are printed
    assert ranges.read_cells(output) == {105: {home}}
    assert capsys.readouterr().out == "kept 1 of 2 cells, for 1 animals\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot read .*cells.csv \(No such file"),
        ("beast,cell\n1,a\n", "an input CSV has no column 'label'"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    # GIVEN no file, or one with other columns
    path = tmp_path / "cells.csv"
    if content:
        path.write_text(content)
    # WHEN the command runs THEN it exits with one line, and writes nothing
    with pytest.raises(SystemExit, match="1"):
        range_maps.main([str(path), "--output", str(tmp_path / "out.csv.gz")])
    assert re.fullmatch(f"error: {message}.*\n", capsys.readouterr().err)
    assert not (tmp_path / "out.csv.gz").exists()
