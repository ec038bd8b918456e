"""The dashboards in a real browser over the simulated day: every widget draws, and keyboard and phone work."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboards.preview.pages import Pages
from dashboards.preview.recording import Recording
from dashboards.preview.server import simulated_day
from dashboards.project import DASHBOARDS
from dashboards.simulation import schedule
from dashboards.simulation.day import lines
from tests.end_to_end.browsing import PHONE, Open
from tests.integration.dashboards.serving import serving

NAMES = ("service", "web", "features", "model", "batches", "cost")
CARDS = """cards => cards.map(card => {
    const canvas = card.querySelector("canvas");
    const written = card.querySelector(".written");
    const ink = new Set();
    if (canvas) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (const pixel of new Uint32Array(data.buffer)) if (pixel >>> 24 > 200) ink.add(pixel & 0xe0e0e0);
    }
    return {
        text: card.innerText, state: card.dataset.state, drawn: Boolean(canvas), ink: ink.size,
        cut: written && card.classList.contains("text") ? written.scrollHeight - written.clientHeight : 0,
    };
})"""
"""For each card: its text, the number of colors in its chart, and the height of its text that is cut off."""


@pytest.fixture(scope="module")
def pages() -> Pages:
    """The simulated day as `preview` shows it: with its incidents, and open at one of them."""
    return Pages(simulated_day())


@pytest.fixture(scope="module")
def url(pages: Pages) -> Iterator[str]:
    with serving(pages) as url:
        yield url


def drawn(page: Page) -> Page:
    """Return the page once it has drawn its data."""
    expect(page.locator("main")).to_have_attribute("aria-busy", "false", timeout=30_000)
    return page


def assert_fits_a_phone(page: Page) -> None:
    """Fail if something is wider than the screen of a phone."""
    page.set_viewport_size(PHONE)
    expect(page.locator("html")).to_have_js_property("scrollWidth", PHONE["width"])


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_each_fault_of_the_day_fires_its_own_alarms_and_nothing_else_does(pages: Pages) -> None:
    # GIVEN the states of all alarms over the day
    alarms = pages.data("overview", {"range": "all"})["alarms"]
    fired = {
        (alarm["name"], (period["from"] / 1e3 - schedule.START) / 60)
        for alarm in alarms
        for period in alarm["periods"]
        if period["state"] == "ALARM" and not alarm["name"].endswith("ticket")
    }
    # THEN each fired soon after its cause began, and the page alarm never did
    down = (schedule.DATABASE_DOWN, schedule.REDIS_DOWN)
    causes = dict.fromkeys(("lambda-throttles", "web-invoke-faults"), (schedule.SPIKE,)) | {"breaker-open": down}
    causes |= dict.fromkeys(("database-errors", "degraded"), down[:1])
    causes |= dict.fromkeys(("cache-errors", "warming-faults"), down[1:])
    causes |= {"warming-silent": (schedule.WARMING_SILENT,)}
    assert {name for name, _ in fired} == causes.keys()
    for name, minute in fired:
        assert any(0 < minute - window.start < window.length + 10 for window in causes[name]), (name, minute)
    assert {alarm["state"] for alarm in alarms} == {"OK"}


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_of_every_dashboard_draws(name: str, url: str, open_page: Open) -> None:
    # GIVEN a dashboard of the simulated day (the fixture fails on any error of the console)
    page = drawn(open_page(f"{url}{name}?range=all"))
    cards = page.locator(".card").evaluate_all(CARDS)
    # THEN each widget of the file is there, without an error or a blank
    assert len(cards) == len(json.loads((DASHBOARDS / f"{name}.json").read_text())["widgets"])
    assert [card["text"] for card in cards if card["state"] != "ok"] == []
    # THEN each chart draws more than its axes
    assert any(card["drawn"] for card in cards)
    assert [card["text"] for card in cards if card["drawn"] and card["ink"] < 3] == []
    # THEN no text is cut off
    assert [card["text"] for card in cards if card["cut"] > 1] == []
    assert_fits_a_phone(page)


def test_the_overview_leads_to_each_dashboard_and_an_alarm_to_its_runbook(url: str, open_page: Open) -> None:
    page = drawn(open_page(url))
    assert_fits_a_phone(page)
    tiles = page.locator(".tiles li")
    assert [each.locator("a").inner_text().lower() for each in tiles.all()] == list(NAMES)
    for tile in tiles.all():
        assert re.search(r"\d+ (ok|in alarm|insufficient data)|no alarms", tile.inner_text())
    page.locator(".tiles a").nth(2).click()
    expect(drawn(page).get_by_role("heading", level=1)).to_contain_text("features")
    page.locator(".alarm a", has_text="cache-errors").click()
    expect(drawn(page).locator("#cache-errors")).to_be_in_viewport()
    expect(page.locator("#cache-errors")).to_have_text("cache-errors")
    assert_fits_a_phone(page)


def test_a_chart_can_be_read_as_a_table_with_the_keyboard(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}service?range=1h"))
    chart = card(page, "Identification, as the app measures it")
    # WHEN the chart is switched to a table
    chart.get_by_role("button", name=re.compile("as a table")).focus()
    page.keyboard.press("Enter")
    # THEN it lists every value with its unit
    table = chart.get_by_role("table")
    expect(table.get_by_role("columnheader").first).to_have_text("Time (UTC)")
    assert re.search(r"\d (ms|s)", table.inner_text())
    assert table.get_by_role("row").count() > 50
    # WHEN it is switched back, THEN it is a chart
    page.keyboard.press("Enter")
    expect(chart.locator("canvas").first).to_be_visible()


def test_the_time_range_can_be_chosen_and_stays_in_the_address(url: str, open_page: Open) -> None:
    page = drawn(open_page(f"{url}model?range=3h"))
    # THEN the status for screen readers has the alarms and not the time
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^✓ \d+ ok$"))
    # WHEN another range is chosen, THEN it is shown
    page.get_by_role("combobox", name="Time range").select_option("1h")
    expect(page.locator("#source")).to_contain_text("23:00 –")
    assert "range=1h" in page.url
    # WHEN an earlier end is chosen, THEN it is shown
    page.get_by_label("Until, UTC").fill("2026-06-01T16:10")
    expect(page.locator("#source")).to_contain_text("15:10 – 16:10 UTC")
    # WHEN a range is asked for that is none, THEN that is an error
    page.goto(f"{url}service?range=forever")
    expect(drawn(page).get_by_role("alert").first).to_contain_text("there is no time range 'forever'")


def test_incidents_are_links_that_jump_to_their_time(url: str, open_page: Open) -> None:
    # GIVEN the overview, which opens while Redis is down
    page = drawn(open_page(url))
    expect(page.locator('.all-alarms .alarm[data-state="ALARM"]')).not_to_have_count(0)
    incidents = page.get_by_role("navigation", name="Incidents").get_by_role("link")
    assert incidents.count() == len(schedule.incidents())
    # WHEN one is followed
    incidents.filter(has_text="the database is down").click()
    # THEN the dashboard shows that time, with its alarm
    expect(drawn(page).locator("#source")).to_contain_text("15:05 – 16:05 UTC")
    expect(page.locator('.alarm[data-alarm="database-errors"]')).to_have_attribute("data-state", "ALARM")
    expect(incidents.filter(has_text="the database is down")).to_have_attribute("aria-current", "true")
    # THEN another dashboard keeps the time
    page.get_by_role("link", name="features", exact=True).first.click()
    expect(drawn(page).locator("#source")).to_contain_text("15:05 – 16:05 UTC")


def test_an_empty_live_recording_says_once_what_is_missing_until_it_grows(tmp_path: Path, open_page: Open) -> None:
    # GIVEN a server that has recorded nothing, and a browser whose clock the test controls
    path = tmp_path / "metrics.jsonl"
    recording = Recording(path, "The local server", live=True, now=lambda: schedule.START + 1800)
    with serving(Pages(recording)) as url:
        page = open_page(url)
        expect(drawn(page).locator("main")).to_contain_text(re.compile(r"The \d+ alarms have no data"))
        page.clock.install()
        page.goto(f"{url}service")
        # THEN no widget of a dashboard is an empty box, and one note says why
        expect(drawn(page).locator(".collapsed")).to_contain_text("Nothing is recorded yet")
        expect(page.locator(".collapsed")).to_contain_text("Only AWS emits these metrics")
        expect(page.locator('.card[data-state="empty"]:visible, .card[data-state="aws_only"]:visible')).to_have_count(0)
        expect(page.get_by_text("Insufficient data")).to_have_count(0)
        # WHEN requests are recorded THEN the page shows them without a reload
        path.write_text("".join(islice(lines(), 30)))
        page.clock.fast_forward(5000)
        expect(card(page, "Requests a minute").locator(".number dd").first).to_have_text(re.compile(r"\d"))
