"""Documented, or it does not exist: settings, errors, metrics, routes, commands."""

import re

import app
from chalicelib.api.openapi import document
from chalicelib.config.settings import ROOT
from docs.generate import pages

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
    described = {(path, method.upper()) for path, methods in document("1", "/")["paths"].items() for method in methods}
    assert described == routes - {("/web/{name}", "GET")}
    for path, method in described:
        assert re.search(rf"^## `{method} {re.escape(path)}[`?]", guide, re.MULTILINE), f"{method} {path}"


def test_every_command_of_the_makefile_says_what_it_does_and_is_documented() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    guide = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
    for target in set(phony.split()) - {"help", "environment", "model"}:
        assert re.search(rf"^{target}:.*## ", text, re.MULTILINE), f"make {target} has no line of help"
        assert f"make {target}" in guide, f"make {target} is not documented"
