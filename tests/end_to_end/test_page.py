"""The page in a real browser. `stand` tests show states with told answers; the last ones go through the whole app."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, Route, expect

from chalicelib import errors, page
from chalicelib.answer import FeaturesUsed, PredictedTaxon
from tests import pictures
from tests.end_to_end import answers
from tests.end_to_end.stand import Stand

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
HOME = {"latitude": -33.868512, "longitude": 151.209349}

Open = Callable[..., Page]


def photo(data: bytes | None = None, name: str = "photo.jpg", kind: str = "image/jpeg") -> FilePayload:
    """A file to choose."""
    return {"name": name, "mimeType": kind, "buffer": data or pictures.jpeg(exif=pictures.exif(pictures.SYDNEY))}


def problem(code: str, status: int, detail: str = "what happened") -> tuple[dict[str, Any], int]:
    """Problem details and their status."""
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}, status


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address; afterwards, the page must have had no fault and asked nobody else for anything."""
    faults: list[str] = []
    asked: set[str] = set()
    hosts = {""}  # of blob: and about: addresses
    contexts = []

    def open_one(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", "locale": "en-GB"} | options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        opened = context.new_page()

        def note(message: ConsoleMessage) -> None:
            # Chromium reports each refusal of the API, and a map we take away, as an error of a resource.
            if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
                faults.append(message.text)

        opened.on("console", note)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        hosts.add(urlsplit(url).netloc)
        opened.goto(url)
        return opened

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []
    assert asked <= hosts


def test_an_answer_says_what_it_is_how_sure_and_where(stand: Stand, open_page: Open) -> None:
    # GIVEN an API that sees a koala in Australia
    stand.tell(answers.koala())
    stand.residents = asdict(answers.RESIDENTS)
    shown = open_page(stand.url)
    # WHEN a photo is chosen
    shown.set_input_files("#pick", photo())
    # THEN the animal, its name in Latin, its rank and how sure that is are there, and are said aloud
    expect(shown.locator("#name")).to_have_text("koala")
    expect(shown.locator("#taxon")).to_contain_text("Phascolarctos cinereus")
    expect(shown.locator("#rank")).to_have_text("species")
    expect(shown.locator("#score")).to_have_text("97 % very sure")
    expect(shown.locator("#status")).to_have_text("koala, species, very sure, 97 %.")
    # AND each candidate has a bar as long as its score, a mark at its score without the place, and a badge
    rows = shown.locator("#candidates li")
    expect(rows.locator(".badge")).to_have_text(["native", "introduced", "unexpected", "everywhere"])
    expect(rows.locator(".candidate-score")).to_have_text(["97 %", "2 %", "< 1 %", "< 1 %"])
    track, bar, tick = (rows.first.locator(part).bounding_box() for part in (".track", ".bar", ".tick"))
    assert track is not None
    assert bar is not None
    assert tick is not None
    assert bar["width"] / track["width"] == pytest.approx(0.97, abs=0.01)
    assert (tick["x"] - track["x"]) / track["width"] == pytest.approx(0.81, abs=0.01)
    # AND the place is a sentence and a hexagon on the map
    expect(shown.locator("#where")).to_have_text("Around 33.1° S, 150.9° E, in or near Australia, as the photo says.")
    expect(shown.locator("#narrowing")).to_have_text("The 74 animals known to live there weigh more.")
    corners = (shown.locator("#answer-map .cell").get_attribute("points") or "").split()
    assert len(corners) == 6
    # AND the animals of the place are there for the asking
    shown.get_by_text("Which animals live around there?").click()
    expect(shown.locator("#animals-list li")).to_have_text([re.compile("koala"), re.compile("red fox\\s*introduced")])
    assert stand.sent[-1].query == {"lat": "-33.10", "lon": "150.90"}


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("no_location", "No place was used: this is the picture alone."),
        ("unknown_area", "Which animals live there is not known: this is the picture alone."),
        ("degraded", "The place could not be used just now; this is the picture alone."),
    ],
)
def test_an_answer_says_when_the_place_was_not_used(stand: Stand, open_page: Open, mode: Any, sentence: str) -> None:
    place = answers.NOWHERE if mode == "no_location" else answers.AUSTRALIA
    alone = (answers.candidate("koala", "Phascolarctos cinereus", 0.9, 0.9, None),)
    stand.tell(answers.koala(features=FeaturesUsed(mode, "bypass", 0, None), location=place, candidates=alone))
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#narrowing")).to_have_text(sentence)
    expect(shown.locator(".badge")).to_be_hidden()
    expect(shown.locator("#legend")).to_be_hidden()
    expect(shown.locator("#answer-map")).to_be_visible(visible=mode != "no_location")


def test_an_animal_out_of_place_and_a_group_of_animals_get_a_remark(stand: Stand, open_page: Open) -> None:
    # GIVEN a tiger in Australia
    tiger = (answers.candidate("tiger", "Panthera tigris", 0.8, 0.97, "unexpected"),)
    prediction = PredictedTaxon("tiger", "Panthera tigris", "species", 0.8)
    stand.tell(answers.koala(prediction=prediction, candidates=tiger))
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#remark")).to_contain_text("Not known to live where the photo was taken")
    # AND WHEN the next photo shows one of the cats, but not which
    stand.tell(answers.koala(prediction=PredictedTaxon("cats", "Felidae", "family", 0.88), candidates=tiger))
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("cats")
    expect(shown.locator("#remark")).to_contain_text("Sure as far as the family")


def test_no_animal_is_an_answer_too(stand: Stand, open_page: Open) -> None:
    stand.tell(answers.koala(prediction=None, animal_probability=0.03))
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_have_text("No animal recognised")
    expect(shown.locator("#score")).to_be_hidden()
    expect(shown.locator("#status")).to_have_text("No animal was recognised.")


HEADINGS = {
    "bad_request": "That did not work",
    "not_found": "That did not work",
    "method_not_allowed": "That did not work",
    "photo_too_large": "This photo is too large",
    "unsupported_media_type": "This is not a photo we can read",
    "photo_unreadable": "This photo is damaged",
    "location_missing": "Where was it taken?",
    "location_invalid": "That is no place on Earth",
    "too_many_requests": "Too many photos at once",
    "internal": "Something went wrong on our side",
    "unavailable": "Just a moment",
}


def _codes(kind: type[errors.HTTPError]) -> Iterator[type[errors.HTTPError]]:
    for each in kind.__subclasses__():
        yield from _codes(each)
        if "code" in vars(each):
            yield each


@pytest.mark.parametrize("error", [*_codes(errors.HTTPError)], ids=lambda error: error.code)
def test_every_error_is_a_sentence(stand: Stand, open_page: Open, error: type[errors.HTTPError]) -> None:
    stand.tell(*problem(error.code, error.status), {"Retry-After": "5"} if error.status in (429, 503) else {})
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    view = shown.locator("#place" if error.code.startswith("location_") else "#problem")
    expect(view.locator("h2")).to_have_text(HEADINGS[error.code])
    expect(view.locator("h2 + p")).to_have_text(re.compile(r"^\S.*\.$"))
    expect(shown.locator("#status")).to_contain_text(HEADINGS[error.code])
    if view.get_attribute("id") == "problem":
        expect(view.locator("#problem-detail")).to_have_text("what happened")
    if error.status in (429, 503):
        expect(view).to_contain_text("About 5 seconds should do.")


@pytest.mark.parametrize(
    ("status", "body", "heading"),
    [
        (413, {"message": "Request Too Long"}, "This photo is too large"),
        (429, {"message": "Too Many Requests"}, "Too many photos at once"),
        (504, {"message": "Endpoint request timed out"}, "That took too long"),
        (502, "<html>Bad Gateway</html>", "That did not work"),
        (200, "<html>A portal</html>", "That did not work"),
    ],
)
def test_what_stands_in_front_of_the_api_may_refuse_in_its_own_words(
    stand: Stand, open_page: Open, status: int, body: Any, heading: str
) -> None:
    stand.tell(body, status)
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#problem-heading")).to_have_text(heading)


def test_without_a_connection_one_can_try_again(stand: Stand, open_page: Open) -> None:
    # GIVEN a connection that fails
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.route("**/identify*", lambda route: route.abort())
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#problem-heading")).to_have_text("No connection")
    # WHEN it is back and one tries again THEN the same photo is answered
    shown.unroute("**/identify*")
    shown.get_by_role("button", name="Try again").click()
    expect(shown.locator("#name")).to_have_text("koala")


def test_it_says_that_it_is_busy_and_a_new_photo_replaces_the_old(stand: Stand, open_page: Open) -> None:
    # GIVEN a photo whose answer takes its time
    stand.open.clear()
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#busy")).to_be_visible()
    expect(shown.locator("#outcome")).to_have_attribute("aria-busy", "true")
    # WHEN another photo is chosen meanwhile THEN the first request is given up
    stand.tell(answers.koala(prediction=PredictedTaxon("emu", "Dromaius novaehollandiae", "species", 0.9)))
    with shown.expect_event("requestfailed", lambda request: "identify" in request.url):
        shown.set_input_files("#pick", photo(pictures.jpeg(300, 200)))
    # AND its answer is the second photo's
    stand.open.set()
    expect(shown.locator("#name")).to_have_text("emu")


def _asked_for_place(stand: Stand, open_page: Open, **options: Any) -> Page:
    stand.tell(*problem("location_missing", 422))
    shown = open_page(stand.url, **options)
    shown.set_input_files("#pick", photo(pictures.jpeg()))
    expect(shown.locator("#place")).to_be_visible()
    stand.tell(answers.koala())
    return shown


def test_a_photo_without_a_place_can_take_the_device_s_rounded(stand: Stand, open_page: Open) -> None:
    shown = _asked_for_place(stand, open_page, geolocation=HOME, permissions=["geolocation"])
    shown.get_by_role("button", name="Use this device’s place").click()
    expect(shown.locator("#name")).to_have_text("koala")
    assert stand.sent[-1].query == {"lat": "-33.87", "lon": "151.21"}


def test_a_device_that_may_not_tell_leaves_the_other_ways(stand: Stand, open_page: Open) -> None:
    shown = _asked_for_place(stand, open_page)
    shown.get_by_role("button", name="Use this device’s place").click()
    expect(shown.locator("#place-problem")).to_contain_text("may not tell the place")
    shown.get_by_role("button", name="Go on without a place").click()
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
    expect(shown.locator("#place-hint")).to_have_text("Press again to be more exact.")
    world.click(position={"x": box["width"] / 2 + box["width"] / 4, "y": box["height"] / 2})
    # THEN a quarter of a quarter of the equator to the east is 22.5°, and that is what is asked for
    shown.get_by_role("button", name="Use this place").click()
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
    shown.get_by_role("button", name="Choose another place").click()
    shown.get_by_role("button", name="Go on without a place").click()
    expect(shown.locator("#name")).to_be_visible()
    assert stand.sent[-1].body == stand.sent[0].body


def test_a_small_photo_is_sent_as_it_is(stand: Stand, open_page: Open) -> None:
    stand.tell(answers.koala())
    chosen = photo()
    shown = open_page(stand.url)
    shown.set_input_files("#pick", chosen)
    expect(shown.locator("#name")).to_be_visible()
    assert stand.sent[0].body == chosen["buffer"]
    assert (stand.sent[0].path, stand.sent[0].content_type) == ("/dev/identify", "image/jpeg")


def test_a_large_photo_shrinks_and_still_says_where_it_was_taken(stand: Stand, open_page: Open, tmp_path: Path) -> None:
    # GIVEN a JPEG over 4.5 MB that lies on its side and knows its place
    exif = pictures.exif(pictures.SYDNEY, orientation=6)
    large = pictures.encoded(pictures.noise(4000, 3000), "JPEG", quality=100, subsampling=0, exif=exif)
    assert len(large) > 4_500_000
    (tmp_path / "large.jpg").write_bytes(large)
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    # WHEN it is chosen
    shown.set_input_files("#pick", tmp_path / "large.jpg")
    expect(shown.locator("#name")).to_be_visible()
    # THEN what is sent is small, upright, says so, and holds the same GPS data
    assert len(stand.sent[0].body) < 4_500_000
    with Image.open(io.BytesIO(stand.sent[0].body)) as sent:
        assert (sent.format, sent.size) == ("JPEG", (1200, 1600))
        assert sent.getexif()[Base.Orientation] == 1
        with Image.open(io.BytesIO(large)) as before:
            assert sent.getexif().get_ifd(IFD.GPSInfo) == before.getexif().get_ifd(IFD.GPSInfo)


def test_a_large_file_that_the_browser_cannot_read_is_sent_as_it_is(stand: Stand, open_page: Open) -> None:
    stand.tell(*problem("photo_too_large", 413))
    unknown = photo(b"\0\0\0\x18ftypheic" + bytes(4_600_000), "large.heic", "image/heic")
    shown = open_page(stand.url)
    shown.set_input_files("#pick", unknown)
    expect(shown.locator("#problem-heading")).to_have_text("This photo is too large")
    expect(shown.locator("#no-picture")).to_contain_text("large.heic")
    assert stand.sent[0].body == unknown["buffer"]


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
def test_exif_is_found_and_set_upright_in_either_byte_order(stand: Stand, open_page: Open, order: str) -> None:
    exif = pictures.exif(pictures.SYDNEY, orientation=8)
    exif.endian = order
    found, upright = _exif_in_browser(open_page(stand.url), pictures.jpeg(exif=exif))
    read = Image.Exif()
    read.load(upright[4:])
    assert found[:4] == b"\xff\xe1" + (len(found) - 2).to_bytes(2)
    assert found[10:12] == {"<": b"II", ">": b"MM"}[order]
    assert read[Base.Orientation] == 1
    assert read.get_ifd(IFD.GPSInfo) == exif.get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize("cut", [0, 1, 3, 24, 30, 60])
def test_broken_exif_is_carried_over_or_left_out_but_breaks_nothing(stand: Stand, open_page: Open, cut: int) -> None:
    whole = pictures.jpeg(exif=pictures.exif(pictures.SYDNEY, orientation=8))
    shown = open_page(stand.url)
    assert _exif_in_browser(shown, whole[:cut]) == (b"", b"")
    pointing_outside = whole.replace(b"Exif\0\0MM\0*\0\0\0\x08", b"Exif\0\0MM\0*\xff\xff\xff\x08")
    assert pointing_outside != whole
    found, upright = _exif_in_browser(shown, pointing_outside)
    assert found == upright


def _exif_in_browser(shown: Page, data: bytes) -> tuple[bytes, bytes]:
    found, upright = shown.evaluate(
        """async (bytes) => {
            const exif = await import(new URL("web/exif.js", document.baseURI));
            const segment = exif.exifSegment(new Uint8Array(bytes));
            return segment ? [[...segment], [...exif.upright(segment)]] : [[], []];
        }""",
        list(data),
    )
    return bytes(found), bytes(upright)


def test_the_page_works_without_the_map(stand: Stand, open_page: Open) -> None:
    def gone(route: Route) -> None:
        route.fulfill(status=404, body="{}")

    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.route("**/world.json", gone)
    shown.reload()
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#where")).to_contain_text("Australia")
    expect(shown.locator("#answer-map")).to_be_hidden()


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["start", "answer", "place", "problem"])
def test_text_stands_out_controls_have_names_and_a_phone_is_wide_enough(
    stand: Stand, open_page: Open, scheme: str, view: str
) -> None:
    told = {"answer": (answers.koala(), 200), "place": problem("location_missing", 422)}
    stand.tell(*told.get(view, problem("unavailable", 503)))
    shown = open_page(stand.url, viewport=PHONE, color_scheme=scheme, has_touch=True)
    if view != "start":
        shown.set_input_files("#pick", photo())
    expect(shown.locator("body")).to_have_attribute("data-state", view)
    contrasts = shown.evaluate(CONTRASTS)
    assert len(contrasts) > 5
    assert [(text, round(ratio, 2)) for text, ratio in contrasts if ratio < 4.5] == []
    controls = shown.locator("button:visible, input, summary:visible, img:visible:not([alt=''])")
    nameless = [
        each.evaluate("e => e.outerHTML")
        for each in controls.all()
        if not each.evaluate("e => e.innerText?.trim() || e.alt || [...(e.labels ?? [])].some(l => l.innerText.trim())")
        and each.is_visible()
    ]
    assert nameless == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_reaches_everything(stand: Stand, open_page: Open) -> None:
    # GIVEN an answer
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.keyboard.press("Tab")
    expect(shown.locator("#pick")).to_be_focused()
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_be_visible()
    # WHEN one goes on with the tabulator THEN map, place and details follow in this order
    for name in ("closer", "elsewhere", "animals"):
        shown.keyboard.press("Tab")
        focused = shown.evaluate("document.activeElement.id || document.activeElement.parentElement.id")
        assert focused == name
    shown.locator("#closer").press("Enter")
    expect(shown.locator("#closer")).to_have_text("Whole world")


def test_the_page_is_small() -> None:
    assert sum(path.stat().st_size for path in page.WEB.iterdir()) < 120_000


def test_the_whole_app_answers_with_the_place_of_the_photo(app_url: str, open_page: Open) -> None:
    # GIVEN the whole app
    shown = open_page(app_url)
    # WHEN it is shown a photo that was taken in Sydney
    shown.set_input_files("#pick", photo())
    # THEN it answers, with the cell, and not with the coordinates
    expect(shown.locator("#answer")).to_be_visible()
    expect(shown.locator("#where")).to_contain_text("in or near Australia, as the photo says")
    expect(shown.locator("#narrowing")).to_contain_text("animals known to live there weigh more")
    expect(shown.locator("#candidates li")).to_have_count(5)
    assert not {"33.86", "151.20", "33.87", "151.21"} & set(re.findall(r"\d+\.\d\d", shown.content()))
    # AND it knows who lives there
    shown.get_by_text("Which animals live around there?").click()
    expect(shown.locator("#animals-list li", has_text="koala").first).to_contain_text("Phascolarctos cinereus")


def test_the_whole_app_asks_for_the_place_and_takes_it(app_url: str, open_page: Open) -> None:
    shown = open_page(app_url)
    shown.set_input_files("#pick", photo(pictures.jpeg()))
    expect(shown.locator("#place-heading")).to_have_text("Where was it taken?")
    shown.get_by_label("Latitude").fill("-1.4")
    shown.get_by_label("Longitude").fill("35.1")
    shown.get_by_role("button", name="Use this place").click()
    expect(shown.locator("#where")).to_contain_text("Kenya")
    shown.get_by_role("button", name="Choose another place").click()
    shown.get_by_role("button", name="Go on without a place").click()
    expect(shown.locator("#narrowing")).to_have_text("No place was used: this is the picture alone.")


@pytest.mark.parametrize(
    ("data", "heading"),
    [
        (pictures.jpeg(exif=pictures.exif(pictures.SYDNEY))[:900], "This photo is damaged"),
        (b"no photo at all, but a letter", "This is not a photo we can read"),
    ],
    ids=["truncated", "text"],
)
def test_the_whole_app_refuses_in_sentences(app_url: str, open_page: Open, data: bytes, heading: str) -> None:
    shown = open_page(app_url)
    shown.set_input_files("#pick", photo(data))
    expect(shown.locator("#problem-heading")).to_have_text(heading)
