"""What the page says of photos that cannot be read: what the decoders say in English, in the words of the page."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from chalicelib.config.settings import ROOT, PhotoLimits
from chalicelib.errors import ClientError
from chalicelib.photo.formats import TimedFile, _check_scans
from chalicelib.photo.memory import DecodeMemory
from chalicelib.photo.photos import open_photo
from faunalens.web.body import PhotoFile
from tests.support import pictures

DETAILS = re.findall(
    r'^  \[/(.+)/, "(detail\.\w+)"\],$', (ROOT / "faunalens/web/page/src/problem.js").read_text("utf-8"), re.MULTILINE
)
LIMITS = PhotoLimits()


def _opened_with(limits: PhotoLimits) -> None:
    open_photo(pictures.jpeg(), limits)


def _damaged() -> None:
    open_photo(pictures.jpeg()[:3000], LIMITS).decode(260)


def _slow() -> None:
    file = TimedFile(b"", 0.0)
    file.restart_clock()
    file.read()


def _without_memory() -> None:
    with DecodeMemory(1_000_000, 0.1).reserve(90_000_000):
        pass


@pytest.mark.parametrize(
    ("fail", "key"),
    [
        (lambda: _opened_with(replace(LIMITS, max_bytes=100)), "detail.bytes"),
        (lambda: _opened_with(replace(LIMITS, max_megapixels=0.01)), "detail.pixels"),
        (lambda: open_photo(b"", LIMITS), "detail.empty"),
        (lambda: open_photo(b"no photo", LIMITS), "detail.unknown"),
        (lambda: _check_scans(1000, 1.0), "detail.odd"),
        (_slow, "detail.slow"),
        (_damaged, "detail.damaged"),
        (_without_memory, "detail.memory"),
        (lambda: PhotoFile(BytesIO(), 100_000).write(bytes(100_001)), "detail.limit"),
    ],
)
def test_what_the_decoders_say_has_words_in_the_language_of_the_page(fail: Callable[[], object], key: str) -> None:
    # GIVEN a photo that cannot be read WHEN the API says why
    with pytest.raises(ClientError) as caught:
        fail()
    # THEN the first pattern of the page that fits is the one for it
    assert next((name for pattern, name in DETAILS if re.search(pattern, caught.value.detail)), None) == key
