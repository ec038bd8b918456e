"""Documented, or it does not exist: settings, errors, metrics, routes, commands."""

import re
from pathlib import Path

import pytest

import app
from chalicelib.api.openapi import document
from chalicelib.config.settings import ROOT
from chalicelib.routes import ROUTES
from docs.generate import TARGET, pages, with_tables

DOCS = ROOT / "docs"


def test_pages_made_from_code_are_up_to_date() -> None:
    old = [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    assert not old, "run `make docs`, or `python -m docs.generate`"


def test_every_route_is_in_the_guide_and_in_the_openapi_document() -> None:
    # GIVEN the routes that the app serves
    routes = {(path, method) for path, methods in app.app.routes.items() for method in methods}
    # THEN each GET has a HEAD, which needs no words
    assert {path for path, method in routes if method == "HEAD"} == {path for path, method in routes if method == "GET"}
    routes = {(path, method) for path, method in routes if method != "HEAD"}
    # AND each other has a heading, and each but the page's files is described as data
    guide = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    described = {
        (path, method.upper()) for path, methods in document(ROUTES, "1", "/")["paths"].items() for method in methods
    }
    assert described == routes - {("/web/{name}", "GET")}
    for path, method in described:
        assert re.search(rf"^## `{method} {re.escape(path)}[`?]", guide, re.MULTILINE), f"{method} {path}"


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    said = {name for name, _ in TARGET.findall(text)}
    assert not set(phony.split()) - said - {"environment", "model"}, "write `## ` and a line of help behind it"


def test_a_table_without_a_place_such_as_a_new_alarm_is_put_at_the_end(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n<!-- table: old -->\n\nx\n\n<!-- end -->\n\nBy hand.\n")
    page.write_text(with_tables(page, {"old": "y", "new": "z"}))
    text = (
        "# A page\n\n<!-- table: old -->\n\ny\n\n<!-- end -->\n\nBy hand.\n\n<!-- table: new -->\n\nz\n\n<!-- end -->\n"
    )
    assert page.read_text() == with_tables(page, {"old": "y", "new": "z"}) == text


@pytest.mark.parametrize("rest", ["", "<!-- table: next -->\n\n<!-- end -->\n"])
def test_a_table_without_an_end_is_an_error_and_takes_no_text_with_it(tmp_path: Path, rest: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- table: old -->\n\nBy hand.\n\n{rest}")
    with pytest.raises(ValueError, match="table old has no end; add <!-- end --> behind it"):
        with_tables(page, {"old": "y"})
