"""The Markdown that people read, and what stands in it."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pymdownx.slugs import slugify

from chalicelib.config.settings import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "model").rglob("*.md"))]
"""README, CONTRIBUTING, CHANGELOG, all of docs/, and the model cards."""

_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_slug = slugify(case="lower")  # as GitHub's, and those of mkdocs.yml


def name_of(path: Path) -> str:
    """Return a page's path within the repository."""
    return str(path.relative_to(ROOT))


@cache
def _text(path: Path) -> str:
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


def links_of(path: Path) -> list[str]:
    """Return where a page's links and pictures lead, as written."""
    return re.findall(r"\]\(([^)\s]+)\)", _text(path))


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    return {_slug(re.sub(r"\[([^\]]+)\]\([^)]+\)|`", r"\1", each), "-") for each in _HEADING.findall(_text(path))}


def code_of(path: Path) -> Iterator[str]:
    """Yield each text in single backticks outside of code blocks."""
    yield from _CODE.findall(_text(path))
