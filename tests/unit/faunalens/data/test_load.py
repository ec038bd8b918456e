"""The bytes that PostgreSQL's COPY reads."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from faunalens.data.load import to_csv


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=20))
def test_any_text_comes_back_as_it_was(texts: list[str]) -> None:
    data = to_csv([(text,) for text in texts], dataset=3)
    assert list(csv.reader(io.StringIO(data.decode(), newline=""))) == [["3", text] for text in texts]
    # AND texts in an array are quoted as PostgreSQL reads them
    data = to_csv([((), ("AU",), ('a "b"', "c\\d"))], dataset=1)
    assert next(csv.reader(io.StringIO(data.decode()))) == ["1", "{}", '{"AU"}', '{"a \\"b\\"","c\\\\d"}']
