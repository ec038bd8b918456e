"""Every link between the Markdown files leads somewhere, anchors included."""

from pathlib import Path
from urllib.parse import urlsplit

from docs.repository_links import rewrite
from tests.unit.docs.pages import PAGES, anchors_of, links_of, name_of


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link of a page leads to another site, or to a file, and to a heading of it if it names one."""
    url = urlsplit(link)
    target = (page.parent / url.path if url.path else page).resolve()
    is_there = target.exists() and (not url.fragment or target.suffix != ".md" or url.fragment in anchors_of(target))
    return bool(url.scheme) or is_there


def test_every_link_leads_somewhere() -> None:
    assert not [(name_of(page), link) for page in PAGES for link in links_of(page) if not leads_somewhere(page, link)]


def test_a_link_out_of_docs_leads_to_the_repository_or_becomes_the_path() -> None:
    text, base = "see [the stack](../../infra/faunalens.yaml)", "https://example.org/blob/HEAD/"
    assert rewrite(text, "reference", base) == f"see [the stack]({base}infra/faunalens.yaml)"
    assert rewrite(text, "reference", "") == "see the stack (`infra/faunalens.yaml`)"
    # AND links between pages, and pictures, stay
    for stays in ("[model](../how-to/model.md#a)", "![page](../../page.png)"):
        assert rewrite(stays, "reference", base) == stays
