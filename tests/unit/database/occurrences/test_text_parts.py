"""Cutting texts into parts of whole records."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from database.occurrences.darwin_core import TextFormat
from database.occurrences.text_parts import parts_of

VALUES = st.text(st.sampled_from('ab"é,\n'), max_size=6)


@given(st.lists(st.lists(VALUES, min_size=2, max_size=3), max_size=12), st.integers(8, 60))
def test_each_part_has_whole_records_whatever_is_quoted(rows: list[list[str]], size: int) -> None:
    # GIVEN quoted values with line breaks and quotes WHEN cut
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["header", "line"], *rows])
    parts = list(parts_of(io.BytesIO(written.getvalue().encode()), TextFormat(quote='"', header_lines=1), size))
    # THEN the records of the parts are those of the text, unless a record is longer than a part
    if size > 2 * max((len(written.getvalue()) for _ in rows), default=0) or len(parts) <= 1:
        found = [row for part in parts for row in csv.reader(io.StringIO(part.decode(), newline=""))]
        assert found == rows
    assert b"".join(parts).decode() == written.getvalue().partition("\n")[2]


@given(st.lists(st.text(st.sampled_from('a"é\t'), min_size=1, max_size=8)), st.integers(1, 40))
def test_lines_that_nothing_quotes(lines: list[str], size: int) -> None:
    text = "".join(f"{line}\r\n" for line in lines).encode()
    parts = list(parts_of(io.BytesIO(text), TextFormat(), size))
    assert b"".join(parts) == text.replace(b"\r\n", b"\n")
    assert all(part.endswith(b"\n") for part in parts)


def test_another_encoding_becomes_utf_8_and_a_last_line_may_lack_its_end() -> None:
    text = io.BytesIO("Bär\tMünchen".encode("latin-1"))
    assert list(parts_of(text, TextFormat(encoding="iso8859-1"))) == ["Bär\tMünchen\n".encode()]


def test_an_open_quote_takes_no_more_than_its_part() -> None:
    text = io.BytesIO(b'1,"open\n2,b\n3,c\n4,d\n')
    assert len(list(parts_of(text, TextFormat(quote='"'), 12))) > 1
