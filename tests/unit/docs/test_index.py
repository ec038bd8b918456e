"""The index leads to every page."""

from chalicelib.config.settings import ROOT

DOCS = ROOT / "docs"


def test_the_index_links_to_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"index.md"}
    assert not {page for page in pages if f"]({page})" not in index}
