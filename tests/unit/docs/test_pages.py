"""The pages as a whole: short, each for a reader, found from the index, with all folders listed and a glossary."""

import re

from chalicelib.config.settings import ROOT
from docs.generate import words
from tests.unit.docs.pages import name_of

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MOST_BY_HAND, MOST = 18_000, 50_000  # words of docs/


def test_the_docs_are_short() -> None:
    by_hand, in_all = words()
    assert by_hand <= MOST_BY_HAND, f"docs/ has {by_hand:,} words by hand; drop what no reader needs"
    assert in_all <= MOST, f"docs/ has {in_all:,} words in all"


def test_the_first_line_of_a_page_says_who_it_is_for() -> None:
    opens = {name_of(page): page.read_text(encoding="utf-8").split("\n\n")[1] for page in PAGES}
    assert not {name: first for name, first in opens.items() if not re.search(r"\b(?:[Ff]or|who)\b", first)}


def test_the_index_and_the_site_link_to_every_page() -> None:
    names = {page.relative_to(DOCS).as_posix() for page in PAGES}
    index, site = (path.read_text(encoding="utf-8") for path in (DOCS / "index.md", ROOT / "mkdocs.yml"))
    assert not [name for name in names - {"index.md"} if f"]({name})" not in index]
    assert not [name for name in names if f": {name}\n" not in site]


def test_every_folder_is_in_the_list_of_folders() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## The folders")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`([\w./-]+)/`", text))
    there = {each.name for each in ROOT.iterdir() if each.is_dir()} - {"build", "node_modules", "__pycache__"}
    folders = {f"chalicelib/{each.name}" for each in (ROOT / "chalicelib").iterdir() if each.is_dir()}
    hidden = {".chalice", ".ci", ".github"}
    assert not re.search(r"^\| `\S+` \| +\|", text, re.MULTILINE), "a package without a docstring"
    assert listed >= {name for name in there if name[0] != "."} | hidden | folders - {"chalicelib/__pycache__"}


def test_the_glossary_has_at_most_forty_words_in_order() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = [term.lower() for term in re.findall(r"^\| \*\*(.+?)\*\* \| .+ \|$", text, re.MULTILINE)]
    assert 20 <= len(terms) <= 40
    assert terms == sorted(terms)
