"""The report in a browser: charts are drawn, tables are sorted, and no server is asked for anything."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from faunalens.cli.report import page as report_page
from faunalens.tables.summary import summary_of
from tests.support.studies import made_up


def test_a_report_opens_from_disk(open_page: Callable[..., Page], tmp_path: Path) -> None:
    # GIVEN the report of the made-up study, as a file
    with made_up(tmp_path) as study:
        text = report_page(summary_of(study), "Two stations", tmp_path)
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    # WHEN it is opened THEN all charts are drawn
    page = open_page((tmp_path / "report.html").as_uri())
    for chart in ("counts", "hours", "region", "stations", "effort"):
        expect(page.locator(f"#{chart} svg")).to_be_visible()
    # WHEN a heading is clicked THEN the table is sorted by it, numbers as numbers
    rows = page.locator("table.sortable").first.locator("tbody tr td:nth-child(5)")
    head = page.locator("table.sortable").first.get_by_role("button", name="photos")
    head.click()
    ascending = [int(text) for text in rows.all_inner_texts()]
    assert ascending == sorted(ascending)
    # WHEN it is sorted the other way, by the keyboard
    page.keyboard.press("Enter")
    assert [int(text) for text in rows.all_inner_texts()] == ascending[::-1]
    # THEN the contact sheets follow
    names = page.locator("#taxa tbody tr td:first-child").all_inner_texts()
    assert [
        text.split("\n")[0].startswith(name)
        for text, name in zip(page.locator("#sheets section").all_inner_texts(), names, strict=True)
    ]
    # THEN a degree of longitude is drawn shorter than one of latitude, with a scale
    expect(page.locator("#stations svg")).to_contain_text("km")
    # THEN stations have their names, coasts are drawn, and the hours are those of the sun
    expect(page.locator("#stations svg")).to_contain_text("north")
    assert page.locator("#region svg path").count() > 100
    expect(page.locator("#hours svg")).to_contain_text("sunrise")
