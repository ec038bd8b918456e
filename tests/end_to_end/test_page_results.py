"""After the answer: it survives a reload, can be copied, compared and shared, and is kept only for that."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import DESK, PHONE, Open, add_place, photo, problem, unreadable
from tests.end_to_end.stand import Stand
from tests.support import pictures

pytestmark = pytest.mark.firefox

TEXT = """Almost certain: koala (Phascolarctos cinereus), 97%
Around 33.1° S, 150.9° E (Australia), from the photo’s GPS data.
Faunalens"""


@pytest.fixture
def answered(keeping: Stand, open_page: Open) -> Page:
    """The answer to a photo, on a phone."""
    shown = open_page(keeping.url, viewport=PHONE, permissions=["clipboard-read", "clipboard-write"])
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    return shown


def share(shown: Page) -> None:
    """Share the answer, without a look at what is then kept."""
    shown.click("#share")
    expect(shown.locator("#share-go")).to_be_enabled()
    shown.click("#share-go")
    expect(shown.locator("#share-ask")).to_be_hidden()


def clipboard(shown: Page) -> str:
    text: str = shown.evaluate("navigator.clipboard.readText()")
    return text


def test_nothing_is_kept_before_it_was_said_what_and_for_how_long(answered: Page, keeping: Stand) -> None:
    # GIVEN a photo in which nobody has looked for people, and a browser that has no sharing of its own
    answered.evaluate("navigator.share = undefined")
    answered.click("#copy")
    expect(answered.locator("#share-status")).to_have_text("Copied.")
    assert clipboard(answered) == TEXT
    keeping.tell(answers.koala(people=answers.NO_PEOPLE))
    # WHEN it is to be shared THEN people are looked for, and it says what will be kept, and asks
    answered.click("#share")
    expect(answered.locator("#share-what")).to_contain_text("this server keeps the answer until")
    expect(answered.locator("#share-picture")).to_be_checked()
    assert [each.query.get("keep") for each in keeping.sent] == [None] * 2
    answered.click("#share-cancel")
    expect(answered.locator("#share-ask")).to_be_hidden()
    # WHEN that is confirmed THEN the answer is kept with its picture, and there is a link
    share(answered)
    expect(answered.locator("#share-status")).to_have_text("The link was copied.")
    name = f"result-{len(keeping.sent)}"
    assert (keeping.sent[-1].query["keep"], clipboard(answered)) == ("picture", f"{keeping.url}r/{name}")
    # AND from then on, the text has it too, and sharing again keeps nothing more
    count = len(keeping.sent)
    answered.click("#copy")
    expect(answered.locator("#share-status")).to_have_text("Copied.")
    assert clipboard(answered) == f"{TEXT}: {keeping.url}r/{name}"
    answered.click("#share")
    expect(answered.locator("#share-status")).to_have_text("The link was copied.")
    assert len(keeping.sent) == count


@pytest.mark.parametrize(
    ("people", "said"),
    [(answers.TWO_PEOPLE, "There are people in the photo."), (None, "Nothing here can tell")],
    ids=["people", "no detector"],
)
def test_a_picture_with_people_is_left_out_until_chosen(answered: Page, keeping: Stand, people: Any, said: str) -> None:
    if people:
        keeping.tell(answers.koala(people=people))
    else:
        keeping.tell(*problem("bad_request", 400))
    answered.click("#share")
    expect(answered.locator("#share-people")).to_contain_text(said)
    expect(answered.locator("#share-picture")).not_to_be_checked()
    # WHEN it stays so THEN the picture is not kept; WHEN it is chosen THEN it is
    keeping.tell(answers.koala())
    answered.click("#share-go")
    expect(answered.locator("#share-ask")).to_be_hidden()
    assert keeping.sent[-1].query["keep"] == "answer"


def test_a_phone_shares_by_its_own_sheet_but_not_what_cannot_be_kept(answered: Page, keeping: Stand) -> None:
    answered.evaluate("() => { navigator.share = async (what) => { window.shared = what; }; }")
    keeping.tell(*problem("unavailable", 503))
    answered.click("#share")
    expect(answered.locator("#share-go")).to_be_enabled()
    answered.click("#share-go")
    expect(answered.locator("#share-status")).to_contain_text("Temporarily unavailable")
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
    # AND without a network, nothing is promised: it is not sent later
    answered.context.set_offline(True)
    answered.click("#share-go")
    expect(answered.locator("#share-status")).to_have_text(
        "No connection. The service cannot be reached. Check your connection, then try again."
    )
    answered.context.set_offline(False)
    keeping.tell(answers.koala())
    answered.click("#share-go")
    expect(answered.locator("#share-ask")).to_be_hidden()
    assert answered.evaluate("window.shared") == {
        "title": "Almost certain: koala (Phascolarctos cinereus), 97%",
        "url": f"{keeping.url}r/result-{len(keeping.sent)}",
    }


def test_without_a_right_to_the_clipboard_the_text_is_shown(stand: Stand, open_page: Open) -> None:
    # GIVEN a server that keeps nothing, and a browser that refuses its clipboard
    shown = open_page(stand.url)
    shown.evaluate("() => { navigator.clipboard.writeText = async () => { throw new Error('denied'); }; }")
    shown.set_input_files("#pick", photo())
    shown.click("#copy")
    # THEN the text can be copied by hand, and nothing is offered that needs a result
    expect(shown.locator("#share-status textarea")).to_have_value(TEXT)
    expect(shown.locator("#share")).to_be_hidden()
    assert "keep" not in stand.sent[0].query


def test_a_reload_keeps_the_answer_and_the_photo(answered: Page, keeping: Stand) -> None:
    answered.wait_for_function("Object.values(sessionStorage).some((text) => text.includes('data:'))")
    answered.reload()
    expect(answered.locator("#name")).to_have_text("Almost certain: koala")
    assert answered.evaluate("document.getElementById('picture').naturalWidth") > 0
    assert len(keeping.sent) == 1
    # AND the place can still be changed, since the photo is still there
    add_place(answered)
    expect(answered.locator("#changed")).to_be_visible()
    assert keeping.sent[1].body == keeping.sent[0].body
    # AND another photo takes its place
    keeping.tell_of(answered, answers.koala(), 500)
    expect(answered.locator("#problem")).to_be_visible()
    answered.reload()
    expect(answered.locator("#invitation")).to_be_visible()


def test_after_a_reload_photos_still_know_when_and_where_they_were_taken(keeping: Stand, open_page: Open) -> None:
    # GIVEN the answer to a photo that is too large to be sent with its EXIF
    exif = pictures.exif(pictures.SYDNEY, taken="2026:07:14 09:30:00")
    large = pictures.encoded(pictures.noise(2000, 1500), "JPEG", quality=90, exif=exif)
    shown = open_page(keeping.url)
    shown.set_input_files("#pick", photo(large))
    shown.wait_for_function("() => Object.values(sessionStorage).some((text) => text.includes('data:'))")
    # WHEN another of the same animal is added after a reload THEN place and month of the first are sent
    shown.reload()
    shown.set_input_files("#more", photo(pictures.jpeg()))
    expect(shown.locator("#photos li")).to_have_count(2)
    expect(shown.locator("#answer")).to_be_visible()
    taken = {"lat": "-33.87", "lon": "151.21", "time": "2026-07"}
    assert keeping.sent[-1].query == taken
    # AND so is the first if they are of different animals
    shown.click("#split")
    expect(shown.locator("#many-progress")).to_have_text("2 of 2 identified.")
    assert taken in [each.query for each in keeping.sent[-2:]]


def test_a_reload_keeps_the_last_photo_although_an_earlier_one_was_saved_later(keeping: Stand, open_page: Open) -> None:
    # GIVEN a photo whose answer is still being saved
    shown = open_page(keeping.url)
    shown.evaluate("""() => {
        const read = FileReader.prototype.readAsDataURL;
        window.held = [];
        FileReader.prototype.readAsDataURL = function (blob) { window.held.push(() => read.call(this, blob)); };
        window.release = async () => {
            FileReader.prototype.readAsDataURL = read;
            for (const each of window.held.reverse()) {
                each();
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
        };
    }""")
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # WHEN another one is chosen, and is saved before it
    keeping.tell_of(
        shown, answers.koala(prediction=None, candidates=(), subject="none"), file=photo(pictures.jpeg(90, 80))
    )
    expect(shown.locator("#name")).to_have_text("No animal")
    assert shown.evaluate("window.held.length") == 2
    shown.evaluate("window.release()")
    # THEN it is the other one that a reload keeps
    shown.reload()
    expect(shown.locator("#name")).to_have_text("No animal")


def test_a_reload_at_once_keeps_what_was_undone_and_what_was_deleted(answered: Page) -> None:
    # GIVEN another place that was undone, in a browser that takes its time to read photos from now on
    add_place(answered)
    answered.click("#undo")
    expect(answered.locator("#changed")).to_be_hidden()
    share(answered)
    answered.evaluate("() => { FileReader.prototype.readAsDataURL = () => {}; }")
    # WHEN its result is deleted, and the page loaded again
    answered.click("#history-summary")
    answered.locator("#history-list button").last.click()
    expect(answered.locator("#history-summary")).to_have_text("Your animals: 0")
    answered.reload()
    # THEN the first answer is there, which is asked about again before it is shared
    expect(answered.locator("#where")).to_contain_text("from the photo’s GPS data")
    answered.click("#share")
    expect(answered.locator("#share-ask")).to_be_visible()


def test_a_photo_that_is_too_large_to_keep_leaves_its_answer(keeping: Stand, open_page: Open, tmp_path: Path) -> None:
    # GIVEN a photo that the browser cannot decode and so cannot shrink
    shown = open_page(keeping.url)
    shown.set_input_files("#pick", unreadable(tmp_path, 3_500_000))
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    shown.reload()
    # THEN the answer is there, without what would need the photo
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    for name in ("elsewhere", "find-row", "add-place"):
        expect(shown.locator(f"#{name}")).to_be_hidden()


def test_the_likeliest_animals_are_compared_side_by_side(answered: Page, keeping: Stand) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0h1v1z"/></svg>'
    areas = {"phascolarctos-cinereus": "eastern Australia", "oryctolagus-cuniculus": "Iberia", "bradypus": "Panama"}
    for taxon, area in areas.items():
        keeping.taxa[taxon] = facts(area)
        keeping.taxa[f"{taxon}/range.svg"] = svg
    answered.click("#compare summary")
    expect(answered.locator("#compare [role=row]")).to_have_count(6)
    names, maps, *rows = answered.locator("#compare [role=row]").all()
    expect(names.get_by_role("link")).to_have_text(["Koala", "Rabbit", "Three-toed sloth"])
    expect(maps.locator(".map img")).to_have_count(3)
    # AND what differs is above what does not, and no prose is there
    assert [each.inner_text().splitlines() for each in rows] == [
        ["Where it was taken", "lives here", "introduced here", "would be unusual here"],
        ["Photo and place", "95%", "2%", "1%"],
        ["Photo alone", "81%", "2%", "11%"],
        ["Class", "mammal, all of them"],
    ]
    for viewport in (DESK, PHONE):
        answered.set_viewport_size(viewport)
        assert answered.evaluate("document.documentElement.scrollWidth <= innerWidth")


def facts(area: str) -> dict[str, Any]:
    """What the API says of a taxon that lives in an area."""
    return {
        "lives": "range",
        "ranges": [{"status": "native", "words": area, "extent": "all", "certainty": "sure", "season": None}],
        "lineage": [{"name": "mammal", "rank": "class"}, {"name": "itself", "rank": "species"}],
        "group": "mammals",
        "links": {"gbif": "https://www.gbif.org/species/1"},
    }


@pytest.mark.firefox(lacks="prints, by its driver")
def test_a_phone_keeps_photo_and_name_in_view_and_a_print_has_them_but_no_buttons(answered: Page) -> None:
    answered.locator("#about").scroll_into_view_if_needed()
    for name in ("beside", "name"):
        expect(answered.locator(f"#{name}")).to_be_in_viewport()
    answered.emulate_media(media="print")
    for name in ("picture", "name", "candidates", "where"):
        expect(answered.locator(f"#{name}")).to_be_visible()
    for name in ("pick-label", "copy", "elsewhere", "history", "privacy-kept"):
        expect(answered.locator(f"#{name}")).to_be_hidden()
    # AND nothing is cut off at its edges
    outside = """() => [...document.querySelectorAll("#answer :not(.unseen)")]
        .filter((e) => e.checkVisibility())
        .map((e) => [e.outerHTML, e.getBoundingClientRect()])
        .filter(([, { left, right }]) => left < 0 || right > innerWidth)
        .map(([html]) => html)"""
    for viewport in (PHONE, DESK):
        answered.set_viewport_size(viewport)
        assert answered.evaluate(outside) == []
