"""The page for reviews: a whole review with the keyboard alone."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cli.results import ResultsFile
from cli.review_server import ReviewServer
from cli.study.queue import Choice
from cli.study.session import Session
from testing.pictures import jpeg
from testing.studies import DEER, PHOTOS, write_study
from tests.end_to_end.browsing import box_of

LION, BOVIDS = "S/card/IMG_0001.JPG", "N/IMG_0002.JPG"


def in_a_box(text: str) -> str:
    """Return an answer with its animal in a box."""
    found = json.loads(text)
    box = {"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25, "score": 0.9}
    animal = {"box": box, "prediction": found["prediction"], "candidates": found["candidates"]}
    return json.dumps(found | {"subject": "animal", "animals": [animal]})


def perhaps_a_deer(text: str) -> str:
    """Return an answer that is perhaps a deer."""
    deer = dict(zip(("name", "scientific_name", "rank"), DEER, strict=True)) | {"score": 0.5, "members": []}
    return json.dumps(json.loads(text) | {"perhaps": [deer]})


@pytest.fixture
def review(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server with the made-up study, whose least sure photos come first; its address, and the results file."""
    results = tmp_path / "study.db"
    changed = {LION: in_a_box, BOVIDS: perhaps_a_deer}
    write_study(
        results, [(name, taken, changed.get(name, str)(text) if text else text) for name, taken, text in PHOTOS]
    )
    for name, _, _ in PHOTOS:
        path = tmp_path / "Two stations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg())
    ready, serving = Event(), dict[str, Any]()

    def serve() -> None:
        with (
            ResultsFile(results, write=True) as kept,
            ReviewServer(Session(kept, "A. Person", Choice()), tmp_path / "Two stations", 0) as server,
        ):
            serving["server"] = server
            ready.set()
            server.serve_forever(poll_interval=0.05)

    thread = Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    yield serving["server"].url, results
    serving["server"].shutdown()
    thread.join()


def test_a_review_needs_the_keyboard_alone(open_page: Callable[..., Page], review: tuple[str, Path]) -> None:
    # GIVEN the page, with the least sure photo: a impala with 0.70
    url, results = review
    page = open_page(url)
    expect(page.locator("#position")).to_have_text("1 of 5")
    expect(page.locator("#path")).to_have_text("S/card/IMG_0002.JPG")
    expect(page.locator("#picture")).to_have_js_property("complete", value=True)
    # WHEN it is accepted THEN the next one comes
    page.keyboard.press("Enter")
    expect(page.locator("#named")).to_have_text("lion")
    # THEN its box lies over the picture
    box, picture = (box_of(page.locator(each)) for each in ("#boxes div", "#picture"))
    assert box["width"] == pytest.approx(picture["width"] / 2, abs=1)
    assert box["y"] - picture["y"] == pytest.approx(picture["height"] / 2, abs=1)
    # WHEN that is corrected by typing the beginning of a name
    page.keyboard.press("c")
    page.keyboard.type("chee")
    expect(page.locator("#matches li").first).to_contain_text("cheetah")
    page.keyboard.press("Enter")
    expect(page.locator("#position")).to_have_text("3 of 5")
    page.keyboard.press("b")
    expect(page.locator("#position")).to_have_text("4 of 5")
    expect(page.locator("#candidates li")).to_have_text(
        ["perhaps deer (Cervidae)", "impala (Aepyceros melampus) 60%", "lion (Panthera leo) 10%"]
    )
    # WHEN a photo is marked as blank by mistake, and it is one of the candidates
    page.keyboard.press("b")
    expect(page.locator("#position")).to_have_text("5 of 5")
    page.keyboard.press("z")
    expect(page.locator("#position")).to_have_text("4 of 5")
    page.keyboard.press("2")
    expect(page.locator("#position")).to_have_text("5 of 5")
    page.keyboard.press("p")
    expect(page.locator("#precision tbody tr")).to_have_count(3)
    # THEN all of it is kept, with who said it
    with closing(sqlite3.connect(results)) as connection:
        query = (
            "select path, kind, scientific_name, is_right, reviewer from review join photo on photo.id = review.photo"
        )
        said = {row[0]: row[1:] for row in connection.execute(query)}
    assert said == {
        "S/card/IMG_0002.JPG": ("animal", "Aepyceros melampus", 1, "A. Person"),
        "S/card/IMG_0001.JPG": ("animal", "Acinonyx jubatus", 0, "A. Person"),
        "N/IMG_0002.JPG": ("animal", "Aepyceros melampus", 1, "A. Person"),
        "N/IMG_0001.JPG": ("blank", None, 0, "A. Person"),
    }


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("styan's r", "Styan's red panda (Ailurus styani)"),
        ("ailurus sty", "Styan's red panda (Ailurus styani)"),
        ("Chinchilla-Ratt", "chinchilla rat (Abrocomidae), Chinchilla-Ratte"),
        ("félino", "cat (Felidae), felino"),
        ("imp", "impala (Aepyceros melampus), lives here"),
        ("Hirsch o", "deer (Cervidae), Hirsch oder Reh"),
        ("deer", "deer (Cervidae)"),
        ("pine mar", "European pine marten (Martes martes)"),
        ("bovi", "cow, antelope, sheep or goat (Bovidae), lives here"),
    ],
)
def test_every_animal_is_found_by_each_of_its_names(
    open_page: Callable[..., Page], review: tuple[str, Path], typed: str, first: str
) -> None:
    page = open_page(review[0])
    expect(page.locator("#position")).to_have_text("1 of 5")
    page.keyboard.press("c")
    page.keyboard.type(typed)
    expect(page.locator("#matches li").first).to_have_text(first)


def test_any_text_is_a_name(open_page: Callable[..., Page], review: tuple[str, Path]) -> None:
    # GIVEN an animal that no table has, and words that a longer name has too
    url, results = review
    page = open_page(url)
    expect(page.locator("#position")).to_have_text("1 of 5")
    page.keyboard.press("c")
    page.keyboard.type("Olingo 7")
    expect(page.locator("#matches li")).to_have_text(["keep “Olingo 7” as it is"])
    page.keyboard.press("Enter")
    expect(page.locator("#position")).to_have_text("2 of 5")
    page.keyboard.press("c")
    page.keyboard.type("lion")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#matches [aria-selected=true]")).to_have_text("keep “lion” as it is")
    page.keyboard.press("Enter")
    expect(page.locator("#position")).to_have_text("3 of 5")
    # THEN both are kept without a taxon
    with closing(sqlite3.connect(results)) as connection:
        said = connection.execute("select kind, name, scientific_name from review order by name").fetchall()
    assert said == [("animal", "Olingo 7", None), ("animal", "lion", None)]


def test_a_photo_that_is_gone_is_said(open_page: Callable[..., Page], review: tuple[str, Path]) -> None:
    # GIVEN a review after the card was pulled out
    url, results = review
    (results.parent / "Two stations" / "S/card/IMG_0002.JPG").unlink()
    page = open_page(url)
    expect(page.locator("#said")).to_contain_text("The photo is not there any more")
