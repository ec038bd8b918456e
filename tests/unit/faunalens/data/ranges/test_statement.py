"""Rows of ranges: their values and defaults, and the place that an error names."""

from pathlib import Path

import pytest

from faunalens.data.areas.area_cells import AreaCells
from faunalens.data.dataset import read_ranges
from faunalens.data.dataset_files import FILES, RANGE_FILES, RELATIVES, DatasetError, read_rows
from faunalens.data.ranges.language import parse
from faunalens.data.ranges.statement import Statement, by_taxon, read_statements

HEADER = "taxon,areas,status,certainty,extent,season,source,note\n"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "birds.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_every_value_is_kept_empty_ones_have_defaults_and_statements_are_grouped(tmp_path: Path) -> None:
    rows = 'grus,"Sahel ; lat <= 15, lon <= 3",native,doubt,within,winter,a,b', "dacelo,AU,,,,,a,", "grus,PL,,,,,a,"
    found = by_taxon(read_statements(written(tmp_path, *rows)))
    assert {taxon: len(those) for taxon, those in found.items()} == {"grus": 2, "dacelo": 1}
    defaults = "native", "sure", "throughout", ""
    assert found["dacelo"] == [Statement("dacelo", parse("AU"), *defaults, "a", "", "birds.csv, line 3")]
    text = "Sahel ; lat <= 15, lon <= 3"
    place = "birds.csv, line 2"
    assert found["grus"][0] == Statement("grus", parse(text), "native", "doubt", "within", "winter", "a", "b", place)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("grus,DE - ,,,,,a,", "birds.csv, line 3, column 5 of areas: expected an area instead of the end"),
        ("grus,DE,resident,,,,a,", "line 3: status is 'resident'; expected one of native, introduced, vagrant, absent"),
        ("grus,DE,,,,spring,a,", "line 3: season is 'spring'; expected one of breeding, winter, passage"),
        (",DE,,,,,a,", "line 3: taxon is empty"),
        ("grus,DE,,,,,,", "line 3: source is empty"),
        ("grus,DE,,,,a", "line 3: expected 8 columns; quote a cell that contains a comma"),
    ],
)
def test_a_faulty_row_is_named_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_statements(written(tmp_path, "dacelo,AU,,,,,avilist,", row))


def test_other_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"birds.csv, line 1: expected the columns taxon,areas,status"):
        read_statements(written(tmp_path, header="animal,area\n"))
    with pytest.raises(DatasetError, match=r"birds.csv, line \d: unexpected end of data"):
        read_statements(written(tmp_path, header='taxon,"areas'))


def test_every_row_of_the_checkout_is_about_a_known_taxon_and_says_where(areas: AreaCells) -> None:
    # GIVEN the rows of all ranges
    every = [each for name in RANGE_FILES for each in read_ranges(FILES[name])]
    # WHEN a taxon's id is mistyped, or a range contains no cell THEN the row would have no effect
    known = {row["taxon"] for file in ("taxon_facts", "labels") for row in read_rows(FILES[file])}
    known |= {row["taxon"] for row in read_rows(FILES["labels"].with_name(RELATIVES))}
    assert [each.place for each in every if each.taxon not in known] == []
    empty = {each for each in {each.range for each in every} if not areas.of(each).any()}
    assert [each.place for each in every if each.range in empty] == []
