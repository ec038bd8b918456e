"""The page answers without a place, and takes one in each of the ways to say it: also by name."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Identified, box_of, photo, problem
from tests.end_to_end.stand import Stand
from tests.support import pictures

HOME = {"latitude": -33.868512, "longitude": 151.209349}
FIELD = "A town, park, island or country"


def _answered_alone(stand: Stand, identified: Identified, **options: Any) -> Page:
    """A page with an answer from the photo alone; the next one knows the place."""
    shown = identified(answers.alone(), photos=photo(pictures.jpeg()), **options)
    expect(shown.locator("#answer")).to_be_visible()
    stand.tell(answers.koala())
    return shown


def asked_for_place(stand: Stand, identified: Identified, **options: Any) -> Page:
    """A page that asks where a photo was taken; the next answer knows the place."""
    shown = _answered_alone(stand, identified, **options)
    shown.get_by_role("button", name="Add the place").first.click()
    expect(shown.locator("#place")).to_be_visible()
    expect(shown.locator("#place-map .land")).to_be_attached()  # the form is loaded at the first question
    return shown


@pytest.mark.firefox
def test_a_photo_without_a_place_is_answered_at_once_and_again_with_one(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo without a position WHEN it is chosen THEN it is identified without a place
    shown = _answered_alone(stand, identified)
    assert [each.query for each in stand.sent] == [{"location": "none"}]
    # AND the page says what the place would do
    expect(shown.locator("#add-place")).to_contain_text("The place would narrow it down.")
    # WHEN it is added
    shown.locator("#add").click()
    shown.get_by_label(FIELD).fill("48.8584, 2.2945")
    shown.keyboard.press("Enter")
    # THEN the photo is identified again with it, and the page says so
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    expect(shown.locator("#add-place")).to_be_hidden()
    expect(shown.locator("#status")).to_contain_text("The place was added. Almost certain: koala")
    assert stand.sent[-1].query == {"lat": "48.86", "lon": "2.29"}
    assert stand.sent[-1].body == stand.sent[0].body
    # WHEN the place is left out THEN that can be undone, without another request
    stand.tell(answers.alone(candidates=()))
    shown.get_by_role("button", name="Choose another place").click()
    shown.get_by_role("button", name="Continue without the place").click()
    expect(shown.locator("#changed-words")).to_have_text("The place was left out.")
    shown.get_by_role("button", name="Undo").click()
    expect(shown.locator("#where")).to_contain_text("from the photo’s GPS data")
    expect(shown.locator("#changed")).to_be_hidden()
    assert len(stand.sent) == 3


def test_a_place_that_is_given_before_its_form_is_loaded_is_used(stand: Stand, identified: Identified) -> None:
    # GIVEN an answer without a place, and a slow network
    shown = _answered_alone(stand, identified)
    held = list[Route]()
    shown.route(re.compile(r"/web/place-"), lambda route: held.append(route))
    # WHEN one types a place and presses Enter before the form is there
    shown.locator("#add").click()
    shown.get_by_label(FIELD).fill("48.8584, 2.2945")
    shown.keyboard.press("Enter")
    expect(shown.locator("#place")).to_be_visible()
    assert held
    # THEN the place is used as soon as it is
    for route in held:
        route.continue_()
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")


def test_the_place_of_the_device_is_rounded(stand: Stand, identified: Identified) -> None:
    # GIVEN a device that may not say where it is THEN there are the other ways
    shown = asked_for_place(stand, identified, geolocation=HOME)
    shown.get_by_role("button", name="Use my position").click()
    expect(shown.locator("#place-problem")).to_contain_text("does not share its location")
    # WHEN one would rather leave it THEN the answer is there again, without another request
    shown.get_by_role("button", name="Back", exact=True).click()
    expect(shown.locator("#name")).to_be_visible()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert len(stand.sent) == 1
    # WHEN the device may say it THEN it is rounded
    shown.context.grant_permissions(["geolocation"])
    shown.get_by_role("button", name="Add the place").first.click()
    shown.get_by_role("button", name="Use my position").click()
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert stand.sent[-1].query == {"lat": "-33.87", "lon": "151.21"}


def test_a_place_can_be_pressed_on_the_map(stand: Stand, identified: Identified) -> None:
    # GIVEN the question where the photo was taken
    shown = asked_for_place(stand, identified, viewport=PHONE)
    world = shown.locator("#place-map")
    box = box_of(world)
    # WHEN the middle of the map is pressed, that is the Gulf of Guinea, and once more close up
    world.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(shown.locator("#place-hint")).to_have_text("Select again to be more exact.")
    world.click(position={"x": box["width"] / 2 + box["width"] / 4, "y": box["height"] / 2})
    # THEN a quarter of a quarter of the equator to the east is 22.5°, and that is what is asked for
    shown.get_by_role("button", name="Use this place").click()
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert float(stand.sent[-1].query["lat"]) == pytest.approx(0, abs=1.5)
    assert float(stand.sent[-1].query["lon"]) == pytest.approx(22.5, abs=1.5)


def test_a_closer_look_has_borders_and_names_and_can_be_moved(stand: Stand, identified: Identified) -> None:
    shown = asked_for_place(stand, identified)
    expect(shown.locator("#place-in")).to_be_visible()
    assert "borders" not in " ".join(loaded(shown))
    # WHEN one looks closer at the Gulf of Guinea THEN the data for that are loaded, once
    for _ in range(2):
        shown.click("#place-in")
    expect(shown.locator("#place-map .names text", has_text="Nigeria")).to_be_visible()
    assert len([each for each in loaded(shown) if "borders" in each]) == 1
    # WHEN the map is dragged to the west THEN what was there goes, and nothing is selected
    world = shown.locator("#place-map")
    world.scroll_into_view_if_needed()
    box = box_of(world)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    shown.mouse.move(x, y)
    shown.mouse.down()
    shown.mouse.move(x - 0.4 * box["width"], y, steps=5)
    shown.mouse.up()
    expect(shown.locator("#place-map .names text", has_text="Seychelles")).to_be_visible()
    expect(shown.locator("#place-name")).to_have_value("")
    expect(shown.locator("#place-here")).to_be_hidden()
    # WHEN a place is selected THEN the green button uses it
    world.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(shown.locator("#place-here")).to_have_class("primary")
    expect(shown.locator("#place-device")).not_to_have_class("primary")
    shown.click("#place-world")
    expect(shown.locator("#place-map .names text")).to_have_count(0)


def loaded(shown: Page) -> list[str]:
    """The addresses that a page has loaded."""
    found: list[str] = shown.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    return found


@pytest.mark.firefox
def test_the_map_takes_the_keyboard(stand: Stand, identified: Identified) -> None:
    # GIVEN the question where the photo was taken
    shown = asked_for_place(stand, identified)
    # WHEN the mark is moved with arrows, first on the whole map, then close up
    shown.locator("#place-map").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "+", "ArrowDown"):
        shown.keyboard.press(key)
    # THEN what it says is read aloud, and Enter uses it
    expect(shown.locator("#place-hint")).to_have_text("2.5, -10.0")
    shown.keyboard.press("-")
    expect(shown.locator("#place-world")).to_be_hidden()
    shown.keyboard.press("Enter")
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert stand.sent[-1].query == {"lat": "2.50", "lon": "-10.00"}


def test_an_api_that_wants_a_place_gets_one_and_a_failure_with_another_keeps_the_answer(
    stand: Stand, identified: Identified
) -> None:
    # GIVEN an API that refuses a place
    shown = identified(*problem("location_invalid", 422))
    expect(shown.locator("#place-heading")).to_have_text("This place is not valid")
    expect(shown.locator("#place-back")).to_be_hidden()
    # WHEN one goes on without it THEN there is an answer
    stand.tell(answers.alone())
    shown.get_by_role("button", name="Continue without the place").click()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert stand.sent[-1].query == {"location": "none"}
    # WHEN a place is added, and that fails THEN the answer is there again
    stand.tell(*problem("unavailable", 503))
    shown.get_by_role("button", name="Add the place").first.click()
    shown.get_by_label(FIELD).fill("48.8584, 2.2945")
    shown.keyboard.press("Enter")
    expect(shown.locator("#problem-heading")).to_have_text("Temporarily unavailable")
    shown.locator("#problem-back").click()
    expect(shown.locator("#name")).to_be_visible()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # AND a photo that shows no animal needs no place
    for subject, name in (("none", "No animal"), ("person", "The photo shows a person")):
        stand.tell_of(shown, answers.alone(prediction=None, subject=subject), file=photo(pictures.jpeg()))
        expect(shown.locator("#name")).to_have_text(name)
        expect(shown.get_by_role("button", name="Add the place")).to_have_count(0)


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
def test_what_is_no_place_is_not_sent_and_a_large_one_is_shown_first(stand: Stand, identified: Identified) -> None:
    shown = asked_for_place(stand, identified)
    for typed, part, says in (
        ("91, 181", "problem", "latitude from -90 to 90"),
        ("52,5 12", "problem", "latitude from -90 to 90"),
        ("https://maps.app.goo.gl/abc", "problem", "This short link does not contain"),
        ("xyzzyq", "found", "No place with this name is in the list."),
        ("Cologna", "found", "No place has exactly this name."),
    ):
        shown.get_by_label(FIELD).fill(typed)
        shown.keyboard.press("Enter")
        expect(shown.locator(f"#place-{part}")).to_contain_text(says)
        expect(shown.locator(f"#place-{part}")).to_be_visible()
        # AND only one thing is said of it
        expect(shown.locator(f"#place-{'found' if part == 'problem' else 'problem'}")).to_be_empty()
    assert len(stand.sent) == 1
    # WHEN a country is picked, far from what is looked at closely, THEN the map shows it, and nothing is sent yet
    for _ in range(5):
        shown.click("#place-in")
    shown.get_by_label(FIELD).fill("germany")
    expect(shown.get_by_role("option").first).to_contain_text("Germany")
    shown.keyboard.press("Enter")
    expect(shown.locator("#place-hint")).to_have_text("Germany is large. Select where in it, or use the middle.")
    expect(shown.locator("#place-map .names text", has_text="Germany")).to_be_attached()
    expect(shown.locator("#place-map")).to_be_focused()
    assert len(stand.sent) == 1
    # WHEN one leaves it at that THEN the middle is used
    shown.keyboard.press("Enter")
    expect(shown.locator("#changed-words")).to_have_text("The place was added.")
    assert float(stand.sent[-1].query["lat"]) == pytest.approx(51, abs=1)


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
