"""What one visit to the page costs: its calls and bytes, counted by a real browser on both transports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from local.lambda_sim.__main__ import PACKED_MODEL
from local.stack.ports import HOST
from tests.end_to_end.browsing import Open, photo
from tests.end_to_end.running import loaded_port, running

BUDGET = 60_000
"""Bytes of the HTML, the script and the style sheet of a first visit, compressed, with headers."""


@dataclass
class Traffic:
    """The calls of a page that reach the server. A call that the browser answers from its cache is none."""

    urls: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    codings: list[str] = field(default_factory=list)
    size: int = 0
    """Bytes of the responses on the wire, with headers."""
    _cached: set[str] = field(default_factory=set)

    def count(self, shown: Page) -> None:
        """Count the calls of a page from now on."""
        session = shown.context.new_cdp_session(shown)
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on("Network.responseReceived", self._responded)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def _responded(self, event: dict[str, Any]) -> None:
        response = event["response"]
        cached = event["requestId"] in self._cached or response["fromDiskCache"]
        if response["url"].startswith("http") and not cached:
            self.urls[event["requestId"]] = response["url"]
            self.statuses.append(response["status"])
            self.codings.append({k.lower(): v for k, v in response["headers"].items()}.get("content-encoding", ""))

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.urls:
            self.size += int(event["encodedDataLength"])


@pytest.fixture(scope="module")
def lambda_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the package, run as on Lambda behind API Gateway."""
    port = loaded_port(PACKED_MODEL.parent)
    with running(["make", "lambda", f"PORT={port}"], port, tmp_path_factory.mktemp("lambda") / "output"):
        yield f"http://{HOST}:{port}/"


@pytest.mark.parametrize("transport", ["app_url", pytest.param("lambda_url", marks=pytest.mark.alone)])
def test_a_visit_is_three_calls_and_the_next_is_one(
    request: pytest.FixtureRequest, open_page: Open, transport: str
) -> None:
    # GIVEN a browser that has not been to the page
    url: str = request.getfixturevalue(transport)
    first, again = Traffic(), Traffic()
    # WHEN it opens the page
    shown = open_page(url, before=first.count)
    shown.wait_for_load_state("networkidle")
    expect(shown.get_by_text("Choose a photo of an animal")).to_be_visible()
    # THEN the page is three calls, all compressed
    assert len(first.urls) == 3, first
    assert first.statuses == [200] * 3
    assert first.codings == ["gzip"] * 3
    assert first.size < BUDGET
    print(f"{transport}: {len(first.urls)} calls, {first.size} bytes")
    # WHEN a photo is identified THEN that is the only further call, and the map is there
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#answer-map .land")).to_be_visible()
    assert [urlsplit(each).path.rpartition("/")[2] for each in list(first.urls.values())[3:]] == ["identify"]
    # WHEN the page is opened again in another tab
    tab = shown.context.new_page()
    again.count(tab)
    tab.goto(url, wait_until="networkidle")
    expect(tab.get_by_text("Choose a photo of an animal")).to_be_visible()
    # THEN only the HTML is loaded
    assert list(again.urls.values()) == [url]
    print(f"{transport} again: {len(again.urls)} calls, {again.size} bytes")
