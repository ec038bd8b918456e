"""Every link between the Markdown files leads somewhere, anchors included."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.repository_links import rewrite
from tests.unit.docs.pages import PAGES, anchors_of, links_of, name_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        url = urlsplit(link)
        if url.scheme or url.netloc:
            continue
        target = page.parent / unquote(url.path) if url.path else page
        assert target.exists(), f"{name_of(page)} links to {link}, which is not there"
        if url.fragment and target.suffix == ".md":
            anchor = unquote(url.fragment)
            assert anchor in anchors_of(target.resolve()), f"{name_of(page)} links to {link}: no such heading"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://example.org/blob/HEAD/", "see [the stack](https://example.org/blob/HEAD/infra/faunalens.yaml)"),
        ("", "see the stack (`infra/faunalens.yaml`)"),
    ],
)
def test_a_link_out_of_docs_leads_to_the_repository(base: str, expected: str) -> None:
    # GIVEN a page that links to a file of the repository, and to another page
    text = "see [the stack](../../infra/faunalens.yaml)"
    # THEN the site's link leads to the repository's page, or there is the path; links between pages stay
    assert rewrite(text, "reference", base) == expected
    assert rewrite("[`infra/up.py`](../../infra/up.py)", "reference", "") == "`infra/up.py`"
    assert rewrite("[model](../how-to/model.md#a)", "reference", base) == "[model](../how-to/model.md#a)"
    assert rewrite("![page](../../page.png)", "reference", base) == "![page](../../page.png)"
