"""What one visit to the page costs: its calls and bytes, counted by a real browser on both transports."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from local.lambda_sim.__main__ import PACKED_MODEL
from local.stack.ports import HOST
from tests.end_to_end.browsing import Open, photo
from tests.end_to_end.running import loaded_port, running

BUDGET = 60_000
"""Bytes of the HTML, the script and the style sheet of a first visit, compressed, with headers."""


class Call(NamedTuple):
    """A call of a page that reached the server."""

    url: str
    status: int
    size: int
    """Bytes of the response on the wire, with headers."""
    compressed: bool


def calls_of(shown: Page) -> list[Call]:
    """The calls of a page, as its browser counts them. A call that the browser answers from its cache is none."""
    found = shown.evaluate(
        """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
            .filter((e) => e.name.startsWith("http") && e.transferSize > 0)
            .map((e) => [e.name, e.responseStatus, e.transferSize, e.encodedBodySize < e.decodedBodySize])"""
    )
    return [Call(*each) for each in found]


@pytest.fixture(scope="module")
def lambda_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the package, run as on Lambda behind API Gateway."""
    port = loaded_port(PACKED_MODEL.parent)
    with running(["make", "lambda", f"PORT={port}"], port, tmp_path_factory.mktemp("lambda") / "output"):
        yield f"http://{HOST}:{port}/"


@pytest.mark.parametrize("transport", ["app_url", pytest.param("lambda_url", marks=pytest.mark.alone)])
def test_a_visit_is_three_calls_and_then_one(request: pytest.FixtureRequest, open_page: Open, transport: str) -> None:
    # GIVEN a browser that has not been to the page
    url: str = request.getfixturevalue(transport)
    # WHEN it opens the page
    shown = open_page(url)
    shown.wait_for_load_state("networkidle")
    expect(shown.get_by_text("Choose a photo of an animal")).to_be_visible()
    # THEN the page is three calls, all compressed; on Lambda API Gateway does that, but not the simulated one
    first, compresses = calls_of(shown), transport == "app_url"
    assert [(each.status, each.compressed) for each in first] == [(200, compresses)] * 3, first
    assert sum(each.size for each in first) < BUDGET or not compresses
    print(f"{transport}: {len(first)} calls, {sum(each.size for each in first)} bytes")
    # WHEN a photo is identified THEN that is the only further call, and the map is there
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#answer-map .land")).to_be_visible()
    assert [urlsplit(each.url).path.rpartition("/")[2] for each in calls_of(shown)[3:]] == ["identify"]
    # WHEN the page is opened again in another tab
    tab = shown.context.new_page()
    tab.goto(url, wait_until="networkidle")
    expect(tab.get_by_text("Choose a photo of an animal")).to_be_visible()
    # THEN only the HTML is loaded
    again = calls_of(tab)
    assert [each.url for each in again] == [url]
    print(f"{transport} again: {len(again)} calls, {again[0].size} bytes")
