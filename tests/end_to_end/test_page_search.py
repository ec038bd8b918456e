"""A place is found by name, by finger and by keyboard, and without a network."""

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browsing import PHONE, Identified
from tests.end_to_end.stand import Stand
from tests.end_to_end.test_page_place import FIELD, asked_for_place


def test_a_place_that_is_pressed_answers_again(stand: Stand, identified: Identified) -> None:
    # GIVEN the question where a photo was taken
    asked: list[str] = []
    shown = asked_for_place(
        stand,
        identified,
        before=lambda page: page.on("request", lambda each: asked.append(each.url)),
        viewport=PHONE,
        has_touch=True,
    )
    # WHEN a name is typed and its place pressed
    shown.get_by_label(FIELD).press_sequentially("kruger")
    option = shown.get_by_role("option", name="Kruger National Park")
    expect(option).to_contain_text("South Africa · nature reserve")
    option.tap()
    # THEN the photo is identified again there, and that can be undone
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert stand.sent[-1].query == {"lat": "-24.00", "lon": "31.50"}
    expect(shown.get_by_role("button", name="Undo")).to_be_visible()
    # AND only lists were loaded, once each
    lists = [url.rpartition("/")[2].split("-")[0] for url in asked if ".txt" in url]
    assert lists == ["places"] * 2
    assert not any("kruger" in url.lower() for url in asked)


def test_the_keyboard_finds_and_picks_a_place(stand: Stand, identified: Identified) -> None:
    # GIVEN names that somebody looks for
    shown = asked_for_place(stand, identified)
    field, options = shown.get_by_label(FIELD), shown.get_by_role("option")
    expect(field).to_be_focused()
    field.press_sequentially("springfield")
    expect(options).to_have_count(8)
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(shown.locator("#place-found")).to_have_text("8 places were found. The arrow keys select one.")
    # WHEN the list is closed and opened again THEN it is as before
    field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    field.press("ArrowDown")
    expect(options).to_have_count(8)
    # WHEN an option is selected THEN screen readers hear it
    for _ in range(2):
        field.press("ArrowDown")
    active = shown.locator("[aria-selected=true]")
    expect(active).to_have_count(1)
    expect(field).to_have_attribute("aria-activedescendant", "place-1")
    expect(active).to_contain_text("Massachusetts, United States")
    # AND Enter picks it
    field.press("Enter")
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert stand.sent[-1].query == {"lat": "42.10", "lon": "-72.60"}


@pytest.mark.firefox
def test_a_large_place_is_shown_on_the_map_first(stand: Stand, identified: Identified) -> None:
    # WHEN a country is picked
    shown = asked_for_place(stand, identified)
    shown.get_by_label(FIELD).fill("germany")
    expect(shown.get_by_role("option").first).to_contain_text("Germany")
    shown.keyboard.press("Enter")
    # THEN the map shows it, and nothing is sent yet
    expect(shown.locator("#place-hint")).to_have_text("Germany is large. Select where in it, or use the middle.")
    expect(shown.locator("#place-world")).to_be_visible()
    expect(shown.locator("#place-map")).to_be_focused()
    assert len(stand.sent) == 1
    # WHEN one leaves it at that THEN the middle is used
    shown.keyboard.press("Enter")
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert float(stand.sent[-1].query["lat"]) == pytest.approx(51, abs=1)


def test_what_is_no_place_is_not_sent(stand: Stand, identified: Identified) -> None:
    shown = asked_for_place(stand, identified)
    for typed, part, says in (
        ("91, 181", "problem", "latitude from -90 to 90"),
        ("52,5 12", "problem", ""),
        ("https://maps.app.goo.gl/abc", "problem", "This short link does not contain"),
        ("xyzzyq", "found", "No place with this name is in the list."),
        ("Cologna", "found", "No place has exactly this name."),
    ):
        shown.get_by_label(FIELD).fill(typed)
        shown.keyboard.press("Enter")
        expect(shown.locator(f"#place-{part}")).to_contain_text(says)
        expect(shown.locator(f"#place-{part}")).to_be_visible()
    assert len(stand.sent) == 1
    # WHEN coordinates are typed in its place THEN they are sent
    shown.get_by_label(FIELD).fill("52,5 12,0")
    shown.keyboard.press("Enter")
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert stand.sent[-1].query == {"lat": "52.50", "lon": "12.00"}


def test_without_the_list_coordinates_and_map_remain_until_it_is_loaded(stand: Stand, identified: Identified) -> None:
    # GIVEN no network for the list
    shown = asked_for_place(stand, identified, before=lambda page: page.route("**/*.txt", lambda route: route.abort()))
    shown.get_by_label(FIELD).fill("nairob")
    expect(shown.locator("#place-found")).to_contain_text("The list of places could not be loaded.")
    # WHEN there is one THEN the next letter finds the place
    shown.unroute("**/*.txt")
    shown.get_by_label(FIELD).press_sequentially("i")
    expect(shown.get_by_role("option").first).to_contain_text("Nairobi")
    # WHEN there is none again THEN other names are found, too
    shown.context.set_offline(True)
    shown.get_by_label(FIELD).fill("amboseli")
    expect(shown.get_by_role("option").first).to_contain_text("Amboseli National Park")
