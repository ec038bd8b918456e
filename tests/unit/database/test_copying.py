"""What is sent to PostgreSQL's COPY, byte by byte."""

import csv
import io
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from database import copying
from database.seed import ROW, Rows


def test_binary_rows_follow_the_format_that_copy_documents() -> None:
    # GIVEN one row
    rows = np.array([(0x0102030405060708, 9, 0.5, 2)], ROW)
    # WHEN streamed THEN header, a tuple of five fields with their lengths, trailer
    stream = copying.binary([rows], dataset=7)
    assert stream.read() == (
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\5"
        b"\0\0\0\x08\1\2\3\4\5\6\7\x08"
        + b"\0\0\0\4\0\0\0\x09"
        + b"\0\0\0\4\x3f\0\0\0"
        + b"\0\0\0\2\0\7"
        + b"\0\0\0\2\0\2"
        b"\xff\xff"
    )
    assert stream.rows == 1


def test_nothing_is_a_valid_stream_too() -> None:
    assert len(copying.binary([], dataset=1).read()) == 19 + 2
    assert copying.text([], dataset=1).read() == b""


def test_chunks_are_made_as_they_are_read() -> None:
    # GIVEN a generator of chunks that tells how far it was driven
    made = []

    def chunks() -> Iterator[Rows]:
        for number in range(100):
            made.append(number)
            yield np.zeros(1000, ROW)

    stream = copying.binary(chunks(), dataset=1)
    # WHEN some of it is read THEN not all of it was made
    stream.read(100_000)
    assert len(made) < 10
    while stream.read(1 << 16):
        pass
    assert stream.rows == 100_000


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.text(st.characters(exclude_characters="\0", codec="utf-8"))),
        max_size=20,
    ),
    size=st.integers(1, 50),
)
def test_text_rows_come_back_as_they_were_in_reads_of_any_size(rows: list[tuple[int, str]], size: int) -> None:
    stream = copying.text(rows, dataset=3)
    data = b"".join(iter(lambda: stream.read(size), b""))
    back = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [(int(d), int(n), text) for d, n, text in back] == [(3, n, text) for n, text in rows]
    assert stream.rows == len(rows)


def test_texts_in_an_array_are_quoted_as_postgresql_reads_them() -> None:
    stream = copying.text([((), ("AU",), ('a "b"', "c\\d"))], dataset=1)
    assert next(csv.reader(io.StringIO(stream.read().decode()))) == ["1", "{}", '{"AU"}', '{"a \\"b\\"","c\\\\d"}']
