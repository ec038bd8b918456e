"""The page for everybody: contrast, names of controls, the keyboard, narrow screens, large text, forced colours."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Identified, Open, photo, problem
from tests.end_to_end.stand import Stand
from tests.end_to_end.test_page_several import boxes, guessed
from tests.end_to_end.test_page_words import GROUPS, KOALA, answer_with_relatives

# The luminance and contrast of WCAG 2.2, for every element that shows text of its own.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255];
    };
    const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    return [...document.body.querySelectorAll("*")].filter((e) => hasText(e) && e.checkVisibility()).map((e) => {
        const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
        return [e.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)];
    });
}"""


VIEWS: dict[str, tuple[Any, int]] = {
    "start": (answers.koala(), 200),
    "answer": (answers.koala(), 200),
    "all of an answer": (answer_with_relatives(), 200),
    "boxes of an answer": (boxes(), 200),
    "photos of an answer": (guessed(True, False, True), 200),
    "place": problem("location_missing", 422),
    "names of a place": problem("location_missing", 422),
    "problem": problem("unavailable", 503),
    "many": (answers.koala(), 200),
    "shared answer": (answers.koala(), 200),
    "animal of the guide": (answers.koala(), 200),
    "list of the guide": (answers.koala(), 200),
}
"""What the page may show; the last word is its state. And what the API answers for it."""
# The controls that are smaller than a finger, 44 px. What extends a box of an animal is not part of its size.
SMALL = """() => [...document.querySelectorAll("button, label.button, summary, a, input:not(.unseen), [role=option]")]
    .filter((e) => e.checkVisibility() && !e.closest("#boxes"))
    .map((e) => (e.type === "checkbox" ? e.closest("label") : e))
    .map((e) => [e.innerText || e.id, e.getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 44 || height < 44)
    .map(([text, { width, height }]) => `${text}: ${width} x ${height}`)"""


def _shown(stand: Stand, open_page: Open, view: str, **options: Any) -> Page:
    """A page that shows a view with all that may be in it."""
    stand.keeps = view == "shared answer"
    stand.tell(*VIEWS[view])
    stand.taxa |= {"phascolarctos-cinereus": KOALA, "": GROUPS}
    pages = {"animal of the guide": "#taxon=phascolarctos-cinereus", "list of the guide": "#here=-33.1,150.9"}
    shown = open_page(stand.url + pages.get(view, ""), has_touch=True, **options)
    if view in pages:
        expect(shown.locator("#guide-content li").first).to_be_visible()
    elif view != "start":
        count = {"photos of an answer": 3, "many": 6}.get(view, 1)
        shown.set_input_files("#pick", [photo()] * count)
    expect(shown.locator("body")).to_have_attribute("data-state", view.rpartition(" ")[2])
    if view == "names of a place":
        shown.locator("#place-name").fill("springfield")
        expect(shown.locator("#place-list li")).to_have_count(8)
        shown.keyboard.press("ArrowDown")
    if view == "many":
        expect(shown.locator("#many-grid .sure")).to_have_count(6)
    if view == "shared answer":
        shown.click("#wrong")
        shown.locator("#correct-rows button").nth(1).click()
        shown.click("#history-summary")
        shown.click("#share")
        shown.click("#compare summary")
        expect(shown.locator("#share-go")).to_be_enabled()
        expect(shown.locator("#history-list li")).to_have_count(1)
    if view == "all of an answer":
        for each in shown.locator("summary:visible").all():
            each.click()
        expect(shown.locator("#animals-list li, #knowledge details")).to_have_count(4)
    return shown


@pytest.mark.parametrize("view", VIEWS)
def test_everyone_can_use_it_on_a_phone_and_nothing_overflows_on_any_screen(
    stand: Stand, open_page: Open, view: str
) -> None:
    shown = _shown(stand, open_page, view, viewport=PHONE)
    # THEN axe finds no fault, such as a control without a name
    violations = Axe().run(shown).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []
    # AND by WCAG, text stands out, also where axe does not look
    for scheme in ("dark", "light"):
        shown.emulate_media(color_scheme=scheme)
        contrasts = shown.evaluate(CONTRASTS)
        assert len(contrasts) > 5
        assert [(text, round(ratio, 2)) for text, ratio in contrasts if ratio < 4.5] == [], scheme
    # AND everything is within the screen, and large enough for a finger
    assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert shown.evaluate(SMALL) == []
    # AND so it is with large text, and on large screens
    for width, text in ((320, "200%"), (1280, "200%"), (3840, "")):
        shown.set_viewport_size({"width": width, "height": 900})
        shown.evaluate("size => { document.documentElement.style.fontSize = size; }", text)
        shown.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)


def test_large_text_breaks_between_words(stand: Stand, open_page: Open) -> None:
    # GIVEN text twice as large on the narrowest phone
    shown = _shown(stand, open_page, "shared answer", viewport={"width": 320, "height": 900})
    shown.evaluate("document.documentElement.style.fontSize = '200%'")
    # THEN these are no taller than their words in a line each
    lines = """(e) => {
        const { height } = e.getBoundingClientRect();
        return height / parseFloat(getComputedStyle(e).lineHeight) / e.innerText.trim().split(/\\s+/).length;
    }"""
    for name in ("h1", "header p", "#name", "#sure-words", "#score", "#history-list span"):
        assert shown.locator(name).first.evaluate(lines) < 1.3, name


def test_words_are_hyphenated_on_a_phone_with_text_twice_as_large_alone(stand: Stand, open_page: Open) -> None:
    # GIVEN the page on a phone WHEN the browser's zoom makes all twice as large
    shown = _shown(stand, open_page, "answer", viewport=PHONE)
    hyphens = "getComputedStyle(document.querySelector('#place-heading')).hyphens"
    assert shown.evaluate(hyphens) == "manual"
    shown.set_viewport_size({"width": PHONE["width"] // 2, "height": PHONE["height"] // 2})
    # THEN a word that does not fit is hyphenated; this browser has no dictionary to show it
    assert shown.evaluate(hyphens) == "auto"


def test_forced_colours_keep_bars_and_map_apart(stand: Stand, open_page: Open) -> None:
    # GIVEN a system that forces its colours WHEN an answer is shown
    shown = _shown(stand, open_page, "answer", forced_colors="active")
    # THEN a bar differs from its track, and the land from the sea
    colours = """(parts) => parts.map(([name, property]) => getComputedStyle(document.querySelector(name))[property])"""
    bars = [(".track .bar", "backgroundColor"), (".track", "backgroundColor")]
    parts = [(f"#answer-map .{name}", "fill") for name in ("land", "sea", "cell")]
    bar, track, *areas = shown.evaluate(colours, [*bars, *parts])
    assert (bar != track, len(set(areas))) == (True, 3)


@pytest.mark.firefox
def test_a_long_name_in_a_list_stays_together(stand: Stand, identified: Identified) -> None:
    # GIVEN an animal whose name takes two lines of a phone
    long = {**answers.RESIDENTS["animals"][0], "name": "southern long-nosed fringe-lipped bandicoot"}
    stand.residents = {**answers.RESIDENTS, "animals": (long,)}
    shown = identified(answers.koala(), viewport=PHONE)
    # WHEN the animals of the place are listed
    shown.locator("#animals summary").click()
    name = shown.locator("#animals-list a")
    # THEN its lines are as close as those of other text, and begin with a capital
    height = "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
    expect(name).to_be_visible()
    assert 2 < name.evaluate(height) < 4
    assert name.evaluate("e => parseFloat(getComputedStyle(e).lineHeight)") < 30
    assert name.evaluate("e => getComputedStyle(e, '::first-letter').textTransform") == "uppercase"
    assert shown.evaluate(SMALL) == []


@pytest.mark.firefox
def test_the_focus_follows_from_view_to_view(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo that was cancelled by the keyboard
    stand.open.clear()
    shown = identified(answers.koala())
    shown.locator("#cancel").press("Enter")
    # THEN the focus is on what happened, and not lost with the button
    expect(shown.locator("#problem-heading")).to_be_focused()
    # WHEN it is tried again THEN it can be cancelled again, and then the answer has the focus
    shown.locator("#again").press("Enter")
    expect(shown.locator("#cancel")).to_be_focused()
    stand.open.set()
    expect(shown.locator("#name")).to_be_focused()
    # WHEN another place is asked for and dropped THEN it is on the answer again
    shown.locator("#elsewhere").press("Enter")
    expect(shown.locator("#place :focus")).to_have_count(1)  # the field, or without a mouse the heading
    shown.locator("#place-back").press("Enter")
    expect(shown.locator("#name")).to_be_focused()


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "pass")])
def test_what_happens_is_announced_and_nothing_moves_if_that_is_wanted(
    stand: Stand, open_page: Open, motion: str, animation: str
) -> None:
    # GIVEN a page on which nothing has happened THEN screen readers know already where news will be
    shown = open_page(stand.url, reduced_motion=motion)
    status = shown.locator("#status")
    assert status.evaluate("e => e.checkVisibility()")
    # AND no part around it is ever busy, which would keep them silent
    stand.open.clear()
    shown.set_input_files("#pick", photo())
    expect(status).to_have_text("Identifying the animal")
    assert status.evaluate("e => e.closest('[aria-busy]')") is None
    stripe = "getComputedStyle(document.querySelector('#stripe'), '::after').animationName"
    assert shown.evaluate(stripe) == animation


@pytest.mark.firefox
def test_the_keyboard_reaches_everything(stand: Stand, open_page: Open) -> None:
    shown = open_page(stand.url)
    # GIVEN the menu of languages THEN Escape closes it, and a click elsewhere
    menu, summary = shown.locator(".languages nav"), shown.locator(".languages summary")
    shown.keyboard.press("Tab")
    expect(summary).to_be_focused()
    summary.press("Enter")
    shown.keyboard.press("Tab")
    expect(menu.locator("a").first).to_be_focused()
    shown.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    expect(menu).to_be_visible()
    shown.locator("h1").click()
    expect(menu).to_be_hidden()
    # GIVEN an answer
    summary.focus()
    shown.keyboard.press("Tab")
    expect(shown.locator("#pick")).to_be_focused()
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_be_visible()
    # WHEN one goes on with the tabulator THEN map, place and details follow in this order
    of_answer = ["more", "folder", "sure", "right", "wrong", "candidates-part", "compare", "find"]
    for name in [*of_answer, "closer", "elsewhere", "animal", "animals"]:
        shown.keyboard.press("Tab")
        focused = shown.evaluate("document.activeElement.id || document.activeElement.parentElement.id")
        assert focused == name
    shown.locator("#closer").press("Enter")
    expect(shown.locator("#closer")).to_have_text("Whole world")
