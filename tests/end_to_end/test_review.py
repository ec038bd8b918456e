"""The page for reviews: events with the keyboard alone, what is kept of them, and who else is there."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from faunalens.review.queue import Choice
from faunalens.study.results import ResultsFile
from tests.end_to_end.browsing import Open, box_of
from tests.support.pictures import jpeg
from tests.support.studies import DEER, IMPALA, LION, PHOTOS, answer, say, seen, serving, taxon, write_study

FIRST, LIONS, BOVIDS = "S/card/IMG_0002.JPG", "S/card/IMG_0001.JPG", "N/IMG_0002.JPG"
NEW = Choice()
LAPTOP = {"width": 1280, "height": 720}
BURST = [(f"N/IMG_010{n}.JPG", f"2026-05-03 06:00:0{n}", answer(IMPALA, 0.3 + n / 100)) for n in range(4)]
BEFORE = ("N/IMG_0100.JPG", "2026-05-03 05:50:00", answer(LION, 0.99))
FITS = "e => e.scrollHeight <= e.clientHeight && (e.scrollWidth <= e.clientWidth || e.id === 'strip')"
Start = Callable[..., str]
Said = Callable[..., list[tuple[Any, ...]]]


def in_a_box(text: str) -> str:
    """Return an answer with its animal in a box."""
    found = json.loads(text)
    where = {"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25, "score": 0.9}
    return json.dumps(found | {"subject": "animal", "animals": [found | {"box": where}]})


def perhaps_a_deer(text: str) -> str:
    """Return an answer that is perhaps a deer."""
    return json.dumps(json.loads(text) | {"perhaps": [taxon(DEER, score=0.5, members=[])]})


def after(page: Page, keys: str, **shown: str) -> None:
    """Press keys, with spaces between them, and type what is behind a `=`. Expect texts by the ids of elements."""
    for key in keys.split():
        if key.startswith("="):
            page.keyboard.type(key[1:].replace("_", " "))
        else:
            page.keyboard.press(key)
    for name, text in shown.items():
        expect(page.locator(f"#{name.replace('_', '-')}")).to_have_text(text)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server of the made-up study, whose least sure events come first, for a reviewer; returns its address."""
    changed = {LIONS: in_a_box, BOVIDS: perhaps_a_deer}
    photos = [(name, taken, changed.get(name, str)(text) if text else text) for name, taken, text in PHOTOS]

    with ExitStack() as stack:

        def start(reviewer: str = "A. Person", photos: Any = photos, choice: Choice = NEW) -> str:
            results, folder = tmp_path / "study.db", tmp_path / "Two stations"
            if not results.exists():
                write_study(results, photos)
                for name, *_ in photos:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(jpeg())
            kept = stack.enter_context(ResultsFile(results, write=True, shared=True))
            return stack.enter_context(serving(kept, choice, reviewer)).url

        yield start


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """Returns path and columns of all that was said."""

    def said(*columns: str) -> list[tuple[Any, ...]]:
        query = "select photo.path, review.* from review join photo on photo.id = photo order by path, reviewer, number"
        with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [tuple(row[name] for name in ("path", *columns)) for row in connection.execute(query)]

    return said


def test_a_review_needs_the_keyboard_alone(open_page: Open, start: Start, said: Said) -> None:
    # GIVEN the page, with the least sure photo: an impala with 0.70
    page = open_page(start())
    after(page, "", position="Event 1 of 4")
    expect(page.locator("#path")).to_have_attribute("title", FIRST)
    expect(page.locator("#picture")).to_have_js_property("complete", value=True)
    # WHEN it is accepted by a key that is held down THEN only the next one comes
    for _ in range(5):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    after(page, "", named="lion", left="4 photos left")
    # THEN its box lies over the picture, and follows it
    for key in ("Escape", "+"):
        page.keyboard.press(key)
        box, picture = (box_of(page.locator(each)) for each in ("#boxes div", "#picture"))
        assert box["width"] == pytest.approx(picture["width"] / 2, abs=1)
        assert box["y"] - picture["y"] == pytest.approx(picture["height"] / 2, abs=1)
    page.keyboard.press("x")
    expect(page.locator("#boxes")).to_be_hidden()
    after(page, "]", look="×1.3  ☀ 1.3")
    expect(page.locator("#picture")).to_have_css("filter", "brightness(1.25) contrast(1)")
    # WHEN that is corrected by typing the beginning of a name
    after(page, "c =chee")
    expect(page.locator("#matches li").first).to_contain_text("cheetah")
    after(page, "Enter", position="Event 3 of 4")
    # WHEN two photos are marked as blank by mistake, and all three are taken back
    after(page, "b", position="Event 4 of 4")
    for place in ("3", "2", "1"):
        after(page, "z", position=f"Event {place} of 4")
    assert said("kind") == []
    # THEN what is said then is kept, with who said it
    after(page, "Enter", position="Event 2 of 4")
    expect(page.locator("#candidates b")).to_have_text(["lion", "impala", "cheetah"])
    after(page, "v", position="Event 3 of 4")
    after(page, "ArrowRight")
    expect(page.locator("#candidates b")).to_have_text(["deer", "impala", "lion", "cheetah"])
    after(page, "2", position="Event 4 of 4")
    after(page, "u", results_title="All 4 events are reviewed")
    expect(page.locator("#precision tr")).to_have_count(4)
    assert said("kind", "scientific_name", "is_right", "reviewer") == [
        ("N/IMG_0001.JPG", "animal", "Aepyceros melampus", 1, "A. Person"),
        ("N/IMG_0002.JPG", "animal", "Aepyceros melampus", 1, "A. Person"),
        ("N/IMG_0003.JPG", "unknown", None, 0, "A. Person"),
        ("S/card/IMG_0001.JPG", "vehicle", None, 0, "A. Person"),
        ("S/card/IMG_0002.JPG", "animal", "Aepyceros melampus", 1, "A. Person"),
    ]


@pytest.mark.firefox
def test_some_photos_of_a_burst_are_named_and_events_are_split_and_merged(
    open_page: Open, start: Start, said: Said
) -> None:
    # GIVEN a burst of impalas and the lion before it
    page = open_page(start(photos=[BEFORE, *BURST[1:]]))
    strip, reviewed = page.locator("#strip li"), page.locator("#strip .reviewed")
    expect(strip).to_have_count(3)
    expect(page.locator("#before")).to_contain_text("10 mins before lion")
    # WHEN the last two are selected and counted THEN the rest waits, and has the same details at hand
    after(page, "ArrowRight Shift+ArrowRight d 7", scope="For the 2 selected photos:")
    after(page, "Enter")
    expect(page.locator("#said")).to_contain_text("impala × 7: 2 photos.")
    after(page, "d")
    expect(page.locator("#count")).to_have_value("7")
    after(page, "Escape Escape", scope="For the photo without a review:")
    expect(reviewed).to_have_count(2)
    # WHEN the event is split before them, and both are merged with the lion
    after(page, "ArrowRight s", position="Event 1 of 3")
    expect(strip).to_have_count(1)
    after(page, "m")
    expect(strip).to_have_count(2)
    # THEN each step is taken back
    after(page, "z", position="Event 1 of 3")
    after(page, "z")
    expect(strip).to_have_count(3)
    after(page, "z")
    expect(reviewed).to_have_count(0)
    # WHEN one is chosen by its box and another by a click with shift
    page.locator("#strip .check").nth(0).click()
    page.locator("#strip img").nth(1).click(modifiers=["Shift"])
    after(page, "1")
    expect(reviewed).to_have_count(2)
    assert said("kind") == [("N/IMG_0101.JPG", "animal"), ("N/IMG_0102.JPG", "animal")]


@pytest.mark.firefox
def test_a_photo_shows_two_animals_with_what_is_known_of_them(open_page: Open, start: Start, said: Said) -> None:
    page = open_page(start())
    # WHEN the impala is counted, with one more by a button, and another animal is added with a sex
    after(page, "", named="impala")
    after(page, "d =3 Tab Enter")
    expect(page.locator("#count")).to_have_value("4")
    after(page, "w c =lion Enter d")
    page.locator("#sex").select_option("female")
    page.locator("#behavior").fill("running")
    page.locator("#note").fill("with a collar")
    page.locator("#note").press("Enter")
    after(page, "", position="Event 2 of 4")
    # THEN both are kept and shown
    assert said("name", "count", "sex", "behavior", "note") == [
        (FIRST, "impala", 4, None, None, None),
        (FIRST, "lion", None, "female", "running", "with a collar"),
    ]
    opinions = "You: impala × 4; lion, female, running, “with a collar”"
    after(page, "ArrowUp", named="impala and lion", opinions=opinions)
    # WHEN an animal is added to a photo of nothing THEN that is all it shows
    after(page, "ArrowUp ArrowDown ArrowDown ArrowDown", named="blank")
    after(page, "w 1 Enter", position="Event 2 of 4")
    assert said("name")[0] == ("N/IMG_0003.JPG", "impala")


def test_two_people_do_not_review_the_same_event(open_page: Open, start: Start) -> None:
    # GIVEN an event that one has open
    one = open_page(start("Ann"), before=lambda page: page.clock.install())
    after(one, "", position="Event 1 of 4")
    # THEN it stays hers
    with one.expect_response("**/hold"):
        one.clock.fast_forward(60_000)
    # WHEN another comes to it THEN nothing can be said, and the next one is free
    other = open_page(start("Ben"))
    expect(other.locator("#held")).to_contain_text("Ann is reviewing this event")
    after(other, "b ArrowDown", named="lion")
    expect(other.locator("#held")).to_be_hidden()
    # WHEN the first one is ready with hers THEN she passes by his
    after(one, "Enter", position="Event 3 of 4")
    # THEN both see what the other has said
    after(other, "ArrowUp", opinions="Ann: impala")


def test_what_is_taken_back_is_as_old_as_it_was(open_page: Open, start: Start, said: Said, tmp_path: Path) -> None:
    # GIVEN a photo that one has named, and later another one differently
    start()
    with ResultsFile(tmp_path / "study.db", write=True, shared=True) as results:
        for day, reviewer, name in ((1, "Ann", "Acinonyx jubatus"), (2, "Ben", "Panthera leo")):
            say(results, LIONS, seen(name), reviewer=reviewer, at=f"2026-06-0{day}T12:00:00+00:00")
    before = said("reviewer", "scientific_name", "reviewed")
    # WHEN the first one calls it blank by mistake, and takes that back
    page = open_page(start("Ann", choice=Choice(of="disagreements")))
    after(page, "", position="Event 1 of 1")
    after(page, "b", results_title="The event is reviewed")
    after(page, "z", position="Event 1 of 1", said="Taken back.")
    # THEN the other one's opinion counts as before
    assert said("reviewer", "scientific_name", "reviewed") == before


def test_a_time_is_that_of_the_cameras_clock(open_page: Open, start: Start) -> None:
    # GIVEN a photo of the hour that summer time leaves out where the reviewer is
    page = open_page(
        start(photos=[("N/1.JPG", "2026-03-29 02:30:00", answer(LION))]), timezone_id="Europe/Berlin", locale="de"
    )
    after(page, "", path="1/1 · 02:30:00 · 1.JPG", station="north · 29.03.2026, 02:30:00")


def test_every_animal_is_found_by_each_of_its_names_and_any_text_is_a_name(
    open_page: Open, start: Start, said: Said, tmp_path: Path
) -> None:
    page = open_page(url := start())
    page.locator("#named:not(:empty)").wait_for()
    # WHEN the beginning of a name is typed THEN the animal comes first
    after(page, "c")
    for typed, first in {
        "styan's r": "Styan's red panda (Ailurus styani)",
        "ailurus sty": "Styan's red panda (Ailurus styani)",
        "Chinchilla-Ratt": "chinchilla rat (Abrocomidae), Chinchilla-Ratte",
        "félino": "cat (Felidae), felino",
        "imp": "impala (Aepyceros melampus), lives here",
        "Hirsch o": "deer (Cervidae), Hirsch oder Reh",
        "deer": "deer (Cervidae)",
        "pine mar": "European pine marten (Martes martes)",
        "bovi": "cow, antelope, sheep or goat (Bovidae), lives here",
    }.items():
        page.locator("#query").fill(typed)
        expect(page.locator("#matches li").first).to_have_text(first)
    # WHEN an animal is typed that no table has, and words that a longer name has too
    page.locator("#query").fill("Olingo 7")
    expect(page.locator("#matches li")).to_have_text(["keep “Olingo 7” as it is"])
    after(page, "Enter", position="Event 2 of 4")
    after(page, "c")
    expect(page.locator("#query")).to_be_focused()
    after(page, "=lion ArrowUp")
    expect(page.locator("#matches [aria-selected=true]")).to_have_text("keep “lion” as it is")
    after(page, "Enter", position="Event 3 of 4")
    # THEN both are kept without a taxon
    kept = said("kind", "name", "scientific_name")
    assert kept == [(LIONS, "animal", "lion", None), (FIRST, "animal", "Olingo 7", None)]
    # AND a reader of German, whose card was pulled out, learns so in German
    for photo in (tmp_path / "Two stations").rglob("*.JPG"):
        photo.unlink()
    page = open_page(url, locale="de-AT")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    after(page, "", position="Ereignis 1 von 2")
    expect(page.locator("#said")).to_contain_text("Das Foto ist nicht mehr da")


def test_everybody_can_use_it_on_a_laptop_without_scrolling(open_page: Open, start: Start) -> None:
    page = open_page(start(), viewport=LAPTOP, locale="fr-FR")  # whose words are the longest
    page.locator("#named:not(:empty)").wait_for()
    for keys in ("", "d", "w", "Escape c =fox", "Escape ? ", "Escape r"):
        after(page, keys)
        if keys.endswith("fox"):
            expect(page.locator("#matches li")).to_have_count(10)
        if keys.endswith("r"):
            expect(page.locator("#results-title")).to_be_visible()
        for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            violations = Axe().run(page, options=rules).response["violations"]
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == [], keys
        for part in ("html", "#panel", "#strip"):
            assert page.locator(part).evaluate(FITS), (keys, part)
    # AND a tablet and a phone scroll down only
    page.keyboard.press("r")
    for width in (820, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        expect(page.locator("#picture")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
