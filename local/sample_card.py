"""Write sample photos: the memory card of two invented camera traps, or photos of eight traps to train a pack with.

The pictures are from the wheel of scikit-image: a cat, a person, a motorcycle, grass and gravel. As on a real card,
file names repeat between cameras, photos have a time but no position, some show no animal, and one file is incomplete.
"""

from argparse import ArgumentParser
from csv import DictReader
from itertools import groupby, product
from operator import itemgetter
from pathlib import Path
from random import Random

from PIL import Image, ImageFilter, ImageOps
from PIL.ExifTags import IFD, Base

from local import package_folder

CARD = Path(__file__).with_suffix(".csv")
"""The photos of each camera. `taken`: by the camera's clock, as in EXIF; that of the southern one is an hour ahead.
`left`: pixels cut off the left of the scene."""
SIZE = (800, 600)
CAMERAS, SHOTS = 8, 4  # for `--sorted`: number of cameras, and number of photos per camera and animal


def scenes() -> dict[str, Image.Image]:
    """Return the picture of each scene of the card, by its name."""
    data = package_folder("skimage") / "data"
    files = {"cat": "chelsea", "person": "astronaut", "motorcycle": "motorcycle_left"}
    files |= {name: name for name in ("grass", "gravel")}
    found = {name: Image.open(data / f"{file}.png").convert("RGB") for name, file in files.items()}
    on_gravel = found["gravel"].resize(SIZE)
    on_gravel.paste(found["cat"], (200, 200))
    return found | {"cat on gravel": on_gravel, "cat at night": ImageOps.grayscale(found["cat"]).convert("RGB")}


def write_card(folder: Path) -> None:
    """Write the photos of a sample card to a folder. One file is cut short, as on a broken card."""
    pictures = scenes()
    with CARD.open(encoding="utf-8", newline="") as file:
        shots = list(DictReader(file))
    for camera, some in groupby(shots, itemgetter("camera")):
        media = folder / camera / "100MEDIA"
        media.mkdir(parents=True)
        for number, shot in enumerate(some, 1):
            picture, exif = pictures[shot["scene"]], Image.Exif()
            seen = picture.crop((int(shot["left"]), 0, picture.width, picture.height))
            exif[Base.Model] = f"Garden trap, {camera}"
            exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = shot["taken"]
            seen.save(media / f"IMG_{number:04}.JPG", quality=90, exif=exif)
    cut = folder / "south/100MEDIA/IMG_0005.JPG"
    cut.write_bytes(cut.read_bytes()[:20_000])


def write_sorted(folder: Path, cameras: int = CAMERAS, shots: int = SHOTS) -> None:
    """Write night photos of a cat and of a horse, in a folder for each camera and animal."""
    data, chance = package_folder("skimage") / "data", Random(1)  # noqa: S311 — pictures, no secrets
    cat, horse = (Image.open(data / name).convert("L") for name in ("chelsea.png", "horse.png"))
    coat = cat.resize(horse.size).filter(ImageFilter.GaussianBlur(8))  # of one grey, no detector finds a horse
    animals = {"domestic cat": (cat, None), "horse": (coat, ImageOps.invert(horse))}
    for camera, (name, (animal, mask)) in product(range(1, cameras + 1), animals.items()):
        with Image.open(data / ("grass.png", "gravel.png", "brick.png")[camera % 3]) as ground:
            night = ground.convert("L").rotate(camera * 40).crop((90, 90, 420, 420)).resize(SIZE)
        media = folder / f"trap-{camera}" / name
        media.mkdir(parents=True)
        for number in range(1, shots + 1):
            width = chance.randrange(320, 480)
            height = width * 4 // 5
            place = chance.randrange(SIZE[0] - width), chance.randrange(SIZE[1] - height)
            picture = night.point(lambda level: level * 0.35)
            picture.paste(animal.resize((width, height)), place, mask and mask.resize((width, height)))
            picture.convert("RGB").save(media / f"IMG_{number:04}.JPG", quality=90)


def main() -> None:
    """Write the sample card, or with `--sorted` the sorted photos, to the folder in the arguments."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder to create and to write the photos to")
    parser.add_argument("--sorted", action="store_true", help="write photos to train with, sorted by animal")
    arguments = parser.parse_args()
    if arguments.folder.exists():
        parser.error(f"{arguments.folder} exists; choose another folder, or remove it")
    (write_sorted if arguments.sorted else write_card)(arguments.folder)


if __name__ == "__main__":
    main()
