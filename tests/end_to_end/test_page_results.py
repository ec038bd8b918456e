"""After the answer: it survives a reload, can be shared, copied, compared, corrected and deleted."""

import json
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, ViewportSize, expect

from chalicelib.api.responses import PredictedTaxon
from testing import pictures
from tests.end_to_end import answers
from tests.end_to_end.browsing import DESK, PHONE, Open, photo
from tests.end_to_end.stand import Stand

pytestmark = pytest.mark.firefox

HEIC = b"\0\0\0\x18ftypheic"
TEXT = """Almost certain: koala (Phascolarctos cinereus), 97%
Around 33.1° S, 150.9° E (Australia), from the photo’s GPS data.
Faunalens"""


@pytest.fixture
def keeping(stand: Stand) -> Stand:
    """A server that keeps results, and knows the koala."""
    stand.keeps = True
    stand.tell(answers.koala())
    return stand


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def answered(request: pytest.FixtureRequest, keeping: Stand, open_page: Open) -> Page:
    """The answer to a photo, at both sizes."""
    viewport: ViewportSize = request.param
    shown = open_page(keeping.url, viewport=viewport, permissions=["clipboard-read", "clipboard-write"])
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    return shown


def clipboard(shown: Page) -> str:
    text: str = shown.evaluate("navigator.clipboard.readText()")
    return text


def test_an_answer_is_copied_as_text_and_as_a_link(answered: Page, keeping: Stand) -> None:
    # GIVEN a browser that has no sharing of its own
    answered.evaluate("navigator.share = undefined")
    answered.click("#copy")
    expect(answered.locator("#share-status")).to_have_text("Copied.")
    assert clipboard(answered) == f"{TEXT}: {keeping.url}r/result-1"
    answered.click("#share")
    expect(answered.locator("#share-status")).to_have_text("The link was copied.")
    assert clipboard(answered) == f"{keeping.url}r/result-1"


def test_a_phone_shares_by_its_own_sheet(keeping: Stand, open_page: Open) -> None:
    shown = open_page(keeping.url, viewport=PHONE)
    shown.evaluate("() => { navigator.share = async (what) => { window.shared = what; }; }")
    shown.set_input_files("#pick", photo())
    shown.click("#share")
    assert shown.evaluate("window.shared") == {
        "title": "Almost certain: koala (Phascolarctos cinereus), 97%",
        "url": f"{keeping.url}r/result-1",
    }


def test_without_a_right_to_the_clipboard_the_text_is_shown(stand: Stand, open_page: Open) -> None:
    # GIVEN a server that keeps nothing, and a browser that refuses its clipboard
    shown = open_page(stand.url)
    shown.evaluate("() => { navigator.clipboard.writeText = async () => { throw new Error('denied'); }; }")
    shown.set_input_files("#pick", photo())
    shown.click("#copy")
    # THEN the text can be copied by hand, and nothing is offered that needs a result
    expect(shown.locator("#share-status textarea")).to_have_value(TEXT)
    for name in ("share", "wrong", "history"):
        expect(shown.locator(f"#{name}")).to_be_hidden()
    assert "keep" not in stand.sent[0].query


def test_a_wrong_answer_is_corrected_in_words_and_stays(answered: Page, keeping: Stand) -> None:
    # GIVEN taxa that can be found by name
    keeping.taxa["?q=wal"] = {"taxa": [{"taxon": "x", "name": "wallaby", "scientific_name": "Wallabia bicolor"}]}
    answered.click("#wrong")
    expect(answered.locator("#correct-animal")).to_be_focused()
    expect(answered.locator("#wrong")).to_have_attribute("aria-expanded", "true")
    # WHEN it is sent empty THEN it says what is missing
    answered.click("#correct-send")
    expect(answered.locator("#share-status")).to_have_text("Type a name first.")
    # WHEN a name is typed THEN names are offered
    answered.locator("#correct-animal").press_sequentially("wal")
    expect(answered.locator('#correct-names option[value="wallaby"]')).to_have_count(1)
    # AND what is sent is kept beside the answer, which stays
    answered.fill("#correct-animal", "swamp wallaby")
    answered.press("#correct-animal", "Enter")
    expect(answered.locator("#share-status")).to_contain_text("Thank you.")
    expect(answered.locator("#wrong")).to_be_focused()
    (sent,) = keeping.kept
    assert (sent.method, sent.path, sent.authorization) == (
        "POST",
        "/dev/r/result-1/correction",
        "Bearer token-result-1",
    )
    assert json.loads(sent.body) == {"animal": "swamp wallaby"}
    expect(answered.locator("#name")).to_have_text("Almost certain: koala")


def test_a_correction_and_a_deletion_that_fail_say_so(answered: Page, keeping: Stand) -> None:
    keeping.result_status = 503
    answered.click("#wrong")
    answered.fill("#correct-animal", "wallaby")
    answered.click("#correct-send")
    expect(answered.locator("#share-status")).to_contain_text("Temporarily unavailable")
    expect(answered.locator("#correct-animal")).to_have_value("wallaby")
    expect(answered.locator("#correct-send")).to_be_enabled()
    answered.click("#history-summary")
    answered.locator("#history-list button").click()
    expect(answered.locator("#history-status")).to_contain_text("Temporarily unavailable")
    expect(answered.locator("#history-list li")).to_have_count(1)


def test_a_reload_keeps_the_answer_and_the_photo(answered: Page, keeping: Stand) -> None:
    answered.reload()
    expect(answered.locator("#name")).to_have_text("Almost certain: koala")
    assert answered.evaluate("document.getElementById('picture').naturalWidth") > 0
    assert len(keeping.sent) == 1
    # AND the place can still be changed, since the photo is still there
    answered.click("#elsewhere")
    answered.fill("#place-name", "48.86, 2.29")
    answered.click("#place-use")
    expect(answered.locator("#changed")).to_be_visible()
    assert keeping.sent[1].body == keeping.sent[0].body
    # AND another photo takes its place
    keeping.tell(answers.koala(), 500)
    answered.set_input_files("#pick", photo())
    expect(answered.locator("#problem")).to_be_visible()
    answered.reload()
    expect(answered.locator("#invitation")).to_be_visible()


def test_a_reload_keeps_the_last_photo_although_an_earlier_one_took_longer_to_save(
    keeping: Stand, open_page: Open
) -> None:
    # GIVEN a photo whose answer is still being saved
    shown = open_page(keeping.url)
    shown.evaluate(
        """() => {
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
        }"""
    )
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    # WHEN another one is chosen, and is saved before it
    keeping.tell(answers.koala(prediction=None, candidates=(), subject="none"))
    shown.set_input_files("#pick", photo(pictures.jpeg(90, 80)))
    expect(shown.locator("#name")).to_have_text("No animal")
    assert shown.evaluate("window.held.length") == 2
    shown.evaluate("window.release()")
    # THEN it is the other one that a reload keeps
    shown.reload()
    expect(shown.locator("#name")).to_have_text("No animal")


def test_a_reload_keeps_what_was_undone_and_what_was_deleted(answered: Page, keeping: Stand) -> None:
    # GIVEN another place that was undone
    answered.click("#elsewhere")
    answered.fill("#place-name", "48.86, 2.29")
    answered.click("#place-use")
    keeping.tell(answers.koala(prediction=None, candidates=(), subject="none"))
    answered.click("#undo")
    expect(answered.locator("#changed")).to_be_hidden()
    # WHEN its result is deleted, and the page loaded again
    answered.click("#history-summary")
    answered.locator("#history-list button").click()
    expect(answered.locator("#share")).to_be_hidden()
    answered.reload()
    # THEN the first answer is there, which can no longer be shared
    expect(answered.locator("#where")).to_contain_text("from the photo’s GPS data")
    expect(answered.locator("#share")).to_be_hidden()


def test_a_reload_right_after_a_deletion_keeps_it(answered: Page) -> None:
    # GIVEN an answer that is saved, in a browser that takes its time to read photos from now on
    answered.wait_for_function("sessionStorage.length > 0")
    answered.evaluate("() => { FileReader.prototype.readAsDataURL = () => {}; }")
    # WHEN its result is deleted, and the page loaded again at once
    answered.click("#history-summary")
    answered.locator("#history-list button").click()
    expect(answered.locator("#share")).to_be_hidden()
    answered.reload()
    # THEN it cannot be shared any more
    expect(answered.locator("#name")).to_have_text("Almost certain: koala")
    expect(answered.locator("#share")).to_be_hidden()


def test_a_photo_that_is_too_large_to_keep_leaves_its_answer(keeping: Stand, open_page: Open) -> None:
    # GIVEN a photo that the browser cannot decode and so cannot shrink
    shown = open_page(keeping.url)
    shown.set_input_files("#pick", photo(HEIC + bytes(3_500_000), "a.heic", "image/heic"))
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    shown.reload()
    # THEN the answer is there, without what would need the photo
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    for name in ("elsewhere", "find-row", "add-place"):
        expect(shown.locator(f"#{name}")).to_be_hidden()


def test_the_servers_picture_stands_in_for_one_that_the_browser_cannot_show(keeping: Stand, open_page: Open) -> None:
    shown = open_page(keeping.url)
    shown.route(
        "**/r/result-1.jpg", lambda route: route.fulfill(body=pictures.jpeg(400, 400), content_type="image/jpeg")
    )
    shown.set_input_files("#pick", photo(HEIC + bytes(900), "a.heic", "image/heic"))
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    expect(shown.locator("#picture")).to_be_visible()
    expect(shown.locator("#no-picture")).to_be_hidden()
    assert shown.evaluate("document.getElementById('picture').naturalWidth") == 400


def test_the_history_has_one_entry_for_each_photo_and_deletes_all_of_it(answered: Page, keeping: Stand) -> None:
    # GIVEN a photo whose place was changed, and another one
    answered.click("#elsewhere")
    answered.fill("#place-name", "48.86, 2.29")
    answered.click("#place-use")
    expect(answered.locator("#changed")).to_be_visible()
    answered.set_input_files("#pick", photo(pictures.jpeg(90, 80)))
    expect(answered.locator("#history-summary")).to_have_text("Your answers: 2")
    # WHEN the list is opened THEN each has a link and the day on which it is deleted
    answered.click("#history-summary")
    expect(answered.locator("#history-list a")).to_have_text(["koala", "koala"])
    assert answered.get_attribute("#history-list a", "href") == "/dev/r/result-3"
    expect(answered.locator("#history-list")).to_contain_text("until January 31")
    # WHEN the older one is deleted THEN so are the answers for both of its places
    answered.locator("#history-list button").last.click()
    expect(answered.locator("#history-list li")).to_have_count(1)
    assert [(each.method, each.path) for each in keeping.kept] == [
        ("DELETE", "/dev/r/result-2"),
        ("DELETE", "/dev/r/result-1"),
    ]
    expect(answered.locator("#share")).to_be_visible()
    # WHEN the one on the page is deleted THEN it can no longer be shared
    answered.locator("#history-list button").click()
    expect(answered.locator("#history-summary")).to_have_text("Your answers: 0")
    expect(answered.locator("#share")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", ["en", "de"])
def test_each_answer_of_the_history_has_its_button_beside_it_on_a_phone(
    keeping: Stand, open_page: Open, language: str, width: int
) -> None:
    # GIVEN two answers, one of them with a long name
    keeping.language = language
    shown = open_page(keeping.url, viewport={"width": width, "height": 740})
    named = PredictedTaxon("Sulphur-crested cockatoo", "Cacatua galerita", "species", 0.97, sure="almost certain")
    for prediction in (answers.KOALA.prediction, named):
        keeping.tell(answers.koala(prediction=prediction))
        shown.set_input_files("#pick", photo())
        expect(shown.locator("#history-summary")).to_contain_text("2" if prediction is named else "1")
    shown.click("#history-summary")
    expect(shown.locator("#history-list li")).to_have_count(2)
    # THEN each button is at the end of its row, and the same for all
    rows: list[Any] = [
        [each.locator(part).bounding_box() for part in ("a", "span", "button")]
        for each in shown.locator("#history-list li").all()
    ]
    assert len({button["x"] for _, _, button in rows}) == 1
    for title, until, button in rows:
        assert button["x"] >= max(title["x"] + title["width"], until["x"] + until["width"])
        assert title["y"] <= button["y"] < until["y"] + until["height"]
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_all_answers_are_deleted_after_a_question(answered: Page, keeping: Stand) -> None:
    # GIVEN two answers
    answered.set_input_files("#pick", photo(pictures.jpeg(90, 80)))
    expect(answered.locator("#history-summary")).to_have_text("Your answers: 2")
    answered.click("#history-summary")
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    # WHEN the question is answered with no THEN they stay
    answered.once("dialog", refuse)
    answered.click("#delete-all")
    expect(answered.locator("#history-list li")).to_have_count(2)
    assert (asked, keeping.kept) == (["Delete all your answers? This cannot be undone."], [])
    # WHEN with yes THEN they go
    answered.once("dialog", lambda dialog: dialog.accept())
    answered.click("#delete-all")
    expect(answered.locator("#history-summary")).to_have_text("Your answers: 0")
    assert [each.method for each in keeping.kept] == ["DELETE"] * 2


def test_nobody_has_to_keep_anything(keeping: Stand, open_page: Open) -> None:
    shown = open_page(keeping.url)
    expect(shown.locator("#privacy-kept")).to_contain_text("30 days")
    shown.click("#history-summary")
    shown.uncheck("#keep")
    # THEN the wish outlives a reload, and the next answer is not kept
    shown.reload()
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert "keep" not in keeping.sent[0].query
    expect(shown.locator("#share")).to_be_hidden()


def test_the_likeliest_animals_are_compared_side_by_side(answered: Page, keeping: Stand) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0h1v1z"/></svg>'
    for taxon, area in (
        ("phascolarctos-cinereus", "eastern Australia"),
        ("oryctolagus-cuniculus", "Iberia"),
        ("bradypus", "Central America"),
    ):
        keeping.taxa[taxon] = facts(area)
        keeping.taxa[f"{taxon}/range.svg"] = svg
    answered.click("#compare summary")
    columns = answered.locator("#compare section")
    expect(columns.locator("h4")).to_have_text(["koala", "rabbit", "three-toed sloth"])
    expect(columns.first).to_contain_text("eastern Australia")
    expect(columns.first).to_contain_text("lives here")
    # AND the maps are above the words, whose length differs
    expect(columns.locator(".map:has(img) + dl")).to_have_count(3)
    assert answered.evaluate("document.documentElement.scrollWidth <= innerWidth")


def facts(area: str) -> dict[str, Any]:
    """What the API says of a taxon that lives in an area, if anywhere."""
    ranges = [{"status": "native", "words": area, "extent": "all", "certainty": "sure", "season": None}] if area else []
    return {
        "lives": "range" if area else "unknown",
        "ranges": ranges,
        "lineage": [{"name": "mammal"}, {"name": "itself"}],
        "links": {"gbif": "https://www.gbif.org/species/1"},
    }


def test_a_phone_keeps_photo_and_name_in_view(keeping: Stand, open_page: Open) -> None:
    shown = open_page(keeping.url, viewport=PHONE)
    shown.set_input_files("#pick", photo())
    shown.locator("#about").scroll_into_view_if_needed()
    for name in ("beside", "name"):
        expect(shown.locator(f"#{name}")).to_be_in_viewport()


@pytest.mark.firefox(lacks="prints, by its driver")
def test_a_print_has_photo_and_answer_but_no_buttons(answered: Page) -> None:
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
    assert answered.evaluate(outside) == []
