"""The pixels that models see in a browser are those that they see on the server, byte for byte."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from chalicelib.config.settings import ROOT
from chalicelib.model.detector import STEP, letter_box
from chalicelib.model.manifest import CLASSIFIER, read_manifests
from chalicelib.model.packs import resized
from chalicelib.photo.pixels import Area, Picture, crop_share, decode, measures_of
from tests.support.pictures import encoded, noise
from tests.unit.faunalens.web.page.node import image, pixels_of, run

SIZE = 260

sides, shares = st.integers(20, 300), st.floats(0, 1)
sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
cases = st.tuples(
    st.tuples(sides, sides), sizes, st.floats(0.1, 1), st.tuples(shares, shares), st.sampled_from((0, 2, 3))
)
"""Images, the sizes that a part of them gets, and its size and position, as shares of what is possible."""


def noisy(width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(noise(width, height))


def same(made: Any, expected: NDArray[np.uint8]) -> bool:
    height, width, _ = expected.shape
    return np.array_equal(pixels_of(made, width, height), expected)


@pytest.mark.parametrize("kind", ["bicubic", "bilinear"])
@settings(max_examples=2, deadline=None, phases=[Phase.generate])  # shrinking would start Node.js for minutes
@given(several=st.lists(cases, min_size=8, max_size=8))
def test_images_are_resized_as_pillow_does_it(kind: str, several: list[Any]) -> None:
    # GIVEN
    calls, expected = [], []
    for (width, height), size, share, (x, y), gap in several:
        pixels, scale = noisy(width, height), share * min(width / size[0], height / size[1])
        across, down = size[0] * scale, size[1] * scale
        left, top = x * (width - across), y * (height - down)
        area = (left, top, min(left + across, width), min(top + down, height))
        calls.append(("offline/resize.js", "resized", image(pixels), area, size, {"filter": kind, "gap": gap}))
        whole = Image.fromarray(pixels)
        expected.append(whole.resize(size, Image.Resampling[kind.upper()], area, reducing_gap=gap or None))
    # WHEN
    made = run(*calls)
    # THEN
    assert all(same(each, np.asarray(pillows)) for each, pillows in zip(made, expected, strict=True))


@pytest.mark.parametrize(("width", "height"), [(400, 300), (261, 700), (1250, 1210)])
def test_every_part_is_the_one_that_the_server_cuts(width: int, height: int) -> None:
    # GIVEN
    pixels, area = noisy(width, height), Area(0.1, 0.3, 0.45, 0.95)
    pack = next(each for each in read_manifests(ROOT / "model" / "packs") if each.kind == CLASSIFIER)
    picture, shown = Picture(Image.fromarray(pixels)), image(pixels)
    seen = picture.square(SIZE)
    form = {"size": pack.size, "crop": min(pack.crop / crop_share(SIZE), 1.0), "resampling": pack.resampling}
    # WHEN
    square, part, near, boxed, for_pack, smaller, measured = run(
        ("offline/picture.js", "square", shown, SIZE),
        ("offline/picture.js", "around", shown, area._asdict(), SIZE),
        ("offline/picture.js", "near", shown, {"x": 0.3, "y": 0.8}, 0.6, SIZE),
        ("offline/picture.js", "letterBox", shown, 416, STEP),
        ("offline/picture.js", "forPack", image(seen), form),
        ("offline/picture.js", "smaller", shown, SIZE),
        ("offline/picture.js", "measures", image(seen)),
    )
    # THEN
    assert same(square, seen)
    assert same(part, picture.around(area, SIZE))
    assert same(near, picture.near(0.3, 0.8, 0.6, SIZE))
    whole = picture.whole(416)
    rows, columns = (-(-side // STEP) * STEP for side in whole.shape[:2])
    assert (boxed["rows"], boxed["columns"]) == (rows, columns)
    assert same(boxed, letter_box(whole, rows, columns))
    assert (boxed["width"], boxed["height"]) == (whole.shape[1], whole.shape[0])
    assert same(for_pack, resized(seen, pack))
    assert same(smaller, np.asarray(picture.reduced(SIZE)._image))
    # AND the quality of a photo is measured alike
    assert tuple(measured.values()) == pytest.approx(measures_of(seen))


@pytest.mark.parametrize(("width", "height", "factor"), [(1168, 1400, 2), (2336, 2400, 4), (900, 1400, 1)])
def test_a_large_jpeg_is_shrunk_as_libjpeg_does_it(width: int, height: int, factor: int) -> None:
    """What is left are libjpeg's own roundings, and more only where colours change from pixel to pixel."""
    # GIVEN
    data = encoded(noise(width, height).convert("L").convert("RGB"), "JPEG", quality=90, subsampling=2)
    whole = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    expected = decode(Image.open(BytesIO(data)), SIZE)
    # WHEN
    found, drafted = run(
        ("offline/picture.js", "draftOf", image(whole), SIZE), ("offline/picture.js", "shrunk", image(whole), factor)
    )
    # THEN
    assert found == factor
    size = (width // factor, height // factor)
    assert (drafted["width"], drafted["height"]) == (expected.width, expected.height) == size
    made = pixels_of(drafted, expected.width, expected.height)
    difference = np.abs(made.astype(int) - np.asarray(expected._image).astype(int))
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) <= 2
