"""The photo as the page sends it: as it came, or smaller with its EXIF."""

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from playwright.sync_api import Page, Route, expect

from chalicelib.config.settings import ROOT
from testing import pictures
from tests.end_to_end import answers
from tests.end_to_end.browsing import Open, photo, problem
from tests.end_to_end.stand import BUCKET, Stand


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


def test_a_large_file_goes_by_way_of_the_bucket_where_there_is_one(stand: Stand, open_page: Open) -> None:
    # GIVEN an API that gives a form for the bucket, which the page's own policy has to allow
    identify = "/dev/uploads/abc/identify"
    stand.upload = {"url": BUCKET, "fields": {"key": "uploads/abc"}, "identify_url": identify, "max_bytes": 20_000_000}
    stand.tell(answers.koala())
    large = photo(b"\0\0\0\x18ftypheic" + bytes(4_600_000), "large.heic", "image/heic")
    shown = open_page(stand.url)
    posted: list[bytes] = []

    def bucket(route: Route) -> None:
        posted.append(route.request.post_data_buffer or b"")
        route.fulfill(status=204, headers={"Access-Control-Allow-Origin": "*"})

    shown.route(f"{BUCKET}/**", bucket)
    # WHEN a large photo is chosen
    shown.set_input_files("#pick", large)
    expect(shown.locator("#name")).to_be_visible()
    # THEN the form went to the bucket, and the API was asked about it without a body
    (form,) = posted
    fields = [part.partition(b'name="')[2].partition(b'"')[0] for part in form.split(b"Content-Disposition: ")[1:]]
    assert fields == [b"key", b"Content-Type", b"file"]
    assert [(each.path, each.body) for each in stand.sent] == [(identify, b"")]


@pytest.mark.parametrize(
    ("size", "waits"), [(0, 36), (4_000_000, 68)], ids=["a small photo", "a large one, over a slow line"]
)
def test_how_long_a_request_may_take_depends_on_what_is_sent(
    stand: Stand, open_page: Open, size: int, waits: int
) -> None:
    # GIVEN a photo whose answer does not come, and time that runs as we say
    stand.open.clear()
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.clock.install()
    shown.set_input_files("#pick", photo(pictures.jpeg() + bytes(size)))
    expect(shown.locator("#busy")).to_be_visible()
    # WHEN nearly all of it has passed THEN the page still waits
    shown.clock.run_for((waits - 2) * 1000)
    expect(shown.locator("#busy")).to_be_visible()
    # AND then no longer
    shown.clock.run_for(2000)
    expect(shown.locator("#problem-heading")).to_have_text("That took too long")


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
    """Return what the module exif.js finds; the bundle has the module, but exports nothing."""
    source = ROOT / "web/page/src/exif.js"
    shown.route("**/web/exif.js", lambda route: route.fulfill(path=source, content_type="text/javascript"))
    found, upright = shown.evaluate(
        """async (bytes) => {
            const exif = await import(new URL("web/exif.js", document.baseURI));
            const segment = exif.exifSegment(new Uint8Array(bytes));
            return segment ? [[...segment], [...exif.upright(segment)]] : [[], []];
        }""",
        list(data),
    )
    return bytes(found), bytes(upright)
