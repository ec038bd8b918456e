"""The page asks where a photo was taken, in each of the ways to say so."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from testing import pictures
from tests.end_to_end import answers
from tests.end_to_end.browsing import DESK, PHONE, Open, photo, problem
from tests.end_to_end.stand import Stand

HOME = {"latitude": -33.868512, "longitude": 151.209349}


def _asked_for_place(stand: Stand, open_page: Open, **options: Any) -> Page:
    stand.tell(*problem("location_missing", 422))
    shown = open_page(stand.url, **options)
    shown.set_input_files("#pick", photo(pictures.jpeg()))
    expect(shown.locator("#place")).to_be_visible()
    stand.tell(answers.koala())
    return shown


def test_a_photo_without_a_place_can_take_the_device_s_rounded(stand: Stand, open_page: Open) -> None:
    shown = _asked_for_place(stand, open_page, geolocation=HOME, permissions=["geolocation"])
    shown.get_by_role("button", name="Use my current location").click()
    expect(shown.locator("#name")).to_have_text("koala")
    assert stand.sent[-1].query == {"lat": "-33.87", "lon": "151.21"}


def test_a_device_that_may_not_tell_leaves_the_other_ways(stand: Stand, open_page: Open) -> None:
    shown = _asked_for_place(stand, open_page)
    shown.get_by_role("button", name="Use my current location").click()
    expect(shown.locator("#place-problem")).to_contain_text("does not share its location")
    shown.get_by_role("button", name="Continue without location").click()
    expect(shown.locator("#name")).to_have_text("koala")
    assert stand.sent[-1].query == {"location": "none"}


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_place_can_be_pressed_on_the_map(stand: Stand, open_page: Open, viewport: Any) -> None:
    # GIVEN the question where the photo was taken
    shown = _asked_for_place(stand, open_page, viewport=viewport)
    world = shown.locator("#place-map")
    box = world.bounding_box()
    assert box is not None
    # WHEN the middle of the map is pressed, that is the Gulf of Guinea, and once more close up
    world.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(shown.locator("#place-hint")).to_have_text("Select again to be more exact.")
    world.click(position={"x": box["width"] / 2 + box["width"] / 4, "y": box["height"] / 2})
    # THEN a quarter of a quarter of the equator to the east is 22.5°, and that is what is asked for
    shown.get_by_role("button", name="Use this location").click()
    expect(shown.locator("#name")).to_have_text("koala")
    assert float(stand.sent[-1].query["lat"]) == pytest.approx(0, abs=1)
    assert float(stand.sent[-1].query["lon"]) == pytest.approx(22.5, abs=1)


def test_typed_coordinates_are_checked_before_they_are_sent(stand: Stand, open_page: Open) -> None:
    shown = _asked_for_place(stand, open_page)
    before = len(stand.sent)
    shown.get_by_label("Latitude").fill("91")
    shown.get_by_label("Longitude").fill("12")
    shown.keyboard.press("Enter")
    expect(shown.locator("#place-problem")).to_contain_text("latitude from -90 to 90")
    assert len(stand.sent) == before
    shown.get_by_label("Latitude").fill("52,5")
    shown.keyboard.press("Enter")
    expect(shown.locator("#name")).to_have_text("koala")
    assert stand.sent[-1].query == {"lat": "52.50", "lon": "12.00"}


def test_the_place_of_an_answer_can_be_changed(stand: Stand, open_page: Open) -> None:
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    shown.get_by_role("button", name="Choose another location").click()
    shown.get_by_role("button", name="Continue without location").click()
    expect(shown.locator("#name")).to_be_visible()
    assert stand.sent[-1].body == stand.sent[0].body
