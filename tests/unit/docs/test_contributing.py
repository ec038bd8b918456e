"""CONTRIBUTING's map of the house has every room."""

import re

from chalicelib.config.settings import ROOT

MAP = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## The house")[2].partition("\n## ")[0]
NOT_ROOMS = {"__pycache__", "build", "node_modules"}


def _rooms() -> set[str]:
    tops = [each for each in ROOT.iterdir() if each.is_dir() and each.name not in NOT_ROOMS]
    hidden = {".chalice", ".ci", ".github"}
    named = {each.name for each in tops if not each.name.startswith(".") or each.name in hidden}
    return named | {f"chalicelib/{each.name}" for each in (ROOT / "chalicelib").iterdir() if each.is_dir()} - {
        "chalicelib/__pycache__"
    }


def test_every_folder_and_every_room_of_chalicelib_has_a_line() -> None:
    lines = set(re.findall(r"^\| `([\w./-]+?)/` \|", MAP, re.MULTILINE))
    assert lines == _rooms()


def test_the_drawing_is_shown_here_and_in_the_architecture() -> None:
    assert "](docs/images/architecture.svg)" in MAP
    assert "](images/architecture.svg)" in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
