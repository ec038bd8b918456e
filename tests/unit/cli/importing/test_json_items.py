"""JSON in pieces is the JSON of the file, wherever the pieces end."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.importing import json_items
from cli.importing.json_items import items_of

LISTS = frozenset({"images"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def read(path: Path, data: object, chunk: int, indent: int | None) -> list[tuple[str, Any]]:
    path.write_text(json.dumps(data, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_items, "CHUNK", chunk)
        return list(items_of(path, LISTS))


@given(st.lists(VALUES, max_size=4), VALUES, st.integers(1, 40), st.none() | st.just(1))
def test_items_are_those_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, items: list[Any], info: Any, chunk: int, indent: int | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "items.json"
    listed = [("images", each) for each in items]
    assert read(path, {"images": items, "info": info}, chunk, indent) == [*listed, ("info", info)]
    assert read(path, items, chunk, indent) == [("", each) for each in items]


@pytest.mark.parametrize("text", ["", "3", '{"images": [{}', '{"images": [1 2]}', '{"info" 1}', '{"info": tru}'])
def test_what_is_damaged_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r".+"):
        list(items_of(tmp_path / "a.json", LISTS))
