"""Blurred photos: nothing of a person is left, neither in the picture nor in EXIF."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from faunalens.exports.blur import blurred
from faunalens.study.finding import Box
from tests.support.pictures import SYDNEY, encoded, exif, noise, scene

TAKEN = "2026:05:02 06:00:00"


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "PNG"])
def test_boxes_are_blurred_and_the_rest_is_not(tmp_path: Path, kind: str) -> None:
    picture = noise(400, 304)
    (tmp_path / "photo").write_bytes(encoded(picture, kind))
    found = np.asarray(opened(blurred(tmp_path / "photo", [Box(0.5, 0.25, 0.25, 0.5)]))).astype(int)
    before = np.asarray(picture).astype(int)
    # THEN a grid of 8 cells along the longer side has no detail, beyond the box by its margin too
    inside = found[76:228, 200:300]
    assert inside.std() < before[76:228, 200:300].std() / 3
    assert np.ptp(found[70:74, 192:196], axis=(0, 1)).max() < 10
    # AND the rest of the photo is as it was; without boxes, all of it is blurred
    assert abs(found[:, :170] - before[:, :170]).mean() < 8
    whole = np.asarray(opened(blurred(tmp_path / "photo", []))).astype(int)
    assert abs(np.diff(whole, axis=1)).max() < 12


def test_gps_thumbnail_and_notes_are_gone_and_time_and_colours_stay(tmp_path: Path) -> None:
    # GIVEN a photo on its side, with GPS, notes and, as cameras write it, a thumbnail in EXIF
    data = exif(SYDNEY, orientation=6, taken=TAKEN)
    data[Base.Model] = "Trap 1"
    data.get_ifd(IFD.Exif)[Base.MakerNote] = b"who was there"
    small = encoded(scene(40, 30), "JPEG")
    data.get_ifd(IFD.IFD1).update({Base.JpegIFOffset: 0, Base.JpegIFByteCount: len(small)})
    said = {"xmp": b"<x:xmpmeta>who was there</x:xmpmeta>", "comment": b"who was there", "icc_profile": b"colours"}
    (tmp_path / "photo.jpg").write_bytes(encoded(scene(), "JPEG", exif=data, **said) + small)
    found = blurred(tmp_path / "photo.jpg", [Box(0.6, 0.6, 0.2, 0.2)])
    kept = opened(found).getexif()
    # THEN the new one is upright and says when, by which camera, and nothing else
    assert opened(found).size == (300, 400)
    assert dict(kept.get_ifd(IFD.Exif)) == {Base.DateTimeOriginal: TAKEN}
    assert {Base.Model: "Trap 1"}.items() <= dict(kept).items()
    assert set(kept) <= {Base.Model, Base.ExifOffset}
    assert not kept.get_ifd(IFD.GPSInfo)
    assert not kept.get_ifd(IFD.IFD1)
    assert found is not None
    assert b"who was" not in found
    assert opened(found).info["icc_profile"] == b"colours"
    assert found.count(b"\xff\xd8\xff") == 1


def test_a_photo_that_is_gone_or_broken_has_no_blurred_one(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    assert blurred(tmp_path / "broken.jpg", []) is None
    assert blurred(tmp_path / "gone.jpg", []) is None
