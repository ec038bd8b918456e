"""The bytes that PostgreSQL's COPY reads."""

import csv
import io
from itertools import batched

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from database.cell_animals import ROW
from database.load import to_binary, to_csv


def test_binary_rows_follow_the_format_that_copy_documents() -> None:
    # GIVEN one row
    rows = np.array([(0x0102030405060708, 9, 0.5, 2)], ROW)
    # WHEN encoded THEN header, a tuple of five fields with their lengths, trailer
    assert to_binary(rows, dataset=7) == (
        b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\5"
        b"\0\0\0\x08\1\2\3\4\5\6\7\x08"
        + b"\0\0\0\4\0\0\0\x09"
        + b"\0\0\0\4\x3f\0\0\0"
        + b"\0\0\0\2\0\7"
        + b"\0\0\0\2\0\2"
        b"\xff\xff"
    )


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.text(st.characters(exclude_characters="\0", codec="utf-8"))),
        max_size=20,
    ),
    size=st.integers(1, 50),
)
def test_csv_in_batches_of_any_size_comes_back_as_it_was(rows: list[tuple[int, str]], size: int) -> None:
    data = b"".join(to_csv(batch, dataset=3) for batch in batched(rows, size, strict=False))
    back = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [(int(d), int(n), text) for d, n, text in back] == [(3, n, text) for n, text in rows]


def test_texts_in_an_array_are_quoted_as_postgresql_reads_them() -> None:
    data = to_csv([((), ("AU",), ('a "b"', "c\\d"))], dataset=1)
    assert next(csv.reader(io.StringIO(data.decode()))) == ["1", "{}", '{"AU"}', '{"a \\"b\\"","c\\\\d"}']
