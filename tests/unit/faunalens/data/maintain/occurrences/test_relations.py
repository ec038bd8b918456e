"""Each part of a text has whole records, whatever is quoted, and no more of them than memory allows."""

import csv
import io
from typing import IO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.data.maintain.occurrences.darwin_core import TextFormat
from faunalens.data.maintain.occurrences.relations import parts_of
from faunalens.data.maintain.occurrences.tables import OccurrenceError

VALUES = st.text(st.sampled_from('ab"é,\n'), max_size=6)


def test_a_record_without_end_is_an_error_before_memory_is_full() -> None:
    # GIVEN a text of 200 MB without a line feed, which is made as it is read
    class Endless(io.RawIOBase):
        sent = 0

        def read(self, size: int = -1) -> bytes:
            self.sent += size
            return b"x" * size if self.sent < 200e6 else b""

    endless = Endless()
    with pytest.raises(OccurrenceError, match="a record has more than 16 MB"):
        list(parts_of(cast("IO[bytes]", endless), TextFormat(), 1 << 20))
    assert endless.sent < 20e6


def rows_in(part: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(part.decode(), newline="")))


@given(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=30), st.integers(8, 60), st.integers(1, 5))
def test_each_part_has_whole_records_whatever_is_quoted(rows: list[list[str]], size: int, most: int) -> None:
    # GIVEN quoted values with line breaks and quotes WHEN cut by bytes, and by lines
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    longest = max([writer.writerow(each) for each in [["header"], *rows]])
    text, format_ = written.getvalue().encode(), TextFormat(quote='"', header_lines=1)
    by_bytes = list(parts_of(io.BytesIO(text), format_, size))
    by_lines = list(parts_of(io.BytesIO(text), format_, lines=most))
    # THEN nothing is lost, and records are whole, unless one is longer than a part
    assert b"".join(by_bytes) == b"".join(by_lines) == text.partition(b"\n")[2]
    for parts in (by_lines, by_bytes) if size > 4 * longest else (by_lines,):
        assert [row for part in parts for row in rows_in(part)] == rows
    # AND a part has few lines, or is a single record
    assert all(part.count(b"\n") <= most or len(rows_in(part)) == 1 for part in by_lines)


def test_another_encoding_becomes_utf_8_and_a_last_line_may_lack_its_end() -> None:
    text = io.BytesIO("Bär\tMünchen".encode("latin-1"))
    assert list(parts_of(text, TextFormat(encoding="iso8859-1"))) == ["Bär\tMünchen\n".encode()]
    # AND a quote that is never closed does not take the rest of the text with it
    assert len(list(parts_of(io.BytesIO(b'a\n"b\n' + b"c\n" * 20), TextFormat(quote='"'), 8))) > 4
