"""The photo as the page sends it: as it came or smaller, with its position."""

import io
import random
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import Identified, Open, photo, posted_to, problem, unreadable
from tests.end_to_end.stand import BUCKET, Stand
from tests.support import pictures

WITHOUT_WEBP = """
    const { toBlob } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.toBlob = function (done, type, quality) {
        return toBlob.call(this, done, type === "image/webp" ? "image/png" : type, quality);
    };"""
"""Makes a browser give a PNG in place of a WebP, as Safari does."""


def _grain(width: int, height: int) -> Image.Image:
    """A picture that no encoder makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(7).randbytes(3 * width * height))


@pytest.mark.firefox
def test_a_large_photo_shrinks_and_its_position_is_sent(stand: Stand, identified: Identified, tmp_path: Path) -> None:
    # GIVEN a photo of 12 megapixels that lies on its side and knows its place
    exif = pictures.exif(pictures.SYDNEY, orientation=6)
    large = pictures.encoded(pictures.noise(4000, 3000), "JPEG", quality=90, exif=exif)
    assert len(large) > 500_000
    (tmp_path / "large.jpg").write_bytes(large)
    # WHEN it is chosen
    shown = identified(photos=tmp_path / "large.jpg")
    expect(shown.locator("#name")).to_be_visible()
    # THEN what is sent is small, upright and without EXIF, and the position is a parameter, rounded
    assert len(stand.sent[0].body) < 400_000
    with Image.open(io.BytesIO(stand.sent[0].body)) as sent:
        width, height = sent.size
        assert (sent.format, round(width / height, 2)) == ("WEBP", 0.75)
        assert 900 <= height <= 1600
        assert not sent.getexif()
    assert stand.sent[0].query == {"lat": "-33.87", "lon": "151.21"}
    # AND a small one is sent as it is
    with shown.expect_response("**/identify*"):
        shown.set_input_files("#pick", small := photo())
    assert (stand.sent[1].body, stand.sent[1].content_type) == (small["buffer"], "image/jpeg")


def test_a_photo_that_is_chosen_before_the_script_is_loaded_is_sent_too(stand: Stand, open_page: Open) -> None:
    # GIVEN a slow network, on which a person has chosen a photo before the script is there
    def choose(window: Page) -> None:
        def hold(route: Route) -> None:
            window.set_input_files("#pick", photo())
            route.continue_()

        window.route("**/app-*.js", hold)

    shown = open_page(stand.url, before=choose)
    # THEN it is sent once the script is loaded
    expect(shown.locator("#name")).to_have_text("Almost certain: koala")
    assert len(stand.sent) == 1


@pytest.mark.parametrize(
    ("picture", "kind", "before", "sent_as", "sides"),
    [
        (pictures.scene(2000, 1000), "PNG", "", "WEBP", (1600, 1600)),
        (_grain(1700, 850), "PNG", "", "WEBP", (850, 950)),
        (pictures.scene(2000, 1000), "PNG", WITHOUT_WEBP, "JPEG", (1600, 1600)),
        (pictures.scene(), "GIF", "", "WEBP", (400, 400)),
    ],
    ids=["large", "full of detail", "in a browser that cannot write WebP", "in a format that only browsers read"],
)
def test_a_photo_shrinks_to_what_the_models_need_in_a_format_that_the_api_reads(
    stand: Stand,
    open_page: Open,
    tmp_path: Path,
    picture: Image.Image,
    kind: str,
    before: str,
    sent_as: str,
    sides: tuple[int, int],
) -> None:
    shown = open_page(stand.url)
    shown.evaluate(f"() => {{ {before} }}")
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(pictures.encoded(picture, kind).ljust(500_001, b"\0"))
    shown.set_input_files("#pick", path)
    expect(shown.locator("#name")).to_be_visible()
    with Image.open(io.BytesIO(stand.sent[0].body)) as sent:
        assert sent.format == sent_as
        assert sides[0] <= sent.width <= sides[1]


@pytest.mark.firefox
@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"Dear Madam or Sir", "letter.txt", "text/plain"),
        (b"no photo at all, but a letter", "photo.jpg", "image/jpeg"),
        (b"x" * 600_000, "photo.jpg", "image/jpeg"),
        (b"", "empty.jpg", "image/jpeg"),
    ],
    ids=["text", "text named as a photo", "large text", "empty"],
)
def test_what_is_no_photo_is_not_sent(stand: Stand, identified: Identified, data: bytes, name: str, kind: str) -> None:
    shown = identified(photos={"name": name, "mimeType": kind, "buffer": data})
    expect(shown.locator("#problem-heading")).to_have_text("This is not a photo we can read")
    assert stand.sent == []


def test_the_progress_of_a_slow_line_is_shown(stand: Stand, open_page: Open) -> None:
    # GIVEN a line of 750 kbit/s
    shown = open_page(stand.url)
    line = shown.context.new_cdp_session(shown)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 40, "downloadThroughput": 93_750, "uploadThroughput": 93_750}
    line.send("Network.emulateNetworkConditions", slow)
    # WHEN a photo is chosen that cannot shrink THEN the page says how much of it has been sent
    shown.set_input_files("#pick", photo(b"\0\0\0\x18ftypheic" + bytes(150_000), "photo.heic", "image/heic"))
    expect(shown.locator("#busy-words")).to_have_text(re.compile(r"^Sending the photo: [1-9]\d?%$"))
    # AND then the answer
    expect(shown.locator("#name")).to_be_visible()


def test_a_large_file_that_the_browser_cannot_read_is_sent_as_it_is_or_by_way_of_the_bucket(
    stand: Stand, identified: Identified, tmp_path: Path
) -> None:
    stand.tell(*problem("photo_too_large", 413))
    unknown = unreadable(tmp_path, 4_600_000)
    shown = identified(photos=unknown)
    expect(shown.locator("#problem-heading")).to_have_text("This photo is too large")
    expect(shown.locator("#no-picture")).to_have_text("large.heic Your browser cannot show a preview of this file.")
    assert stand.sent[0].body == unknown.read_bytes()
    # GIVEN an API that gives a form for the bucket, which the page's own policy has to allow
    identify = "/dev/uploads/abc/identify"
    stand.upload = {"url": BUCKET, "fields": {"key": "uploads/abc"}, "identify_url": identify, "max_bytes": 20_000_000}
    stand.tell(answers.koala())
    posted = posted_to(shown, BUCKET)
    # WHEN a large photo is chosen
    shown.set_input_files("#pick", unknown)
    expect(shown.locator("#name")).to_be_visible()
    # THEN the form went to the bucket, and the API was asked about it without a body
    (form,) = posted
    fields = [part.partition(b'name="')[2].partition(b'"')[0] for part in form.split(b"Content-Disposition: ")[1:]]
    assert fields == [b"key", b"Content-Type", b"file"]
    assert [(each.path, each.body) for each in stand.sent[1:]] == [(identify, b"")]


@pytest.mark.parametrize(
    ("size", "waits"), [(100, 36), (4_000_000, 68)], ids=["a small photo", "a large one, over a slow line"]
)
def test_how_long_a_request_may_take_depends_on_its_size(
    stand: Stand, open_page: Open, tmp_path: Path, size: int, waits: int
) -> None:
    # GIVEN a photo whose answer does not come, and time that runs as we say
    stand.open.clear()
    shown = open_page(stand.url)
    shown.clock.install()
    shown.set_input_files("#pick", unreadable(tmp_path, size))
    expect(shown.locator("#busy-words")).to_have_text("Identifying the animal")
    # WHEN nearly all of it has passed THEN the page still waits
    shown.clock.run_for((waits - 2) * 1000)
    expect(shown.locator("#busy")).to_be_visible()
    # AND then no longer
    shown.clock.run_for(2000)
    expect(shown.locator("#problem-heading")).to_have_text("That took too long")
