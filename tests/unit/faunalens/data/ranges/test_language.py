"""The language of ranges, what each rule means and where a mistake is; and the rows that are written in it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.data.areas.area_cells import AreaCells
from faunalens.data.dataset import read_ranges
from faunalens.data.dataset_files import FILES, RANGE_FILES, RELATIVES, DatasetError, read_rows
from faunalens.data.ranges.language import (
    Area,
    Areas,
    Joined,
    Limit,
    Range,
    RangeSyntaxError,
    Statement,
    areas_in,
    by_taxon,
    in_words,
    parse,
    read_statements,
)


@pytest.mark.parametrize(
    ("text", "areas"),
    [
        (" US-TX ", Area("US-TX", 2)),
        # from left to right
        ("AU - AU-TAS + NZ", Joined(Area("AU", 1), (("-", Area("AU-TAS", 6)), ("+", Area("NZ", 15))))),
        # a list binds more tightly than plus and minus
        ("AU - A-B A-C", Joined(Area("AU", 1), (("-", Joined(Area("A-B", 6), ((" ", Area("A-C", 10)),))),))),
        # an overlap binds more tightly than minus, and less than a list
        (
            "Andes & PE BO - PE-LOR",
            Joined(
                Joined(Area("Andes", 1), (("&", Joined(Area("PE", 9), ((" ", Area("BO", 12)),))),)),
                (("-", Area("PE-LOR", 17)),),
            ),
        ),
    ],
)
def test_areas_bind_as_the_grammar_says(text: str, areas: Areas) -> None:
    assert parse(text) == Range(areas)

    # AND limits apply to the whole range
    assert parse("US CA ; lat <= 36.5, lon >= -100").limits == (Limit("lat", "<=", 36.5), Limit("lon", ">=", -100.0))


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "expected an area instead of the end", 1),
        ("US + + CA", r"expected an area instead of '\+'", 6),
        ("US -", "expected an area instead of the end", 5),
        ("US -CA", "put a space after '-'", 4),
        ("(US CA", r"expected '\)' instead of the end", 7),
        ("US)", r"expected the end, '\+', '-' or ';' instead of '\)'", 3),
        ("US ; lat", "expected '<=' or '>=' instead of the end", 9),
        ("US ; alt >= 5", "expected 'lat' or 'lon' instead of 'alt'", 6),
        ("US ; lat <= north", "expected degrees instead of 'north'", 13),
        ("US ; lat <= 95", "lat must be between -90 and 90", 13),
        ("US ; lat < 5", "'<' is not part of the language", 10),
        ("US ; lat <= 5 lon <= 5", "expected the end, .* instead of 'lon'", 15),
    ],
)
def test_a_mistake_is_found_at_its_column(text: str, message: str, column: int) -> None:
    with pytest.raises(RangeSyntaxError, match=message) as raised:
        parse(text)
    assert raised.value.column == column


def trees() -> st.SearchStrategy[Areas]:
    names = st.from_regex(r"[A-Z]{2}(-[A-Z]{1,3})?|[A-Z][a-z]{1,3}", fullmatch=True)
    leaves: st.SearchStrategy[Areas] = names.map(lambda name: Area(name, 1))

    def larger(tree: st.SearchStrategy[Areas]) -> st.SearchStrategy[Areas]:
        steps = (
            st.lists(st.tuples(st.sampled_from(signs), tree), min_size=1, max_size=3) for signs in ("+-", "&", " ")
        )
        return st.builds(Joined, tree, st.one_of(*(each.map(tuple) for each in steps)))

    return st.recursive(leaves, larger, max_leaves=8)


LIMITS = st.builds(Limit, st.just("lat"), st.sampled_from(["<=", ">="]), st.integers(-90, 90))


@given(trees(), st.lists(LIMITS, max_size=2))
def test_every_range_can_be_written_and_read_again(tree: Areas, limits: list[Limit]) -> None:
    text = str(Range(tree, tuple(limits)))
    again = parse(text)
    assert str(again) == text
    assert re.sub(r"column=\d+", "column=1", repr(again.areas)) == repr(tree)
    assert [each.name for each in areas_in(again.areas)] == re.findall(r"name='(.*?)'", repr(tree))


@given(st.text(alphabet="AUS-+&();,<>= lat0123456789.xé"))
def test_any_text_is_a_range_or_an_error_with_a_column(text: str) -> None:
    column = 1
    try:
        parse(text)
    except RangeSyntaxError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


NAMES = {"AU": "Australia", "AU-TAS": "Tasmania", "PE": "Peru", "BO": "Bolivia", "NZ": "New Zealand"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AU", "Australia"),
        ("eastern-US NZ", "eastern US, New Zealand"),
        ("AU - AU-TAS + NZ", "Australia without Tasmania and New Zealand"),
        ("Andes & PE BO", "Andes where also Peru, Bolivia"),
        ("AU ; lat >= -30.5, lon <= 140", "Australia, north of 30.5° S, west of 140° E"),
        ("NZ ; lat <= 0, lon >= -10", "New Zealand, south of 0° N, east of 10° W"),
    ],
)
def test_a_range_in_words(text: str, words: str) -> None:
    assert in_words(parse(text), NAMES) == words


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
