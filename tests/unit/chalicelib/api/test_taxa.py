"""Responses about taxa: links, where a taxon lives, and when a client has the response already."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.api.http import GEOJSON, Request
from chalicelib.api.taxa import facts_of, kept, links_of, svg_response
from chalicelib.stores.taxa import Of

NAMES = {"taxon": "lynx", "name": "lynx", "scientific_name": "Lynx", "rank": "genus", "group": "mammals"}
NO_FACTS: dict[str, Any] = {"ids": {}, "lineage": [], "ranges": [], "sources": []}


@pytest.mark.parametrize(
    ("kind", "is_drawn", "lives"),
    [
        ("wild", True, "range"),
        ("wild", False, "unknown"),  # not known is not nowhere
        ("dog", False, "everywhere"),
        ("cosmopolitan", False, "everywhere"),
        ("farm", True, "range"),  # the mallard
        ("extinct", False, "nowhere"),
    ],
)
def test_where_a_taxon_lives_is_told_apart(kind: str, is_drawn: bool, lives: str) -> None:
    birds: Any = SimpleNamespace(name="birds", version="0123")
    read = NO_FACTS | NAMES | {"kind": kind, "is_drawn": is_drawn}
    facts = facts_of(Of("v1", read), [birds])
    assert (facts["lives"], facts["version"], facts["models"]) == (lives, "v1", ({"name": "birds", "version": "0123"},))
    assert "is_drawn" in read  # it is not changed


CATS = {"name": "cat", "scientific_name": "Felidae", "rank": "family"}
LYNX = {"name": "lynx or bobcat", "scientific_name": "Lynx", "rank": "genus"}


@pytest.mark.parametrize("stored", [[CATS], [CATS, LYNX]])
def test_a_lineage_ends_with_the_taxon_itself(stored: list[dict[str, str]]) -> None:
    # GIVEN a taxon of a pack, of which the dataset has the named taxa above it, or one that is among these
    facts = facts_of(Of("v1", NO_FACTS | NAMES | {"kind": "wild", "is_drawn": False, "lineage": stored}), [])
    # THEN it is there once
    assert [(each["scientific_name"], each["rank"]) for each in facts["lineage"]] == [
        ("Felidae", "family"),
        ("Lynx", "genus"),
    ]


def test_links_lead_to_the_sites_that_know_the_taxon() -> None:
    assert links_of("Chloebia gouldiae", {}) == {
        "wikipedia": "https://en.wikipedia.org/wiki/Chloebia_gouldiae",
        "gbif": "https://www.gbif.org/species/search?q=Chloebia+gouldiae",
    }
    ids = {"inaturalist": "144596", "wikidata": "Q1", "avibase": "AC1E519F", "ebird": "goufin3"}
    assert links_of("A&b 'c", ids) == {
        "wikipedia": "https://en.wikipedia.org/wiki/A%26b_%27c",
        "gbif": "https://www.gbif.org/species/search?q=A%26b+%27c",
        "inaturalist": "https://www.inaturalist.org/taxa/144596",
        "wikidata": "https://www.wikidata.org/wiki/Q1",
        "ebird": "https://ebird.org/species/goufin3",
    }


def test_the_title_of_a_map_is_text() -> None:
    text = str(svg_response(Request("r"), Of("v1", ("a <b> & c", '<path d="M0 0"/>'))).body)
    assert "<title>Where it lives: a &lt;b&gt; &amp; c</title>" in text
    assert text.rstrip().endswith('<path d="M0 0"/></svg>')


@pytest.mark.parametrize("form", ["{0}", "{1}", '"other",{0}', '"other" , {1}', "*"])
def test_a_client_that_has_the_response_gets_304(form: str) -> None:
    tag = kept(Request("r"), "{}", GEOJSON).headers["ETag"]
    asked = Request("r", {"if-none-match": form.format(tag, tag.removeprefix("W/"))})
    response = kept(asked, "{}", GEOJSON)
    assert (response.status, response.body, response.headers["ETag"]) == (304, "", tag)
    assert "Content-Type" not in response.headers
    # AND the tag is that of the content
    assert kept(asked, "[]", GEOJSON).status == (304 if form == "*" else 200)
