"""Where and when a photo was taken, as the page reads it from the EXIF of every format."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.support import pictures
from tests.unit.faunalens.web.page.node import run

KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF")
NO_POSITION: dict[str, Any] = {
    "no GPS": None,
    "empty": {},
    "no fix": {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
    "out of range": {1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)},
    "wrong letter": {1: "X", 2: (5.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)},
    "no letter": {2: (5.0, 0.0, 0.0), 4: (10.0, 0.0, 0.0)},
    "99 minutes": {1: "N", 2: (5.0, 99.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)},
}


def read(*photos: bytes) -> list[dict[str, Any]]:
    return run(*(("exif.js", "exifIn", np.frombuffer(each, np.uint8)) for each in photos))


def test_position_and_month_are_read_from_every_format() -> None:
    cases = list(product(KINDS, "<>"))
    photos = []
    for kind, order in cases:
        taken = pictures.exif(pictures.SYDNEY, orientation=8, taken="2026:07:14 09:30:00")
        taken.endian = order
        photos.append(pictures.encoded(pictures.scene(), kind, exif=taken))
    place = {"latitude": pytest.approx(-33.8688, abs=0.001), "longitude": pytest.approx(151.2093, abs=0.001)}
    for case, found in zip(cases, read(*photos), strict=True):
        assert (found["position"], found["month"], found["date"]) == (place, "2026-07", "2026-07-14"), case


def test_a_position_that_is_none_or_broken_is_not_read() -> None:
    # GIVEN EXIF whose position is none, which is cut short, and which points outside of itself
    whole = pictures.jpeg(exif=pictures.exif(pictures.SYDNEY))
    data = {name: pictures.jpeg(exif=pictures.exif(gps)) for name, gps in NO_POSITION.items()}
    data |= {f"first {cut} bytes": whole[:cut] for cut in (0, 1, 3, 24, 30, 60, 120)}
    data["outside"] = whole.replace(b"Exif\0\0MM\0*\0\0\0\x08", b"Exif\0\0MM\0*\xff\xff\xff\x08")
    assert data["outside"] != whole
    # WHEN it is read THEN there is no position
    assert {name: each["position"] for name, each in zip(data, read(*data.values()), strict=True)} == dict.fromkeys(
        data
    )
    # AND a time that is none is not read
    times = ("0000:00:00 00:00:00", "2026:13:01 00:00:00", "    :  :     :  :  ", "x", "14.07.2026")
    found = read(*(pictures.jpeg(exif=pictures.exif(taken=each)) for each in times))
    assert [(each["month"], each["date"]) for each in found] == [(None, None)] * len(times)
