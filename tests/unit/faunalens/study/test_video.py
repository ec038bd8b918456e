"""Videos: which frames are looked at, and what their containers say."""

import io
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from chalicelib.config.settings import PhotoLimits
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.photos import PhotoFacts
from faunalens.study.video import USUAL, Frame, Sampling, VideoUnreadable, exif_of, opened
from tests.support.pictures import scene
from tests.support.videos import FPS, write_video

CLOCK = "2026-05-02T06:00:00.000000Z"
APPLE = "com.apple.quicktime.creationdate"
"""What a phone says with its zone, and UTC beside it."""
STEP = 3
"""Levels of grey between a frame and the next."""
IDENTITY = b"\0\1\0\0" + b"\0" * 12 + b"\0\1\0\0" + b"\0" * 12 + b"@\0\0\0"
TURNED = b"\0\0\0\0" + b"\0\1\0\0" + b"\0" * 4 + b"\xff\xff\0\0" + b"\0" * 16 + b"@\0\0\0"
"""How an MP4 is shown: as it is, and a quarter to the right, as phones that are held upright write it."""


def greys(number: int) -> list[Image.Image]:
    """Frames that get lighter, so that each says which one it is."""
    return [Image.new("RGB", (64, 48), (each * STEP % 256,) * 3) for each in range(number)]


def frames_of(path: Path, sampling: Sampling = USUAL) -> list[Frame]:
    with opened(path) as video:
        return list(video.frames(sampling))


def shown(frame: Frame) -> float:
    """The number of a frame, by its picture."""
    return float(np.asarray(Image.open(io.BytesIO(frame.jpeg))).mean()) / STEP


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mov", ".mkv"])
def test_frames_are_a_second_apart(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / f"film{suffix}", greys(45))
    found = frames_of(tmp_path / f"film{suffix}")
    assert [frame.number for frame in found] == [0, 10, 20, 30, 40]
    assert [frame.seconds for frame in found] == [0, 1, 2, 3, 4]
    assert [shown(frame) for frame in found] == pytest.approx([0, 10, 20, 30, 40], abs=1.5)


@pytest.mark.parametrize(("every", "most"), [(1.0, 5), (0.1, 4), (9.0, 30), (1.0, 1)])
def test_few_frames_are_spread_over_a_long_video(tmp_path: Path, every: float, most: int) -> None:
    # GIVEN a video of 20 s, of which some frames are so far apart that it is quicker to jump
    write_video(tmp_path / "film.mp4", [picture for picture in greys(80) for _ in range(3)], fps=12)
    found = frames_of(tmp_path / "film.mp4", Sampling(every, most))
    assert len(found) == min(most, int(20 / every) + 1)
    step = max(every, 20 / most)
    assert [frame.seconds for frame in found] == pytest.approx([step * each for each in range(len(found))], abs=0.1)
    assert [shown(frame) for frame in found] == pytest.approx([frame.number / 3 for frame in found], abs=1.5)


def test_a_video_that_breaks_off_has_the_frames_before(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mkv", [scene(320, 240)] * 45)
    whole = (tmp_path / "film.mkv").read_bytes()
    (tmp_path / "film.mkv").write_bytes(whole[: len(whole) // 2])
    assert 1 <= len(frames_of(tmp_path / "film.mkv")) < 5


def test_what_is_no_video_or_of_an_unknown_codec_or_without_its_index_is_unreadable(tmp_path: Path) -> None:
    write_video(tmp_path / "film.avi", greys(5), codec="mjpeg")
    whole = (tmp_path / "film.avi").read_bytes()
    (tmp_path / "film.avi").write_bytes(whole.replace(b"MJPG", b"ZZZZ"))
    with pytest.raises(VideoUnreadable, match="no video of a known kind"):
        frames_of(tmp_path / "film.avi")
    write_video(tmp_path / "film.mp4", greys(20))
    whole = (tmp_path / "film.mp4").read_bytes()
    for data in (b"", b"no video", IDENTITY * 50, whole[: len(whole) // 2]):
        (tmp_path / "film.mp4").write_bytes(data)
        with pytest.raises(VideoUnreadable):
            frames_of(tmp_path / "film.mp4")


def test_a_file_that_names_another_machine_does_not_reach_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        # GIVEN a card with a playlist that is named like a video
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/secret.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "film.mp4").write_text(playlist)
        with pytest.raises(VideoUnreadable):
            frames_of(tmp_path / "film.mp4")
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_video_of_a_phone_is_upright(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", [scene(64, 48)] * 10)
    whole = (tmp_path / "film.mp4").read_bytes()
    head, _, rest = whole.partition(b"tkhd")
    (tmp_path / "film.mp4").write_bytes(head + b"tkhd" + rest.replace(IDENTITY, TURNED, 1))
    (first,) = frames_of(tmp_path / "film.mp4")
    with Image.open(io.BytesIO(first.jpeg)) as image:
        assert image.size == (48, 64)
        # THEN blue, which is below on the left, is above on the left, and red is to its right
        red, _, blue = np.asarray(image)[8, 8].astype(int)
        assert blue > red + 50
        red, _, blue = np.asarray(image)[8, 40].astype(int)
        assert red > blue + 50


def test_large_frames_are_made_smaller_and_carry_the_clock_of_the_container(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", [Image.new("RGB", (3840, 1000))] * 2, creation_time=CLOCK)
    with opened(tmp_path / "film.mp4") as video:
        (first,) = video.frames(USUAL)
        assert (video.width, video.height) == (3840, 1000)
    facts = PhotoFacts.read(first.jpeg, PhotoLimits())
    assert facts is not None
    assert (facts.width, facts.height, facts.taken, facts.offset) == (1920, 500, "2026:05:02 06:00:00", "")


def test_the_time_is_the_cameras() -> None:
    phone = exif_of({APPLE: "2026-05-02T16:00:00+1000", "creation_time": CLOCK}).get_ifd(IFD.Exif)
    assert phone == {Base.DateTimeOriginal: "2026:05:02 16:00:00", Base.OffsetTimeOriginal: "+10:00"}
    for text in (CLOCK, "2026-05-02 06:00:00"):
        assert exif_of({"creation_time": text}).get_ifd(IFD.Exif) == {Base.DateTimeOriginal: "2026:05:02 06:00:00"}
    for text in ("1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000Z", "yesterday", ""):
        assert exif_of({"creation_time": text}).get_ifd(IFD.Exif) == {}


def test_the_place_is_the_phones() -> None:
    for key in ("location", "com.apple.quicktime.location.ISO6709"):
        place = location_from_gps(exif_of({key: "-33.8688+151.2093+025.000/"}).get_ifd(IFD.GPSInfo))
        assert place is not None
        assert (place.latitude, place.longitude) == pytest.approx((-33.8688, 151.2093))
    assert GPS.GPSLatitude not in exif_of({"location": "here"}).get_ifd(IFD.GPSInfo)


def test_a_frame_is_found_by_its_time(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", greys(45))
    with opened(tmp_path / "film.mp4") as video:
        assert (video.fps, video.duration) == (FPS, 4.5)
        assert [shown(video.frame_at(seconds)) for seconds in (3.0, 0.0, 4.4)] == pytest.approx([30, 0, 44], abs=1.5)
        with pytest.raises(VideoUnreadable, match="no frame at 9 s"):
            video.frame_at(9.0)
