"""The dashboards in a real browser, over the whole simulated day: everything draws, and can be used by everybody."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Locator, Page, expect

from cloudwatch.preview.pages import Pages
from cloudwatch.preview.recording import Recording
from cloudwatch.preview.render import write_pages
from cloudwatch.preview.server import PATH
from cloudwatch.preview.server import Page as Served
from cloudwatch.project import DASHBOARDS
from cloudwatch.simulation import day
from cloudwatch.simulation.command import write_day
from local.http.handler import Server
from local.stack.ports import HOST
from tests.end_to_end.browsing import PHONE, Open

NAMES = ("service", "features", "model", "cost")
CARDS = """cards => cards.map(card => {
    const canvas = card.querySelector("canvas");
    const text = card.querySelector(".written");
    const ink = new Set();
    if (canvas) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (const pixel of new Uint32Array(data.buffer)) if (pixel >>> 24 > 200) ink.add(pixel & 0xe0e0e0);
    }
    return {
        told: card.innerText, state: card.dataset.state, drawn: Boolean(canvas), ink: ink.size,
        cut: text && card.classList.contains("text") ? text.scrollHeight - text.clientHeight : 0,
    };
})"""
"""Of each card: what it says, how many colours its chart has, and how much of its text is out of sight. In one go."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages over the simulated day."""
    path = tmp_path_factory.mktemp("day") / "day.jsonl"
    write_day(path)
    with closing(Recording(path, "A simulated day", begin=day.START)) as recording:
        yield Pages(recording)


@pytest.fixture(scope="module")
def url(pages: Pages) -> Iterator[str]:
    """Where they are served."""
    with Server((HOST, 0), partial(Served, pages=pages)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://{HOST}:{server.server_port}{PATH}"
        server.shutdown()
        thread.join()


def drawn(page: Page) -> Page:
    """The page, once its data are there."""
    expect(page.locator("main")).to_have_attribute("aria-busy", "false", timeout=30_000)
    return page


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_each_fault_of_the_day_fires_its_own_alarms_and_nothing_else_does(pages: Pages) -> None:
    # GIVEN the states of all alarms over the day
    alarms = pages.data("overview", {})["alarms"]
    fired = {
        (alarm["name"], (period["from"] / 1e3 - day.START) / 60)
        for alarm in alarms
        for period in alarm["periods"]
        if period["state"] == "ALARM" and alarm["name"] != "ticket"
    }
    # THEN each was there soon after what it watches for had begun
    causes = {
        "lambda-throttles": day.CROWD,
        "database-errors": day.DATABASE_DOWN,
        "degraded": day.DATABASE_DOWN,
        "cache-errors": day.REDIS_DOWN,
        "warming-faults": day.REDIS_DOWN,
        "warming-silent": day.WARMING_SILENT,
    }
    assert {name for name, _ in fired} == {*causes, "breaker-open"}
    for name, minute in fired:
        windows = [causes[name]] if name in causes else [day.DATABASE_DOWN, day.REDIS_DOWN]
        assert any(0 < minute - window.start < window.length + 10 for window in windows), (name, minute)
    # THEN nobody was woken: users noticed little
    assert {alarm["state"] for alarm in alarms} == {"OK"}


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_of_every_dashboard_draws(name: str, url: str, open_page: Open) -> None:
    # GIVEN a dashboard of the simulated day (the fixture fails on any error of the console)
    page = drawn(open_page(f"{url}{name}"))
    cards = page.locator(".card").evaluate_all(CARDS)
    # THEN each widget of the file is there, with neither an error nor a blank
    assert len(cards) == len(json.loads((DASHBOARDS / f"{name}.json").read_text())["widgets"])
    assert [card["told"] for card in cards if card["state"] != "ok"] == []
    # THEN each chart has ink of more than its axes
    assert any(card["drawn"] for card in cards)
    assert [card["told"] for card in cards if card["drawn"] and card["ink"] < 3] == []
    # THEN no text is cut off
    assert [card["told"] for card in cards if card["cut"] > 1] == []
    # WHEN the screen is a phone's, THEN nothing is wider than it
    page.set_viewport_size(PHONE)
    expect(page.locator("html")).to_have_js_property("scrollWidth", PHONE["width"])


def test_the_overview_leads_to_each_dashboard_and_tells_how_its_alarms_stand(url: str, open_page: Open) -> None:
    page = drawn(open_page(url))
    tiles = page.locator(".tiles li")
    assert [each.locator("a").inner_text().lower() for each in tiles.all()] == list(NAMES)
    for tile in tiles.all():
        assert re.search(r"\d+ (ok|in alarm|insufficient data)|No alarms", tile.inner_text())
    page.locator(".tiles a").last.click()
    expect(drawn(page).get_by_role("heading", level=1)).to_contain_text("cost")


def test_an_alarm_leads_to_its_section_of_the_runbook(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}features?range=1h"))
    page.locator(".alarm a", has_text="cache-errors").click()
    drawn(page)
    heading = page.locator("#cache-errors")
    expect(heading).to_be_in_viewport()
    assert heading.inner_text() == "cache-errors"


def test_a_curve_can_be_hidden_and_the_chart_read_as_a_table_with_the_keyboard(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}service?range=1h"))
    chart = card(page, "Identification, as the app measures it")
    # WHEN a curve is hidden with the keyboard
    key = chart.locator(".legend button").first
    key.focus()
    page.keyboard.press("Enter")
    # THEN it says so, and the curve is gone
    expect(key).to_have_attribute("aria-pressed", "false")
    series = chart.locator(".canvas").evaluate(
        "each => echarts.getInstanceByDom(each).getOption().series.map(({ name }) => name)"
    )
    assert key.locator("span").last.inner_text() not in series
    # WHEN the chart is asked for as a table
    chart.get_by_role("button", name=re.compile("as a table")).focus()
    page.keyboard.press("Enter")
    # THEN every value stands there with its unit
    table = chart.get_by_role("table")
    expect(table.get_by_role("columnheader").first).to_have_text("Time (UTC)")
    assert re.search(r"\d (ms|s)", table.inner_text())
    assert table.get_by_role("row").count() > 50
    # WHEN it is asked for as a chart again, THEN it is one
    page.keyboard.press("Enter")
    expect(chart.locator("canvas").first).to_be_visible()


def test_the_time_range_can_be_chosen_and_stays_in_the_address(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}model?range=3h"))
    # THEN screen readers are told how alarms stand, and not what time it is
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^✓ \d+ ok$"))
    # WHEN another is chosen, THEN it is shown
    page.get_by_role("combobox", name="Time range").select_option("1h")
    expect(page.locator("#source")).to_contain_text("23:00 –")
    assert "range=1h" in page.url
    expect(page.get_by_role("combobox", name="Stage")).to_have_value("prod")
    # WHEN it is to end earlier, THEN it does
    page.get_by_label("Until, UTC").fill("2026-06-01T16:10")
    expect(page.locator("#source")).to_contain_text("15:10 – 16:10 UTC")


@pytest.mark.parametrize("name", ["", "service", "runbook"])
def test_on_a_phone_nothing_is_wider_than_the_screen(name: str, url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}{name}?range=1h", viewport=PHONE))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_in_the_dark_the_page_is_dark(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}cost?range=1h", color_scheme="dark"))
    red, green, blue = (
        int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]
    )
    assert red + green + blue < 150


def test_what_is_not_there_is_told(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}service?range=forever"))
    expect(page.get_by_role("alert").first).to_contain_text("there is no time range 'forever'")


def test_rendered_pages_open_from_disk(pages: Pages, tmp_path: Path, open_page: Open) -> None:
    # GIVEN pages written to a folder
    written = write_pages(pages, tmp_path, {"range": "1h"})
    assert {path.name for path in written} == {"index.html", "runbook.html", *(f"{name}.html" for name in NAMES)}
    # WHEN one is opened without any server
    page = drawn(open_page((tmp_path / "cost.html").as_uri()))
    # THEN it draws, and its links lead to its neighbours
    assert page.locator('.card[data-state="error"]').count() == 0
    page.get_by_role("link", name="model", exact=True).click()
    expect(drawn(page).get_by_role("heading", level=1)).to_contain_text("model")
