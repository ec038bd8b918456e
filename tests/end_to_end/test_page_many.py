"""A folder of many photos: a grid that fills, each photo with its own answer, and a CSV to take along."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Identified, Open, add_place, photo, problem, settle
from tests.end_to_end.stand import Stand
from tests.support import pictures
from tests.support.servers import until

pytestmark = pytest.mark.firefox


def card_photos(count: int) -> list[FilePayload]:
    """Photos as a camera names them; the first of them knows its place."""
    first = photo(name="IMG_0000.JPG")
    return [first, *(photo(pictures.jpeg(60 + i, 40), f"IMG_{i:04}.JPG") for i in range(1, count))]


def test_each_photo_gets_its_own_answer(stand: Stand, identified: Identified) -> None:
    # WHEN more than five photos are chosen, with a file that is none
    shown = identified(photos=[*card_photos(7), photo(b"a list", "list.txt", "text/plain")], viewport=PHONE)
    # THEN each is sent by itself, with its own place
    expect(shown.locator("#many-progress")).to_have_text("7 of 7 identified.")
    expect(shown.locator("#many-note")).to_have_text("1 file is no photo and was left out.")
    expect(shown.locator("#many-grid b")).to_have_text(["koala"] * 7)
    assert len(stand.sent) == 7
    assert sum("lat" in each.query for each in stand.sent) == 1
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # WHEN one is opened THEN it is shown like any answer, and leads back
    shown.locator("#many-grid button").nth(3).click()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#picture")).to_be_visible()
    shown.click("#to-many")
    expect(shown.locator("#many-grid b")).to_have_count(7)
    expect(shown.locator("#many-heading")).to_be_focused()
    # WHEN those without a place get one together THEN they alone are sent again, with it
    expect(shown.locator("#many-place-words")).to_contain_text("6 photos have no place.")
    add_place(shown, "#many-add-place")
    expect(shown.locator("#many-progress")).to_have_text("7 of 7 identified.")
    expect(shown.locator("#many-place")).to_be_hidden()
    assert [each.query["lat"] for each in stand.sent[7:]] == ["48.86"] * 6


def test_at_most_three_are_sent_at_once_and_it_can_be_stopped(stand: Stand, identified: Identified) -> None:
    stand.open.clear()
    shown = identified(photos=card_photos(8))
    expect(shown.locator("#many-grid img")).to_have_count(3)
    assert until(lambda: len(stand.sent) == 3, 5)
    settle(shown)
    assert len(stand.sent) == 3
    # WHEN it is stopped THEN nothing more is sent, until it goes on
    shown.click("#many-stop")
    expect(shown.locator("#many-stop")).to_have_text("Go on")
    stand.open.set()
    settle(shown)
    assert len(stand.sent) == 3
    shown.click("#many-stop")
    expect(shown.locator("#many-progress")).to_have_text("8 of 8 identified.")
    assert len(stand.sent) == 11


def test_photos_that_wait_for_a_network_say_so_and_go_on(stand: Stand, identified: Identified) -> None:
    # GIVEN a grid that fills
    stand.open.clear()
    shown = identified(photos=card_photos(8))
    expect(shown.locator("#many-grid img")).to_have_count(3)
    # WHEN the network goes THEN that is said and announced
    shown.context.set_offline(True)
    stand.open.set()
    expect(shown.locator("#many-progress")).to_contain_text("You are offline.")
    expect(shown.locator("#status")).to_contain_text("You are offline.")
    # WHEN it is back THEN the grid fills
    shown.context.set_offline(False)
    expect(shown.locator("#many-progress")).to_have_text("8 of 8 identified.")


def test_a_photo_that_waits_for_a_network_does_not_cover_a_later_grid(stand: Stand, open_page: Open) -> None:
    # GIVEN a photo that waits for a network
    shown = open_page(stand.url)
    shown.context.set_offline(True)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#problem-heading")).to_have_text("You are offline")
    # WHEN many photos are chosen, and the network is back THEN they are sent, and it is not
    shown.set_input_files("#pick", card_photos(6))
    shown.context.set_offline(False)
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    expect(shown.locator("#many")).to_be_visible()
    assert len(stand.sent) == 6


def test_what_fails_is_named_and_tried_again(stand: Stand, identified: Identified) -> None:
    shown = identified(*problem("internal", 500), photos=card_photos(6))
    expect(shown.locator("#many-progress")).to_have_text("0 of 6 identified. 6 failed.")
    expect(shown.locator("#many-grid b").first).to_have_text("Something went wrong on our side")
    # AND a busy service is asked again when it says
    stand.tell(*problem("too_many_requests", 429), {"Retry-After": "1"})
    count = len(stand.sent)
    shown.click("#many-stop")
    assert until(lambda: len(stand.sent) > count, 5)
    stand.tell(answers.koala())
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    # AND files without any photo are refused
    count = len(stand.sent)
    shown.set_input_files("#pick", [photo(b"a list", f"{i}.txt", "text/plain") for i in range(6)])
    expect(shown.locator("#problem-heading")).to_have_text("This is not a photo we can read")
    assert len(stand.sent) == count


def test_a_change_of_language_translates_the_grid(stand: Stand, identified: Identified) -> None:
    # GIVEN a grid in English, one photo of which is damaged
    shown = identified(photos=card_photos(6))
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    stand.tell(*problem("photo_unreadable", 422))
    add_place(shown, "#many-add-place")
    expect(shown.locator("#many-progress")).to_have_text("1 of 6 identified. 5 failed.")
    # WHEN another language is chosen THEN animals and problems are in that language
    stand.language = "de"
    shown.reload()
    names = shown.locator("#many-grid b")
    expect(names).to_have_text(["Koala", *["Das Foto ist beschädigt"] * 5])


def test_a_place_for_all_goes_into_the_list_too(identified: Identified) -> None:
    # GIVEN a grid, and in the list one of its photos without a place
    shown = identified(photos=card_photos(6))
    shown.locator("#many-grid button").nth(2).click()
    shown.click("#right")
    shown.click("#to-many")
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    # WHEN those without one get a place together THEN the list has it
    add_place(shown, "#many-add-place")
    expect(shown.locator("#many-place")).to_be_hidden()
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    (entry,) = shown.evaluate("JSON.parse(localStorage.getItem('observations'))")
    assert entry["place"] == {"latitude": 48.86, "longitude": 2.29}


@pytest.mark.firefox(lacks="downloads, by its driver")
def test_the_answers_are_saved_as_csv(identified: Identified, tmp_path: Path) -> None:
    # GIVEN answers, one file that is no photo, and a name that a spreadsheet would run
    shown = identified(photos=[*card_photos(5), photo(b"x", "=cmd.jpg")])
    expect(shown.locator("#many-progress")).to_have_text("5 of 6 identified. 1 failed.")
    with shown.expect_download() as download:
        shown.click("#many-csv")
    download.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text("utf-8-sig").splitlines()))
    assert [row["file"] for row in rows] == [*(f"IMG_{i:04}.JPG" for i in range(5)), "'=cmd.jpg"]
    answer = {"animal": "koala", "scientific_name": "Phascolarctos cinereus", "rank": "species", "score": "0.97"}
    first = {**answer, "sure": "almost certain", "lives_here": "native", "areas": "AU", "problem": ""}
    assert rows[0].items() >= first.items()
    assert rows[5]["problem"] == "This is not a photo we can read"


def test_a_grid_survives_reloads_and_the_way_back(stand: Stand, identified: Identified) -> None:
    # GIVEN a grid, one of whose photos was opened and confirmed
    shown = identified(photos=card_photos(6))
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    shown.locator("#many-grid button").nth(2).click()
    shown.click("#right")
    expect(shown.locator("#said")).to_be_visible()
    # WHEN the page is loaded again THEN it is there, with the rest behind it
    shown.reload()
    expect(shown.locator("#said")).to_be_visible()
    assert shown.evaluate("document.getElementById('picture').naturalWidth") > 0
    shown.go_back()
    sure = "almost certain, 97%"
    expect(shown.locator("#many-grid .sure")).to_have_text([sure, sure, "You agree", sure, sure, sure])
    shown.reload()
    expect(shown.locator("#many-grid img")).to_have_count(6)
    expect(shown.locator("#many-place-words")).to_contain_text("5 photos have no place.")
    assert len(stand.sent) == 6
    # WHEN another photo is chosen THEN the grid is gone for good
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    shown.reload()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#to-many")).to_be_hidden()
    assert shown.evaluate(ROWS) == 0


def test_the_grid_of_a_closed_tab_goes(stand: Stand, identified: Identified) -> None:
    shown = identified(photos=card_photos(6))
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    shown.wait_for_function(f"async () => await ({ROWS})() === 6")
    # WHEN another tab is opened beside it THEN it stays; WHEN after it THEN it goes
    other = shown.context.new_page()
    other.goto(stand.url)
    settle(other)
    assert other.evaluate(ROWS) == 6
    shown.close()
    other.reload()
    other.wait_for_function(f"async () => await ({ROWS})() === 0")


ROWS = """() => new Promise((resolve) => {
    const opening = indexedDB.open("faunalens", 1);
    opening.onsuccess = () => {
        const counting = opening.result.transaction("grid").objectStore("grid").count();
        counting.onsuccess = () => resolve(counting.result);
    };
})"""


@pytest.mark.firefox(lacks="choosing folders, by its driver")
def test_a_folder_is_taken_with_what_is_below_it(stand: Stand, open_page: Open, tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/c/1.jpg", "b/2.jpg", "1.jpg"):
        path = tmp_path / "card" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.jpeg(60, 40))
    shown = open_page(stand.url)
    shown.set_input_files("#folder", tmp_path / "card")
    expect(shown.locator("#many-progress")).to_have_text("6 of 6 identified.")
    expect(shown.locator("#many-grid")).to_contain_text("card/b/c/1.jpg")
