"""The tables in files as people have them: packed again, saved by other programs, or of another kind."""

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.tables import OccurrenceError, tables_in
from faunalens.data.maintain.occurrences.workspace import RowCounts, Workspace
from tests.unit.faunalens.data.maintain.occurrences import sample_records
from tests.unit.faunalens.data.maintain.occurrences.sample_records import TERMS, Record, snapshot

TEXT = "id\tname\tlat\tlon\n1\tVulpes vulpes\t52\t13\n2\tCanis lupus\t52\t13\n"
COLUMNS = [(1, "scientificName"), (2, "decimalLatitude"), (3, "decimalLongitude")]


def meta(more: str = "", header_lines: int = 1) -> str:
    attributes = f'fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="{header_lines}"'
    return sample_records.meta((f"{TERMS}Occurrence", "occurrence.txt", COLUMNS), attributes=attributes, more=more)


def written(path: Path, content: Mapping[str, str | bytes] | str | bytes) -> Path:
    """Write a file: a zip if it has members."""
    if isinstance(content, str | bytes):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in content.items():
            archive.writestr(name, member)
    return path


def counts_of(path: Path) -> RowCounts:
    with Workspace(path.parent / "work", Filters()) as workspace:
        workspace.read(tables_in(path), lambda _line: None)
        return workspace.counts()


def is_whole(counts: RowCounts) -> bool:
    """Return whether both records of `TEXT` count."""
    return (counts.rows, counts.faulty, sum(counts.dropped.values())) == (2, 0, 0)


def wide(*lines: str) -> str:
    """Return lines with two more columns."""
    return "".join(f"{line}\tmore\tand more\n" for line in lines)


QUOTED = '"id"\t"species"\t"lat"\t"lon"\n1\t"Vulpes vulpes"\t"52"\t13\n2\t"Canis lupus"\t52\t13\n'
TWICE = "species,lat,lon,Species,lat\nVulpes vulpes,52,13,a,b\nCanis lupus,52,13,a,b\n"


@pytest.mark.parametrize(
    "content",
    [
        {"my/meta.xml": meta(), "my/occurrence.txt": TEXT, "my/eml.xml": "", "my/citations.txt": ""},
        {"meta.xml": meta().replace(">occ", ">./occ"), "occurrence.txt": TEXT},
        {"my/meta.xml": meta(), "my/occurrence.txt": TEXT, "my/._.meta.xml": "", "my/.DS_Store": ""},
        {"0001.csv": TEXT.replace("name", "species"), "._0001.csv": b"\0\5"},
        {"0001.csv": TEXT.replace("name", "species"), "__MACOSX/0001.csv": b"\0\5"},
        {"meta.xml": meta(header_lines=0), "occurrence.txt": wide(*TEXT.splitlines()[1:])},
        {"meta.xml": meta(), "occurrence.txt": wide(*TEXT.splitlines())},
        QUOTED,
        TWICE,
    ],
    ids=[
        *("in a folder", "a path with a dot", "an archive by macOS", "a text by macOS", "a text in a folder by macOS"),
        *("columns that meta.xml leaves out", "the same with a header", "quoted, with tabs", "two columns of one name"),
    ],
)
def test_a_file_as_people_and_programs_write_it(tmp_path: Path, content: Mapping[str, str | bytes] | str) -> None:
    assert is_whole(counts_of(written(tmp_path / "file", content)))


@pytest.mark.parametrize(("mode", "folder"), [("w", ""), ("w:gz", "./"), ("w:xz", "my/")])
def test_an_archive_as_tar(tmp_path: Path, mode: str, folder: str) -> None:
    with tarfile.open(tmp_path / "file", mode) as archive:  # type: ignore[call-overload]
        for name, text in (("meta.xml", meta()), ("occurrence.txt", TEXT), ("eml.xml", "")):
            member = tarfile.TarInfo(f"{folder}{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    assert is_whole(counts_of(tmp_path / "file"))


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("./occurrence.txt", ""),
        ("../outside.txt", "not in its folder"),
        ("/etc/passwd", "not in its folder"),
        ("link.txt", "not in its folder"),  # a link is what it leads to
        ("pipe", "is not a file"),  # no one may ever write to it
        ("missing.txt", r"missing\.txt cannot be read"),
    ],
)
def test_a_location_stays_within_the_folder_and_is_a_file(tmp_path: Path, location: str, fault: str) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "meta.xml").write_text(meta().replace("occurrence.txt", location))
    for path in (tmp_path / "outside.txt", folder / "occurrence.txt"):
        path.write_text(TEXT)
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    os.mkfifo(folder / "pipe")
    if not fault:
        assert is_whole(counts_of(folder))
        return
    with pytest.raises(OccurrenceError, match=fault):
        tables_in(folder)


def test_a_row_that_ends_early_has_no_values_for_its_last_columns(tmp_path: Path) -> None:
    # GIVEN rows without the columns after the place, and one without a place
    text = "species\tlat\tlon\tyear\tissue\nVulpes vulpes\t52\t13\nCanis lupus\t52\t13\t2020\nLynx lynx\n"
    (tmp_path / "file").write_text(text)
    counts = counts_of(tmp_path / "file")
    assert (counts.rows, counts.faulty, counts.kept) == (3, 0, 2)
    # GIVEN quoted rows without the columns after the place, and one where a quote was left open
    rows = '"Vulpes, vulpes",52,13\nCanis lupus,"52",13,2020\nLynx lynx\nUrsus arctos,52,13,"2020\nLynx lynx,5,1'
    (tmp_path / "file").write_text(f"species,lat,lon,year,issue\n{rows}")
    counts = counts_of(tmp_path / "file")
    # THEN short rows count, and the open quote is a fault that says what it took
    assert (counts.rows, counts.faulty, counts.kept) == (4, 1, 2)
    assert counts.examples[0].fault == "unquoted value in at least 3 lines"


def test_the_default_of_a_column_counts_where_a_record_has_no_value(tmp_path: Path) -> None:
    field = '<field index="4" term="http://rs.tdwg.org/dwc/terms/occurrenceStatus" default="absent"/>'
    head, fox, wolf = TEXT.splitlines()
    text = f"{head}\tstatus\n{fox}\tpresent\n{wolf}\t\n"
    counts = counts_of(written(tmp_path / "file.zip", {"meta.xml": meta(field), "occurrence.txt": text}))
    assert (counts.rows, counts.dropped["of an animal that was absent"]) == (2, 1)


@pytest.mark.parametrize(
    "name", ["occurrences*.parquet", "occurrences [1].parquet", "occurrences?.parquet", "{0}%s it's.parquet"]
)
def test_a_name_with_signs_of_patterns_is_this_file_alone(tmp_path: Path, name: str) -> None:
    # GIVEN a file called like a pattern, beside another that fits it
    records = [Record("Vulpes vulpes", 1, 52, 13), Record("Canis lupus", 2, 52, 13)]
    snapshot(tmp_path / "occurrences1.parquet", records)
    (tmp_path / "occurrences1.parquet").rename(tmp_path / name)
    snapshot(tmp_path / "occurrences2.parquet", records)
    snapshot(tmp_path / "occurrences 1.parquet", records)
    assert is_whole(counts_of(tmp_path / name))


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("occurrence.txt"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (TEXT.encode("utf-16"), "UTF-16; save it as UTF-8"),
        (TEXT.encode("utf-16-le"), "UTF-16; save it as UTF-8"),
        ("Größe,lat,lon".encode("latin-1"), "nor text in UTF-8; save it as UTF-8"),
        (TEXT.replace("\n", "\r").encode(), "save it with line feeds"),
        (b"<!doctype html>\n<html>", "a link that has expired"),
        (b"", "expected a line with the names of columns"),
        (b"species,latitude\nVulpes vulpes,1\n", "no column for the place"),
        (b"a,latitude,longitude\n1,2,3\n", "no column for the name"),
        (b"PAR1 but nothing more", "not a readable Parquet"),
        (b"PK\x03\x04 but nothing more", "not a zip"),
        (b"\x1f\x8b but nothing more", "cannot be read"),
        ({}, "is an empty zip"),
        ({"[Content_Types].xml": "", "xl/workbook.xml": "", "docProps/app.xml": ""}, "a spreadsheet; save its sheet"),
        ({"occurrence.parquet": b"PAR1\x15\x04\r\n"}, "is Parquet; unpack it"),
        ({"0001.zip": b"PK\x03\x04\x14"}, "is a zip within a zip; unpack"),
        ({"0001.tar": tar()}, "is a tar archive; unpack it"),
        ({"a.parquet": b"PAR1", "b.parquet": b"PAR1"}, "unpack it, and give the file with the occurrences"),
    ],
)
def test_what_is_no_table_is_named_with_what_to_do(
    tmp_path: Path, content: Mapping[str, str | bytes] | bytes, advice: str
) -> None:
    with pytest.raises(OccurrenceError, match=advice):
        tables_in(written(tmp_path / "file", content))
