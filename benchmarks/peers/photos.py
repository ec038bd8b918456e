"""The photos of the load: real ones from the scikit-image wheel, and a synthetic one of 12 MP. All have a position."""

from pathlib import Path

from PIL import Image

from local.stack.installed import package_folder
from testing.pictures import SYDNEY, encoded, exif, noise

SMALL = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "retina.jpg", "rocket.jpg")
SETS = ("mixed", "small", "12mp")


def write_photos(folder: Path, choice: str) -> None:
    """Write the photos of a set into a folder. Each photo keeps its format and gets an EXIF position."""
    position = exif(SYDNEY)
    if choice in ("mixed", "small"):
        for name in SMALL:
            image = Image.open(package_folder("skimage") / "data" / name)
            (folder / name).write_bytes(encoded(image, image.format or "", exif=position, **_options(image)))
    if choice in ("mixed", "12mp"):
        (folder / "phone.jpg").write_bytes(encoded(noise(4000, 3000), "JPEG", quality=85, exif=position))


def _options(image: Image.Image) -> dict[str, object]:
    return {"quality": 92} if image.format == "JPEG" else {}
