"""The glossary is short, and found from where people start."""

import re

from chalicelib.config.settings import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", TEXT, re.MULTILINE)


def test_it_has_at_most_forty_words_in_order_one_line_each() -> None:
    assert 20 <= len(TERMS) <= 40
    assert len(TERMS) == len(TEXT.partition("|---|---|\n")[2].strip().splitlines())
    assert [term.lower() for term, _ in TERMS] == sorted(term.lower() for term, _ in TERMS)


def test_readme_and_contributing_link_it() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/index.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(r"\]\((?:docs/)?glossary\.md\)", text), f"{name} does not link the glossary"
