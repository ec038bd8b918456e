"""The JavaScript modules of the dashboards, called in a real browser."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from dashboards.preview.pages import Pages
from dashboards.preview.recording import Recording
from dashboards.preview.server import PATH
from tests.integration.dashboards.serving import serving

type Evaluate = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def evaluate(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluate]:
    """Return a function that evaluates an expression in which `module` is a module of the page."""
    nothing = tmp_path_factory.mktemp("nothing") / "metrics.jsonl"
    with serving(Pages(Recording(nothing, "nothing"))) as url:
        page = browser.new_page()
        page.goto(f"{url}runbook")
        page.locator('main[aria-busy="false"]').wait_for()
        yield lambda name, code: page.evaluate(f"import('{PATH}static/{name}.js').then(module => {code})")
        page.close()


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "Count", "–"),
        (89.94, "Milliseconds", "89.9 ms"),
        (95_000, "Milliseconds", "1.58 min"),
        (0.0034, "USD", "$0.0034"),
        (20_600, "Count", "20.6k"),
        (12, "Count/Second", "12/s"),
    ],
)
def test_numbers_have_readable_units(value: float | None, unit: str | None, shown: str, evaluate: Evaluate) -> None:
    assert evaluate("format", f"module.number({json.dumps(value)}, {json.dumps(unit)})") == shown


def markdown(evaluate: Evaluate, text: str, code: str) -> Any:
    """Return what an expression over `p`, a paragraph with a text as Markdown, gives."""
    made = f"const p = document.createElement('p'); p.append(module.renderMarkdown({json.dumps(text)}));"
    return evaluate("markdown", f"(() => {{ {made} return {code}; }})()")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# What to do", '<h2 id="what-to-do">What to do</h2>'),
        ("[a](runbook#x)", '<p><a href="runbook#x">a</a></p>'),
        ("[a](https://example.org/?x&y)", '<p><a href="https://example.org/?x&amp;y">a</a></p>'),
    ],
)
def test_markdown_renders_as_in_cloudwatch(text: str, html: str, evaluate: Evaluate) -> None:
    assert markdown(evaluate, text, "p.innerHTML.trim()") == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](//evil.example)",
        '# <svg onload="alert(1)">',
        '[a](service"onclick="alert(1))',
    ],
)
def test_markdown_adds_no_elements_and_no_scripts(text: str, evaluate: Evaluate) -> None:
    # WHEN malicious text is rendered THEN only text and links within this site remain
    names = "[...p.querySelectorAll('*')].flatMap(each => [each.localName, ...each.getAttributeNames()])"
    assert set(markdown(evaluate, text, names)) <= {"p", "h2", "id", "a", "href"}
    addresses = markdown(evaluate, text, "[...p.querySelectorAll('a')].map(each => each.getAttribute('href'))")
    assert all(address.startswith("service") for address in addresses)
