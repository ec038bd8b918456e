"""From a photo in the browser through the whole app: model, PostgreSQL and Valkey are real."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import Open, photo

BUDGET = 60_000
"""Bytes of the HTML, the script and the style sheet of a first visit, compressed, with headers."""
# Those that the browser answers from its cache have no size.
CALLS = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
    .filter((e) => e.name.startsWith("http") && e.transferSize > 0)
    .map((e) => [e.name, e.responseStatus, e.transferSize, e.encodedBodySize < e.decodedBodySize])"""


def test_the_whole_app_answers_with_the_place_of_the_photo_in_few_calls(app_url: str, open_page: Open) -> None:
    # GIVEN a browser that has not been to the page WHEN it opens it THEN that is three calls, all compressed
    shown = open_page(app_url)
    shown.wait_for_load_state("networkidle")
    first = shown.evaluate(CALLS)
    assert [(status, compressed) for _, status, _, compressed in first] == [(200, True)] * 3, first
    assert sum(size for _, _, size, _ in first) < BUDGET
    # WHEN it is shown a photo that was taken in Sydney
    shown.set_input_files("#pick", photo())
    # THEN it answers, with the cell, and not with the coordinates; and that is one more call
    expect(shown.locator("#answer-map .land")).to_be_visible()
    assert [urlsplit(each[0]).path for each in shown.evaluate(CALLS)[3:]] == ["/identify"]
    expect(shown.locator("#where")).to_contain_text("(Australia), from the photo’s GPS data")
    expect(shown.locator("#narrowing")).to_contain_text("animals known to live there were preferred")
    expect(shown.locator("#name")).to_have_text(re.compile(r"\w"))
    shown_of_it = re.sub(r' d="[^"]*"', "", shown.content())  # but the outlines of all countries
    assert not {"33.86", "151.20", "33.87", "151.21"} & set(re.findall(r"\d+\.\d\d", shown_of_it))
    # AND it knows who lives there
    shown.get_by_text("Which animals live there?").click()
    expect(shown.locator("#animals-list li", has_text="koala").first).to_contain_text("Phascolarctos cinereus")
    # WHEN the page is opened again in another tab THEN only the HTML is loaded
    tab = shown.context.new_page()
    tab.goto(app_url, wait_until="networkidle")
    assert [each[0] for each in tab.evaluate(CALLS)] == [app_url]


def test_the_whole_app_shows_where_an_animal_lives_and_what_it_knows(app_url: str, open_page: Open) -> None:
    # GIVEN the whole app, and a photo that shows a koala
    shown = open_page(app_url)
    shown.route("**/identify*", lambda route: route.fulfill(json=answers.koala()))
    shown.set_input_files("#pick", photo())
    # THEN its range, its facts and what the models know are those of the data
    shown.locator("#answer-map").scroll_into_view_if_needed()
    expect(shown.locator("#answer-map path.native").first).to_be_visible()
    shown.get_by_role("link", name="More about: koala").click()
    expect(shown.locator("#guide dd").first).to_contain_text("Queensland")
    expect(shown.locator("#guide svg path.native").first).to_be_attached()
    expect(shown.get_by_role("link", name="Wikipedia")).to_be_visible()
    # AND an old name finds the taxon of today, which lists that name
    shown.goto(f"{app_url}#find=Calocitta+formosa")
    shown.get_by_role("link", name="White-throated magpie-jay").click()
    expect(shown.locator("#guide dl")).to_contain_text("Also calledCalocitta formosa")
    shown.get_by_text("What Faunalens knows").click()
    shown.get_by_text(re.compile("^reptiles: ")).click()
    expect(shown.locator("#knowledge li", has_text="Komodo dragon")).to_be_visible()


def test_the_app_speaks_the_browsers_language_until_one_is_chosen(app_url: str, open_page: Open) -> None:
    # GIVEN a French browser, even without JavaScript WHEN it opens the page THEN that is in French
    shown = open_page(app_url, locale="fr-CA", java_script_enabled=False)
    expect(shown.locator("html")).to_have_attribute("lang", "fr")
    # WHEN German is chosen THEN the page is in German, and stays so
    shown.locator(".languages summary").click()
    shown.get_by_role("link", name="Deutsch").click()
    expect(shown.locator("html")).to_have_attribute("lang", "de")
    shown.goto(app_url)
    expect(shown.locator("html")).to_have_attribute("lang", "de")
    expect(shown.get_by_role("link", name="Deutsch", include_hidden=True)).to_have_attribute("aria-current", "true")
