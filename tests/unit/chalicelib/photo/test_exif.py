"""EXIF: the GPS tags of every format and camera give a location, none, or an error that says what to send."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import LocationInvalid
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import Photo, open_photo
from tests.support.pictures import SYDNEY, encoded, exif, noise, scene

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"]
TAGS: dict[int, Any] = {
    GPS.GPSLatitudeRef: "S",
    GPS.GPSLatitude: (33.0, 52.0, 7.68),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (151.0, 12.0, 33.48),
}


ZERO = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("tags", "latitude"),
    [
        ({}, -33.8688),
        *(({GPS.GPSLatitude: each}, -33.8688) for each in ((33.8688,), 33.8688, (33, 52.128))),
        ({GPS.GPSLatitude: (IFDRational(338688, 10000),)}, -33.8688),
        *(({GPS.GPSLatitudeRef: each}, -33.8688) for each in ("S", "s", "S\x00", " S ", b"S\x00")),  # case and padding
        ({GPS.GPSLatitude: ZERO}, 0),
        ({GPS.GPSLatitude: ZERO, GPS.GPSLongitude: ZERO}, None),  # cameras without a fix write it
    ],
)
def test_cameras_write_a_position_in_several_ways(tags: dict[int, Any], latitude: float | None) -> None:
    location = location_from_gps(TAGS | tags)
    assert (location and location.latitude) == (latitude and pytest.approx(latitude, abs=1e-6))
    assert location is None or location.longitude == pytest.approx(151.2093, abs=1e-6)
    assert location_from_gps({GPS.GPSAltitude: 12.0}) is None


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        *(
            ({GPS.GPSLatitude: each}, "latitude is not numeric")
            for each in (
                (IFDRational(0, 0), 0.0, 0.0),
                (math.nan, 0.0, 0.0),
                "33.9",
                ("33", "52", "7"),
                (),
                (1, 2, 3, 4),
            )
        ),
        ({GPS.GPSLatitude: None}, "latitude is missing"),
        ({GPS.GPSLatitude: (91.0, 0.0, 0.0)}, "latitude is not between -90 and 90"),
        ({GPS.GPSLongitude: (181.0, 0.0, 0.0)}, "longitude is not between -180 and 180"),
        ({GPS.GPSLatitude: (-33.0, 0.0, 0.0)}, "latitude is out of range"),
        ({GPS.GPSLatitude: (33.0, 61.0, 0.0)}, "latitude is out of range"),
        *(({GPS.GPSLongitudeRef: each}, "longitude has neither E nor W") for each in ("N", None, "", 7)),
    ],
)
def test_an_invalid_position_says_what_to_do(tags: dict[int, Any], sentence: str) -> None:
    with pytest.raises(LocationInvalid, match=f"{sentence}.*; send lat and lon .* or location=none"):
        location_from_gps(TAGS | tags)


any_value = st.recursive(
    st.none() | st.text(max_size=5) | st.binary(max_size=5) | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner, inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([1, 2, 3, 4]), any_value))
def test_any_tags_give_a_location_none_or_location_invalid(tags: dict[int, Any]) -> None:
    try:
        location = location_from_gps(tags)
    except LocationInvalid:
        return
    assert location is None or (-90 <= location.latitude <= 90 and -180 <= location.longitude <= 180)


def read(data: bytes) -> Photo:
    return open_photo(data, PhotoLimits())


def test_a_heic_with_an_unreadable_part_type_has_no_exif() -> None:
    # GIVEN EXIF in a part whose type is not text, which ended the process with pillow-heif before 1.8
    data = encoded(noise(80, 64), "HEIF", exif=exif(SYDNEY))
    assert data.count(b"Exif\x00\x00") >= 1
    photo = read(data.replace(b"Exif\x00", b"Exi\x80\x00", 1))
    # THEN it is a photo without EXIF
    assert (photo.gps, photo.pixels(16).shape) == ({}, (16, 16, 3))


@pytest.mark.parametrize("position", ["before the pixels", "after the pixels"])
def test_a_png_is_decoded_for_its_exif_only_if_it_has_some(position: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a PNG without EXIF, and one with
    bare, data = (encoded(scene(), "PNG", **options) for options in ({}, {"exif": exif(SYDNEY)}))
    if position == "after the pixels":
        start = data.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        data = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    assert location_from_gps(read(data).gps) is not None
    # WHEN the first is opened THEN its pixels are not decoded
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", None)
    assert read(bare).gps == {}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"DateTimeOriginal": "1", "DateTimeDigitized": "2", "DateTime": "3"}, ("1", "+01:00")),
        ({"DateTimeDigitized": "2", "DateTime": "3"}, ("2", "+02:00")),
        ({"DateTime": "3"}, ("3", "+03:00")),
        ({}, ("", "")),
    ],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_the_time_is_that_of_taking_or_else_of_digitising_or_else_of_the_last_change(
    kind: str, tags: dict[str, str], expected: tuple[str, str]
) -> None:
    # GIVEN a photo with some of the times, and with all offsets
    data = exif(SYDNEY)
    for hour, name in enumerate(("OffsetTimeOriginal", "OffsetTimeDigitized", "OffsetTime"), 1):
        data.get_ifd(IFD.Exif)[Base[name]] = f"+0{hour}:00"
    for name, day in tags.items():
        part = data if name == "DateTime" else data.get_ifd(IFD.Exif)
        part[Base[name]] = f"2026:05:0{day} 06:00:00"
    photo = read(encoded(scene(), kind, exif=data))
    # THEN the first that has a time counts, with its own offset
    day, offset = expected
    assert (photo.taken, photo.offset) == (day and f"2026:05:0{day} 06:00:00", offset)
    # AND the position is found in every format
    location = location_from_gps(photo.gps)
    assert location is not None
    assert (location.latitude, location.longitude) == pytest.approx((-33.8688, 151.2093), abs=1e-4)


@pytest.mark.parametrize("offset", ["+3", "+15:00", "   :  ", "UTC"])
def test_a_clock_that_is_not_set_and_an_offset_that_is_none_do_not_count(offset: str) -> None:
    data = exif(taken="0000:00:00 00:00:00")
    data.get_ifd(IFD.Exif)[Base.DateTimeDigitized] = "2026:05:02 06:00:00"
    data.get_ifd(IFD.Exif)[Base.OffsetTimeDigitized] = offset
    photo = read(encoded(scene(), "JPEG", exif=data))
    assert (photo.taken, photo.offset) == ("2026:05:02 06:00:00", "")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026:05:02 06:00:00\x00", "2026-05-02 06:00:00"),
        *((each, None) for each in ("", "0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday")),
    ],
)
def test_a_time_has_no_zone_and_a_clock_that_was_never_set_no_time(text: str, time: str | None) -> None:
    assert taken_at(text) == time
