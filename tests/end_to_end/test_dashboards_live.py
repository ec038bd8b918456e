"""The dashboards on the local server: live, beside the app."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from time import monotonic
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from benchmarks.backends import post
from local.stack.ports import http_get
from tests.end_to_end.browsing import Open
from tests.support.pictures import jpeg

pytestmark = pytest.mark.alone

PHOTO = jpeg(120, 90)
REFRESHED = 5000
"""Milliseconds between refreshes of the page."""


@contextmanager
def user(port: int) -> Iterator[list[int]]:
    """Send photos from ever new places until the end of the block; yield the statuses of the answers so far."""
    over, answers = Event(), list[int]()

    def send_requests() -> None:
        for place in count():
            if over.wait(0.02):
                return
            target = f"/identify?lat={place * 7 % 130 - 60}&lon={place * 11 % 350 - 170}"
            answers.append(post(port, PHOTO, target))

    thread = Thread(target=send_requests)
    thread.start()
    yield answers
    over.set()
    thread.join()


def wait_for_ten_more(answers: list[int]) -> None:
    before, end = len(answers), monotonic() + 20
    while len(answers) < before + 10:
        assert monotonic() < end, "there are no more responses"
        Event().wait(0.05)


def test_numbers_grow_while_the_server_has_requests(app_url: str, open_page: Open) -> None:
    # GIVEN a dashboard of a busy server, in a browser whose clock the test controls
    port = urlsplit(app_url).port
    assert port
    page = open_page(f"{app_url}openapi.json")
    page.clock.install()
    with user(port) as answers:
        wait_for_ten_more(answers)
        page.goto(f"{app_url}dashboards/cost")
        expect(page.locator("#source")).to_contain_text("The local server, live", timeout=30_000)
        number = page.get_by_role("region", name="Identifications", exact=True).locator(".number dd")
        before = number.inner_text()
        # WHEN more requests arrive THEN the page shows them without a reload
        wait_for_ten_more(answers)
        page.clock.fast_forward(REFRESHED)
        expect(number).not_to_have_text(before)
    assert set(answers) == {200}
    # THEN one note says which widgets only AWS could fill, these are not shown empty, and nothing is an error
    assert page.locator('.card[data-state="error"]').count() == 0
    expect(page.locator('.collapsed [data-state="aws_only"]')).to_contain_text("Only AWS emits these metrics")
    expect(page.locator('.card[data-state="aws_only"]:visible')).to_have_count(0)
    # THEN the app's own routes still work
    assert json.loads(http_get(port, "/health", 60.0)[2])["status"] in {"ok", "degraded"}
