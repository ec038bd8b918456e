"""The Markdown that people read, and what stands in it."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from markdown import Markdown
from pymdownx.slugs import slugify

from chalicelib.config.settings import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "model" / "README.md"]
"""README, CONTRIBUTING, CHANGELOG, all of docs/, and the model card."""

_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Return a page's path within the repository."""
    return str(path.relative_to(ROOT))


class _Found(HTMLParser):
    """Links, pictures and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (tag, name) in {("a", "href"), ("img", "src")}:
                self.links.append(value)
            if value and name == "id":
                self.anchors.add(value)


@cache
def _found(path: Path) -> _Found:
    # The anchors are those that GitHub makes of headings; mkdocs.yml asks for the same.
    options = {"toc": {"slugify": slugify(case="lower")}}
    reader = Markdown(extensions=["tables", "pymdownx.superfences", "toc"], extension_configs=options)
    found = _Found()
    found.feed(reader.convert(path.read_text(encoding="utf-8")))
    return found


def links_of(path: Path) -> list[str]:
    """Return where a page's links and pictures lead, as written."""
    return _found(path).links


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    return _found(path).anchors


def code_of(path: Path) -> Iterator[str]:
    """Yield each text in single backticks outside of code blocks."""
    yield from _CODE.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
