"""The CSV of corrections is harmless in a spreadsheet, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.corrections import picture_of, quoted, unquoted


@given(st.text() | st.text("=+-@'i", max_size=4))
def test_no_cell_is_a_formula_and_all_come_back(animal: str) -> None:
    assert quoted(animal)[:1] not in tuple("=+-@")
    # An apostrophe before a formula was never typed by hand, so it may go.
    assert unquoted(quoted(animal)) == (animal[1:] if animal[:2] in ("'=", "'+", "'-", "'@") else animal)


@pytest.mark.parametrize("result", ["/r/abc", "abc", "../../r/abc", "https://example.org/r/abc"])
def test_a_picture_is_named_by_the_id_of_its_result(result: str) -> None:
    assert picture_of(result) == "abc.jpg"
