"""Every link between the Markdown files leads somewhere, anchors included."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.repository_links import rewrite
from tests.unit.docs.pages import PAGES, anchors_of, links_of, name_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        url = urlsplit(link)
        if not url.scheme:
            target = (page.parent / url.path if url.path else page).resolve()
            assert target.exists(), f"{name_of(page)} links to {link}, which is not there"
            known = not url.fragment or target.suffix != ".md" or url.fragment in anchors_of(target)
            assert known, f"{name_of(page)} links to {link}: no such heading"


def test_a_link_out_of_docs_leads_to_the_repository_or_becomes_the_path() -> None:
    text, base = "see [the stack](../../infra/faunalens.yaml)", "https://example.org/blob/HEAD/"
    assert rewrite(text, "reference", base) == f"see [the stack]({base}infra/faunalens.yaml)"
    assert rewrite(text, "reference", "") == "see the stack (`infra/faunalens.yaml`)"
    # AND links between pages, and pictures, stay
    for stays in ("[model](../how-to/model.md#a)", "![page](../../page.png)"):
        assert rewrite(stays, "reference", base) == stays
