"""The map of an answer: where the animal lives, and the cell of the photo."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Identified, Open, box_of, photo, settle
from tests.end_to_end.stand import Stand
from tests.support.records import candidate, possible, predicted

KOALA_RANGE = "phascolarctos-cinereus/range.svg"
EAST = "M895 322l10 20 5 40 -10 20 -25 5 -5 -40z"
SOUTH = "M865 390l8 5 -4 8z"
RANGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 487"><style>path { fill: red }</style>'
    '<script>document.title = "outsmarted"</script><path class="land" d="M0 0h9v9z"/>'
    f'<path class="native" fill-opacity="1" d="{EAST}" onclick="alert()"/>'
    f'<path class="introduced" fill-opacity="0.6" d="{SOUTH}"/></svg>'
)


def _answered(identified: Identified, *answer: Any, **options: Any) -> Page:
    shown = identified(*answer, **options)
    expect(shown.locator("#answer")).to_be_visible()
    return shown


def _asked(stand: Stand) -> list[str]:
    return [each.path.removeprefix("/dev/taxa/") for each in stand.asked]


def test_the_map_shows_where_the_animal_lives_and_the_cell(stand: Stand, identified: Identified) -> None:
    # GIVEN an API that has a map of the koala's range
    stand.taxa[KOALA_RANGE] = RANGE
    # WHEN a photo of a koala is identified THEN the range waits until its map comes into view
    shown = _answered(identified, viewport=PHONE | {"height": 400})
    shown.evaluate("scrollTo(0, 0)")
    settle(shown)
    assert _asked(stand) == []
    shown.locator("#answer-map").scroll_into_view_if_needed()
    # THEN the map has the range in both colours, the cell lies on top of it, and a legend says what they mean
    native, introduced = shown.locator("#answer-map .native"), shown.locator("#answer-map .introduced")
    expect(native).to_have_attribute("d", EAST)
    expect(introduced).to_have_attribute("d", SOUTH)
    assert shown.evaluate("getComputedStyle(document.querySelector('#answer-map .native')).fill") == "rgb(47, 106, 61)"
    expect(shown.locator("#answer-map > :last-child")).to_have_class("cell")
    expect(shown.locator("#range-row")).to_have_text(re.compile(r"^\s*koala\s+native\s+introduced\s*$"))
    expect(shown.locator("#range-row")).to_be_visible()
    # AND screen readers know what it shows
    expect(shown.get_by_role("img", name="World map with the range of koala and the cell of the photo")).to_be_visible()
    # AND Sydney is within the range, which covers the east of Australia
    cell, east = box_of(shown.locator("#answer-map .cell")), box_of(native)
    assert east["x"] < cell["x"] + cell["width"] / 2 < east["x"] + east["width"] * 1.1
    assert east["y"] < cell["y"] + cell["height"] / 2 < east["y"] + east["height"]
    # AND it took one request, of which nothing but the outlines has an effect
    assert _asked(stand) == [KOALA_RANGE]
    assert shown.title() == "Faunalens: which animal is this?"
    expect(shown.locator("#answer-map script, #answer-map style, #answer-map [onclick]")).to_have_count(0)
    # AND zooming in moves the range with the map
    before = east["width"]
    shown.get_by_role("button", name="Zoom in").click()
    assert box_of(native)["width"] == pytest.approx(4 * before, rel=0.1)


def test_without_a_range_the_map_stays_as_it_is(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    for found in (None, "<html>A portal", "", "<svg xmlns='http://www.w3.org/2000/svg'/>"):
        # GIVEN an API that has no map of the range, or something in front of it that answers with something else
        stand.taxa[KOALA_RANGE] = found
        # WHEN the range was asked for
        with shown.expect_response("**/range.svg"):
            shown.set_input_files("#pick", photo())
            shown.locator("#answer-map").scroll_into_view_if_needed()
        # THEN the map shows the cell, says nothing of a range, and nothing mentions a failure
        expect(shown.locator("#answer-map .cell")).to_be_visible()
        expect(shown.locator("#answer-map .native")).to_have_count(0)
        expect(shown.locator("#range-row")).to_be_hidden()
        expect(shown.get_by_role("img", name="World map with the cell of the photo", exact=True)).to_be_visible()


def test_no_range_is_asked_for_that_says_nothing(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    for changes in (
        {"candidates": (candidate("tabby cat", "Felis catus", 0.9, 0.9, "everywhere"),)},
        {"perhaps": (possible("deer", "Cervidae", 0.4),)},
        {"prediction": None},
    ):
        stand.tell(answers.koala(**changes))
        with shown.expect_response("**/identify*"):
            shown.set_input_files("#pick", photo())
        expect(shown.locator("#answer-map .cell")).to_be_visible()
        shown.locator("#answer-map").scroll_into_view_if_needed()
        settle(shown)
    assert _asked(stand) == []
    # AND without a location, the map shows the range alone, if there is one
    stand.tell(answers.alone(candidates=(candidate("koala", "Phascolarctos cinereus", 0.9, 0.9, None),)))
    for found in (RANGE, None):
        stand.taxa[KOALA_RANGE] = found
        with shown.expect_response("**/range.svg"):
            shown.set_input_files("#pick", photo())
        expect(shown.locator("#answer-map .native")).to_have_count(1 if found else 0)
        expect(shown.locator("#answer-world")).to_be_visible(visible=bool(found))
        for part in ("#closer", "#cell-row"):
            expect(shown.locator(part)).to_be_hidden()


@pytest.mark.parametrize("found", [RANGE, None], ids=["a range", "no range"])
def test_nothing_moves_as_a_range_comes(stand: Stand, identified: Identified, found: str | None) -> None:
    # GIVEN an answer whose map is in view, and a range that is on its way
    stand.taxa[KOALA_RANGE] = found
    stand.open_taxa.clear()
    shown = _answered(identified, viewport=PHONE)
    shown.locator("#elsewhere").scroll_into_view_if_needed()
    before = [shown.locator(each).bounding_box() for each in ("#answer-map", "#closer", "#elsewhere")]
    # WHEN it comes, or does not come
    with shown.expect_response("**/range.svg"):
        stand.open_taxa.set()
    expect(shown.locator("#answer-map .native")).to_have_count(1 if found else 0)
    # THEN everything is where it was
    assert [shown.locator(each).bounding_box() for each in ("#answer-map", "#closer", "#elsewhere")] == before


def test_the_range_of_an_earlier_photo_does_not_come_late(stand: Stand, open_page: Open) -> None:
    # GIVEN a range that is on its way
    stand.taxa[KOALA_RANGE] = RANGE
    stand.open_taxa.clear()
    shown = open_page(stand.url)
    with shown.expect_request("**/range.svg"):
        shown.set_input_files("#pick", photo())
    # WHEN another photo is identified before it comes
    cat = (candidate("tabby cat", "Felis catus", 0.9, 0.9, "everywhere"),)
    tabby = predicted("tabby cat", "Felis catus", 0.9, "likely", "breed")
    stand.tell_of(shown, answers.koala(candidates=cat, prediction=tabby))
    expect(shown.locator("#name")).to_have_text("Likely: tabby cat")
    stand.open_taxa.set()
    # THEN the map has no range
    settle(shown)
    expect(shown.locator("#answer-map .native")).to_have_count(0)
