"""The map on which ranges are drawn."""

from pathlib import Path
from xml.etree import ElementTree

from chalicelib.config.settings import ROOT
from database.world_map import FILE, main

OUTLINES = ROOT / "web" / "page" / "src" / "world.json"


def test_the_committed_map_is_made_from_the_land_on_the_page(tmp_path: Path) -> None:
    # WHEN the map is made again THEN it is the same
    main([str(OUTLINES), "--output", str(tmp_path / "world.svg")])
    assert (tmp_path / "world.svg").read_text() == FILE.read_text()


def test_the_map_is_an_image_with_a_title_and_two_layers() -> None:
    root = ElementTree.fromstring(FILE.read_text())  # noqa: S314 — our own file
    names = [each.tag.rpartition("}")[2] for each in root]
    assert names == ["title", "style", "path", "path"]
