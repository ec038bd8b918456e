"""What a browser fetches for use without signal: a list that it may ask for again, and parts that never change."""

from pathlib import Path

import pytest

from chalicelib.api import offline
from chalicelib.api.http import Request
from chalicelib.errors import NotFound

PART = "0123456789abcdef-0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / offline.LIST).write_text('{"version": "1"}', encoding="utf-8")
    (tmp_path / PART).write_bytes(b"\x1f\x8b\xff")
    (tmp_path.parent / "secret").write_text("no part", encoding="utf-8")
    return tmp_path


def test_a_list_is_asked_for_again_and_sent_when_it_has_changed(folder: Path) -> None:
    first = offline.offer(Request("1"), folder)
    assert (first.body, first.headers["Cache-Control"]) == ('{"version": "1"}', "no-cache")
    again = Request("2", {"if-none-match": first.headers["ETag"]})
    assert offline.offer(again, folder).status == 304
    (folder / offline.LIST).write_text('{"version": "2"}', encoding="utf-8")
    assert offline.offer(again, folder).status == 200


def test_a_part_is_bytes_that_are_kept_forever(folder: Path) -> None:
    part = offline.part(folder, PART)
    assert part.body == b"\x1f\x8b\xff"
    # AND many clients that take it slowly share its bytes
    assert offline.part(folder, PART).body is part.body
    assert part.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in part.headers["Cache-Control"]
    # AND a server without files says so
    with pytest.raises(NotFound, match="offers no files for use without signal"):
        offline.offer(Request("1"), folder / "none")


@pytest.mark.parametrize(
    "name", ["../secret", "secret", offline.LIST, "0123456789abcdef-1", f"{PART}\n", "", "٠" * 16 + "-0"]
)
def test_nothing_else_is_sent(folder: Path, name: str) -> None:
    with pytest.raises(NotFound, match=r"offline\.json lists the current parts"):
        offline.part(folder, name)
