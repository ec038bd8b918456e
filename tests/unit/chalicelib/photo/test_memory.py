"""Memory for decoding: how much a photo takes, how much there is, and who gets it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoTooLarge, SettingError, Unavailable
from chalicelib.photo import memory
from chalicelib.photo.memory import DecodeMemory, decode_bytes, memory_limit
from chalicelib.photo.photos import Photo, open_photo
from tests.support.pictures import encoded, exif, noise

FIXED = 8_000_000
SIZE = 260


def photo_of(kind: str, mode: str = "RGB", size: tuple[int, int] = (0, 0), **options: Any) -> Photo:
    width, height = size if any(size) else (1600, 1200) if kind == "JPEG" else (400, 304)
    return open_photo(encoded(noise(width, height).convert(mode), kind, **options), PhotoLimits())


def bytes_per_pixel(photo: Photo) -> float:
    return (photo.decode_bytes(SIZE) - FIXED) / (photo.width * photo.height)


@pytest.mark.parametrize(
    ("kind", "mode", "options", "expected"),
    [
        ("JPEG", "RGB", {}, 1),  # decoded at half its size
        ("JPEG", "RGB", {"size": (4000, 160)}, 4),  # too narrow to be decoded smaller
        ("JPEG", "CMYK", {}, 2),
        ("JPEG", "RGB", {"progressive": True}, 4),  # and 1.5 coefficients per pixel, of two bytes
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, 7),
        ("PNG", "RGB", {}, 4),
        ("PNG", "L", {}, 1),
        ("PNG", "P", {}, 5),
        ("PNG", "RGBA", {}, 8),
        ("PNG", "RGB", {"transparency": (0, 0, 0)}, 12),
        ("WEBP", "RGB", {"quality": 1}, 18),
        ("WEBP", "RGB", {"lossless": True, "quality": 0, "method": 0}, 18),
        ("HEIF", "RGB", {"quality": 10}, 8),
        ("HEIF", "RGB", {"quality": 10, "chroma": 444}, 10),
        ("HEIF", "RGBA", {"quality": 10}, 9),
    ],
)
def test_each_format_costs_its_bytes_per_pixel(kind: str, mode: str, options: dict[str, Any], expected: float) -> None:
    assert bytes_per_pixel(photo_of(kind, mode, **options)) == pytest.approx(expected, abs=0.01)


def test_a_jpeg_in_several_scans_is_kept_whole_even_if_it_is_not_progressive() -> None:
    # GIVEN a baseline JPEG whose first scan has one of its three components
    data = encoded(noise(1600, 1200), "JPEG")
    start = data.index(b"\xff\xda")
    photo = open_photo(data[:start] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(8), PhotoLimits())
    # THEN its coefficients count
    assert bytes_per_pixel(photo) == pytest.approx(4, abs=0.01)


def test_a_tiff_costs_the_image_its_rotation_and_one_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN strips of a few rows, upright and rotated
    upright = photo_of("TIFF", compression="tiff_lzw")
    rotated = photo_of("TIFF", compression="tiff_lzw", exif=exif(orientation=6))
    # THEN rotating takes another copy
    assert 4 < bytes_per_pixel(upright) < 5
    assert bytes_per_pixel(rotated) - bytes_per_pixel(upright) == pytest.approx(4, abs=0.1)
    # AND so does a single strip
    monkeypatch.setattr("PIL.TiffImagePlugin.STRIP_SIZE", 2**31)
    assert bytes_per_pixel(photo_of("TIFF", compression="tiff_adobe_deflate")) == pytest.approx(8, abs=0.1)


def test_a_photo_that_needs_more_than_there_is_says_what_to_do() -> None:
    message, total = "takes 1017 MB of memory, but at most 400 MB are available; send a smaller one", 400_000_000
    with pytest.raises(PhotoTooLarge, match=message), DecodeMemory(total, 1).reserve(1_017_000_000):
        pass


def test_a_wait_that_takes_too_long_is_unavailable_with_a_time_to_retry() -> None:
    # GIVEN memory that is taken
    memory = DecodeMemory(100, 0.05)
    with memory.reserve(60):
        # WHEN another photo needs more than is left THEN it waits and gives up
        with pytest.raises(Unavailable, match="too many large photos") as caught, memory.reserve(50):
            pass
        assert caught.value.headers == {"Retry-After": "2", "RateLimit": '"decoding";r=0;t=2'}
        # AND a small photo still fits
        with memory.reserve(40):
            pass


def test_a_large_photo_is_not_overtaken_by_small_ones() -> None:
    # GIVEN half of the memory taken, and a photo that waits for all of it
    memory, order = DecodeMemory(100, 5), list[str]()

    def decode(name: str, size: int) -> None:
        with memory.reserve(size):
            order.append(name)

    def wait_for(waiting: int) -> None:
        while len(memory._waiting) < waiting:
            time.sleep(0.001)

    with ThreadPoolExecutor() as pool, memory.reserve(50):
        pool.submit(decode, "large", 100)
        wait_for(1)
        # WHEN a small photo arrives, for which there would be room
        pool.submit(decode, "small", 10)
        wait_for(2)
        assert order == []
    # THEN the large one comes first
    assert order == ["large", "small"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_never_more_than_all_is_in_use(sizes: list[int]) -> None:
    memory, lock = DecodeMemory(100, 10), threading.Lock()
    used, most = 0, 0

    def decode(size: int) -> None:
        nonlocal used, most
        with suppress(KeyError), memory.reserve(size):
            with lock:
                used += size
                most = max(most, used)
            with lock:
                used -= size
            raise KeyError  # memory is given back after an error too

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, sizes))
    assert most <= 100
    with memory.reserve(100):
        pass


LAMBDA = 1769


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_limit", lambda: 2_000_000_000)


@pytest.mark.parametrize(
    ("wanted", "function_mib", "expected"),
    [
        (0, LAMBDA, LAMBDA * 2**20 - 250_000_000),  # on Lambda, decoding gets all that is left
        (0, 0, 400_000_000),  # elsewhere, the memory of one large photo
        (1_000_000_000, 0, 1_000_000_000),
        (1_000_000_000, LAMBDA, 1_000_000_000),
    ],
)
def test_decoding_gets_its_memory(wanted: int, function_mib: int, expected: int) -> None:
    assert decode_bytes(wanted, function_mib) == expected


@pytest.mark.parametrize(
    ("machine", "wanted", "function_mib", "other", "message"),
    [
        (2e9, 1_000_000_000, 1024, 0, "PHOTO_DECODE_BYTES is 1000 MB, but only 824 MB are left of 1074 MB of memory;"),
        (512e6, 0, 0, 0, "is 400 MB, but only 262 MB are left"),
        (512e6, 0, 0, 100_000_000, "only 162 MB are left of 512 MB of memory, beside 100 MB for bodies or the packs"),
        (2e9, 0, 128, 0, "only 0 MB are left of 134 MB"),
    ],
)
def test_what_does_not_fit_is_an_error_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch, machine: float, wanted: int, function_mib: int, other: int, message: str
) -> None:
    monkeypatch.setattr(memory, "memory_limit", lambda: int(machine))
    with pytest.raises(SettingError, match=message):
        decode_bytes(wanted, function_mib, other)


@pytest.mark.parametrize(("text", "limited"), [("1000000\n", True), ("max\n", False), (None, False)])
def test_the_limit_is_that_of_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, limited: bool
) -> None:
    file = tmp_path / "memory.max"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(memory, "_CGROUP_FILES", (file,))
    assert (memory_limit() == 1_000_000) == limited
    assert memory_limit() > 0
