"""Collages: two photos side by side, and which box belongs to which half."""

import io
from pathlib import Path

from PIL import Image

from benchmarks.collages import collage, surest_of
from chalicelib.api.responses import AnimalFound, BoxFound


def test_a_collage_is_as_high_as_the_lower_photo(tmp_path: Path) -> None:
    # GIVEN a wide red photo and a high blue one
    Image.new("RGB", (200, 100), "red").save(tmp_path / "left.png")
    Image.new("RGB", (200, 400), "blue").save(tmp_path / "right.png")
    # WHEN they are put side by side; THEN each keeps its proportions
    data, split = collage(tmp_path / "left.png", tmp_path / "right.png")
    image = Image.open(io.BytesIO(data))
    assert (image.size, split) == ((250, 100), 0.8)
    assert image.getpixel((100, 50)) == (254, 0, 0)
    assert image.getpixel((240, 50)) == (0, 0, 254)


def test_a_half_has_the_surest_box_whose_centre_it_holds() -> None:
    wide, left, right = (
        AnimalFound(BoxFound(x, 0.0, width, 1.0, 0.5), None, ()) for x, width in ((0.1, 0.85), (0.0, 0.4), (0.6, 0.4))
    )
    assert surest_of([wide, left, right], 0, 0.5) is left
    assert surest_of([wide, left, right], 0.5, 2) is wide
    assert surest_of([left], 0.5, 2) is None
