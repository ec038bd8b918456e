"""Several photos of one animal, and every animal in one photo."""

from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from chalicelib.api.responses import AnimalFound, BoxesFound, BoxFound, PhotoGuess
from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Identified, Open, add_place, box_of, photo, posted_to, problem, unreadable
from tests.end_to_end.stand import BUCKET, Sent, Stand
from tests.support import pictures
from tests.support.records import candidate, predicted

CAT = predicted("tabby cat", "Felis catus", 0.9, "likely")
FOX = predicted("red fox", "Vulpes vulpes", 0.99, "almost certain")


def _photos_in(sent: Sent) -> list[bytes]:
    """Return the photos of a form."""
    form = message_from_bytes(f"Content-Type: {sent.content_type}\r\n\r\n".encode() + sent.body)
    parts = [part for part in form.walk() if not part.is_multipart()]
    assert {part.get_param("name", header="Content-Disposition") for part in parts} == {"photo"}
    return [bytes(part.get_payload(decode=True)) for part in parts]


def _three() -> list[FilePayload]:
    """Photos of one animal, of which the second knows its place."""
    with_place = pictures.jpeg(200, 101, exif=pictures.exif(pictures.SYDNEY))
    return [photo(pictures.jpeg(200, 100)), photo(with_place), photo(pictures.jpeg(200, 102))]


def guessed(*agrees: bool) -> dict[str, Any]:
    guesses = tuple(
        PhotoGuess(prediction=answers.KOALA["prediction"] if each else CAT, animal_probability=0.99, agrees=each)
        for each in agrees
    )
    return answers.koala(photos=guesses)


def test_a_further_photo_keeps_the_place_that_was_given(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo without a place, which was given one
    shown = identified(photos=photo(pictures.jpeg()))
    add_place(shown)
    expect(shown.locator("#changed")).to_be_visible()
    # WHEN another of the same animal is added THEN they have that place
    shown.set_input_files("#more", photo(pictures.jpeg(200, 100)))
    expect(shown.locator("#photos li")).to_have_count(2)
    expect(shown.locator("#answer")).to_be_visible()
    assert stand.sent[-1].query == {"lat": "48.86", "lon": "2.29"}
    # AND another animal has not
    shown.set_input_files("#pick", photo(pictures.jpeg()))
    expect(shown.locator("#photos")).to_be_hidden()
    expect(shown.locator("#answer")).to_be_visible()
    assert stand.sent[-1].query == {"location": "none"}


@pytest.mark.firefox
def test_several_photos_of_one_animal_give_one_answer(stand: Stand, open_page: Open) -> None:
    # GIVEN an API to which one of three photos looks like another animal
    stand.tell(guessed(True, False, True))
    shown = open_page(stand.url)
    # WHEN three photos are chosen
    three = _three()
    shown.set_input_files("#pick", three)
    # THEN they are sent in one request, with the place of the first that has one; and whether they are of one is asked
    expect(shown.locator("#several-words")).to_contain_text("Do all photos show the same animal?")
    expect(shown.locator("#name")).to_be_hidden()
    shown.click("#is-one")
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#name")).to_be_focused()
    (sent,) = stand.sent
    assert _photos_in(sent) == [each["buffer"] for each in three]
    assert sent.query == {"lat": "-33.87", "lon": "151.21"}
    # AND each photo has its own guess, and the one that disagrees is named
    said = ["koala, almost certain", "tabby cat, likely: does not agree", "koala, almost certain"]
    expect(shown.locator("#photos li")).to_have_text(said)
    expect(shown.locator("#photos .disagrees")).to_have_count(1)
    expect(shown.locator("#disagreement")).to_contain_text("Photo 2 does not agree with the answer.")
    expect(shown.locator("#status")).to_contain_text("Photo 2 does not agree")
    # AND boxes are for one photo only
    expect(shown.locator("#find")).to_be_hidden()


def test_a_photo_can_be_added_to_an_answer_up_to_five_and_large_ones_go_to_the_bucket(
    stand: Stand, open_page: Open, tmp_path: Path
) -> None:
    shown = open_page(stand.url)
    expect(shown.locator("#more-label")).to_be_hidden()
    shown.set_input_files("#pick", photo(pictures.jpeg()))
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#photos")).to_be_hidden()
    # WHEN two photos are added THEN all three are sent, and their guesses agree
    stand.tell(guessed(True, True, True))
    shown.set_input_files("#more", _three()[:2])
    expect(shown.locator("#photos li")).to_have_text(["koala, almost certain"] * 3)
    expect(shown.locator("#disagreement")).to_be_hidden()
    assert len(_photos_in(stand.sent[-1])) == 3
    # WHEN there are more than five THEN the first five are taken, and no more can be added
    stand.tell(guessed(*[True] * 5))
    shown.set_input_files("#more", _three())
    expect(shown.locator("#photos li")).to_have_text(["koala, almost certain"] * 5)
    assert len(_photos_in(stand.sent[-1])) == 5
    expect(shown.locator("#more-label")).to_be_hidden()
    # GIVEN an API with a bucket WHEN two photos are chosen that together are too large for a request
    upload = {"url": BUCKET, "fields": {}, "max_bytes": 20_000_000, "id": "abc"}
    stand.upload = upload | {"identify_url": "/dev/uploads/abc/identify"}
    stand.tell(guessed(True, True))
    posted = posted_to(shown, BUCKET)
    shown.set_input_files("#pick", [unreadable(tmp_path, 2_400_000, f"{i}.heic") for i in range(2)])
    expect(shown.locator("#photos li")).to_have_text(["HEICkoala, almost certain"] * 2)
    # THEN each went to the bucket, and one request names both
    sent = stand.sent[-1]
    expected = ("/dev/uploads/abc/identify", {"location": "none", "also": "abc"}, b"")
    assert (len(posted), (sent.path, sent.query, sent.body)) == (2, expected)


@pytest.mark.firefox
def test_a_photo_that_the_browser_cannot_show_has_its_format_in_its_place(identified: Identified) -> None:
    # GIVEN photos of which one is in a format that only the API reads
    heic = photo(b"\0\0\0\x18ftypheic" + bytes(900), "IMG_1.heic", "image/heic")
    shown = identified(guessed(True, False, True), photos=[photo(), heic, photo()])
    # THEN it has a name for screen readers, and what it shows is said below, as for the others
    row = shown.locator("#photos li").nth(1)
    expect(row.get_by_role("img", name="Photo 2")).to_have_text("HEIC")
    expect(row.locator("span").last).to_contain_text("does not agree")
    # AND so it is in a grid
    shown.click("#split")
    expect(shown.locator("#many-progress")).to_have_text("3 of 3 identified.")
    expect(shown.locator("#many-grid .picture").nth(1)).to_have_text("HEIC")
    expect(shown.locator("#many-grid img")).to_have_count(2)
    # WHEN one file is no photo THEN it is named
    shown.set_input_files("#pick", [photo(), photo(b"a letter", "letter.txt", "text/plain")])
    expect(shown.locator("#problem-heading")).to_have_text("This is not a photo we can read")
    expect(shown.locator("#problem-detail")).to_have_text("letter.txt")


@pytest.mark.firefox
def test_a_text_can_be_dragged_into_the_field_of_the_place_and_a_link_says_what_to_do(
    stand: Stand, open_page: Open
) -> None:
    shown = open_page(stand.url)
    prevented = shown.evaluate(
        """() => ["text/plain", "text/uri-list"].map((type) => {
            const dragged = new DataTransfer();
            dragged.setData(type, "https://example.org/koala");
            return ["dragover", "drop"].map((name) => {
                const event = new DragEvent(name, { dataTransfer: dragged, cancelable: true });
                dispatchEvent(event);
                return event.defaultPrevented;
            });
        })"""
    )
    assert prevented == [[False, False], [True, True]]
    expect(shown.locator("#problem")).to_contain_text("Save the picture first")


def boxes(people: int = 1, vehicles: int = 2) -> dict[str, Any]:
    """An answer with two animals, of which the second has no name."""
    first = BoxFound(x=0.1, y=0.2, width=0.4, height=0.5, score=0.9)
    small = BoxFound(x=0.7, y=0.7, width=0.02, height=0.02, score=0.5)
    other = BoxFound(x=0.8, y=0.1, width=0.1, height=0.2, score=0.9)
    fox = candidate("red fox", "Vulpes vulpes", 0.99, 0.99, "introduced")
    return answers.koala(
        animals=(
            AnimalFound(box=first, prediction=FOX, perhaps=(), candidates=(fox,)),
            AnimalFound(box=small, prediction=None, perhaps=(), candidates=(fox,)),
        ),
        people=BoxesFound(count=people, boxes=(other,) * people),
        vehicles=BoxesFound(count=vehicles, boxes=(other,) * vehicles),
    )


def _with_boxes(stand: Stand, identified: Identified, answer: dict[str, Any], **options: Any) -> Page:
    """A page on which one has asked for every animal."""
    shown = identified(answers.koala(), **options)
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert stand.sent[-1].query.get("boxes") is None
    stand.tell(answer)
    shown.get_by_role("button", name="Find every animal").click()
    expect(shown.locator("#every")).to_be_visible()
    return shown


def test_every_animal_has_a_box_with_its_own_answer(stand: Stand, identified: Identified) -> None:
    # WHEN every animal is asked for THEN the same photo is sent again, with its place
    shown = _with_boxes(stand, identified, boxes(), viewport=PHONE)
    assert stand.sent[-1].query == {"lat": "-33.87", "lon": "151.21", "boxes": "true"}
    assert stand.sent[-1].body == stand.sent[0].body
    # AND each animal has a box where it is on the photo
    expect(shown.locator("#every-heading")).to_have_text("2 animals were found")
    picture, box = box_of(shown.locator("#picture")), box_of(shown.locator("#boxes button").first)
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(0.1, abs=0.01)
    assert (box["y"] - picture["y"]) / picture["height"] == pytest.approx(0.2, abs=0.01)
    assert box["width"] / picture["width"] == pytest.approx(0.4, abs=0.01)
    assert box["height"] / picture["height"] == pytest.approx(0.5, abs=0.01)
    # AND people and vehicles are mentioned, without an answer
    seen = "The photo shows 1 person and 2 vehicles. Think of that before you share it."
    expect(shown.locator("#also-seen")).to_have_text(seen)
    expect(shown.locator("#boxes .other")).to_have_count(3)
    # WHEN the first box is tapped THEN the answer is that of its animal
    shown.get_by_role("button", name="Animal 1: red fox").click()
    expect(shown.locator("#name")).to_have_text("Almost certain: red fox")
    expect(shown.locator("#sure summary")).to_have_text("99%")
    expect(shown.locator("#status")).to_contain_text("Almost certain: red fox, 99%")
    for each in (shown.locator("#boxes button").first, shown.get_by_role("button", name="1. red fox, almost certain")):
        expect(each).to_have_attribute("aria-pressed", "true")
    # WHEN the small one is tapped, a finger's breadth beside it THEN it is an animal without a name
    shown.locator("#boxes button").nth(1).scroll_into_view_if_needed()
    small = box_of(shown.locator("#boxes button").nth(1))
    shown.mouse.click(small["x"] - 10, small["y"] - 10)
    expect(shown.locator("#name")).to_have_text("An animal")
    # WHEN one wants the whole photo THEN its answer is there again
    shown.get_by_role("button", name="The whole photo").click()
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # AND another photo has no boxes
    stand.tell_of(shown, answers.koala())
    expect(shown.locator("#find")).to_be_visible()
    expect(shown.locator("#boxes > *")).to_have_count(0)


def test_one_animal_of_several_is_confirmed_by_itself_with_its_picture(stand: Stand, identified: Identified) -> None:
    # GIVEN a photo with two animals WHEN the first is confirmed THEN the photo as a whole can still be
    shown = _with_boxes(stand, identified, boxes())
    shown.locator("#boxes button").first.click()
    shown.click("#right")
    expect(shown.locator("#said-name")).to_have_text("red fox")
    shown.get_by_role("button", name="The whole photo").click()
    shown.click("#right")
    expect(shown.locator("#said-name")).to_have_text("koala")
    # AND each has a small copy of its part of the photo, which is kept on this device
    shown.click("#history-summary")
    rows = shown.locator("#history-list li")
    expect(rows.locator("b")).to_have_text(["koala", "red fox"])
    expect(rows.locator("img")).to_have_count(2)
    sides = "all => Promise.all(all.map(async (e) => (await e.decode(), [e.naturalWidth, e.naturalHeight])))"
    sizes = rows.locator("img").evaluate_all(sides)
    assert sizes == [[128, 96], [96, 96]]
    # AND what was said outlasts another place and a reload, until it is taken back
    with shown.expect_response("**/identify?*"):  # the heading is the same before it
        add_place(shown)
    expect(shown.locator("#every-heading")).to_have_text("2 animals were found")
    assert stand.sent[-1].query == {"lat": "48.86", "lon": "2.29", "boxes": "true"}
    shown.reload()
    shown.locator("#boxes button").first.click()
    expect(shown.locator("#said-name")).to_have_text("red fox")
    shown.click("#said-undo")
    expect(shown.locator("#right")).to_be_visible()
    expect(shown.locator("#history-summary")).to_have_text("Your animals: 1")
    stored = """() => new Promise((done) => {
        indexedDB.open("faunalens-list").onsuccess = ({ target: { result } }) => {
            const count = result.transaction("thumbnails").objectStore("thumbnails").count();
            count.onsuccess = () => done(count.result);
        };
    })"""
    shown.click("#history-summary")
    expect(rows).to_have_count(1)
    shown.wait_for_function(f"({stored})().then((count) => count === 1)")


def test_what_is_sent_of_the_whole_photo_is_not_said_of_an_animal_that_is_selected_meanwhile(
    stand: Stand, identified: Identified
) -> None:
    # GIVEN a photo with two animals, which was confirmed as a whole, as was one of them
    stand.keeps = True
    shown = _with_boxes(stand, identified, boxes())
    shown.locator("#boxes button").first.click()
    shown.click("#right")
    shown.get_by_role("button", name="The whole photo").click()
    shown.click("#right")
    expect(shown.locator("#said-name")).to_have_text("koala")
    # WHEN that animal is selected before the server has answered what is sent
    stand.open.clear()
    with shown.expect_request("**/identify*"):
        shown.click("#said-send")
    shown.locator("#boxes button").first.click()
    stand.open.set()
    shown.wait_for_function("() => !document.getElementById('said-send').disabled")
    # THEN it is still what was said of it
    expect(shown.locator("#said-name")).to_have_text("red fox")
    listed = shown.evaluate("JSON.parse(localStorage.getItem('observations')).map((each) => each.taxon.name)")
    assert sorted(listed) == ["koala", "red fox"]


def test_no_box_does_not_mean_no_animal(stand: Stand, identified: Identified) -> None:
    none = BoxesFound(count=0, boxes=())
    shown = _with_boxes(stand, identified, answers.koala(animals=(), people=none, vehicles=none))
    expect(shown.locator("#every-heading")).to_have_text("No single animal was found")
    expect(shown.locator("#also-seen")).to_be_empty()
    # AND a server without a detector says so, and the answer stays
    stand.tell_of(shown, answers.koala())
    expect(shown.locator("#find")).to_be_visible()  # now the answer is the new one; its name is that of the last
    stand.tell(*problem("bad_request", 400))
    shown.get_by_role("button", name="Find every animal").click()
    expect(shown.locator("#find-problem")).to_contain_text("This server has no detector")
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#find")).to_be_hidden()
