"""Several animals in one photo: how many does `boxes=true` find and name, and what does it cost?

    python -m benchmarks.collages --photos DIR       DIR: photos named <output index>_….jpg, not used in training

Each collage is two photos of mammals or birds side by side. A half counts as found if the centre of a box is in it, and
as named if the first candidate of its surest box is its animal. All answers are those of the product, without a place.
"""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple

from PIL import Image

from benchmarks.measure import interleaved, parser, ratio, table, verdict
from chalicelib.api.parameters import IdentifyParams
from chalicelib.api.responses import AnimalFound, Answer
from chalicelib.config.settings import Settings
from chalicelib.identify import identify
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from model.photos import PHOTOS_HELP
from testing.pictures import encoded

COLLAGES = 100
AT_ONCE = 20
"""Photos in one measurement of time."""
IN_COLLAGES = ("Mammalia", "Aves")
GROUPS = {"Mammalia": "mammals", "Aves": "birds", "Reptilia": "reptiles", "Insecta": "insects"}
FOUND, NAMED = 0.85, 0.75
"""Shares of halves that should be found and named: 170 and 150 of 200."""
_SEED = 20261126


class Labelled(NamedTuple):
    """A photo. `taxon`: stable id of its animal, or "" if there is none. `group`: scientific name of its class."""

    path: Path
    taxon: str
    group: str


def read_labelled(folder: Path, services: Services) -> list[Labelled]:
    """Return the photos of a folder with their animals."""
    animals = services.models.taxonomy.animals
    found = []
    for path in sorted(folder.glob("*_*")):
        label = int(path.name.partition("_")[0])
        if label >= len(animals):
            found.append(Labelled(path, "", ""))
            continue
        classes = [taxon.scientific_name for taxon in animals[label].lineage if taxon.rank == "class"]
        found.append(Labelled(path, animals[label].taxon_id, classes[0] if classes else ""))
    return found


def answer_to(photo: bytes, services: Services, *, boxes: bool = True) -> Answer:
    """Identify a photo without a place."""
    params = IdentifyParams(without_location=True, boxes=boxes)
    return identify([photo], params, services, Record("collages", "/identify"))


def collage(left: Path, right: Path) -> tuple[bytes, float]:
    """Return two photos side by side as a JPEG, and the share of its width where the second one begins.

    Both are as high as the lower one.
    """
    photos = [Image.open(path).convert("RGB") for path in (left, right)]
    height = min(photo.height for photo in photos)
    photos = [
        photo.resize((round(photo.width * height / photo.height), height), Image.Resampling.BICUBIC) for photo in photos
    ]
    both = Image.new("RGB", (photos[0].width + photos[1].width, height))
    both.paste(photos[0], (0, 0))
    both.paste(photos[1], (photos[0].width, 0))
    return encoded(both, "JPEG", quality=95), photos[0].width / both.width


def surest_of(animals: Sequence[AnimalFound], start: float, stop: float) -> AnimalFound | None:
    """Return the first of the animals, surest first, whose centre is between two shares of the width."""
    return next((each for each in animals if start <= each.box.x + each.box.width / 2 < stop), None)


def collage_table(pairs: Sequence[tuple[Labelled, Labelled]], services: Services) -> str:
    """Return the table of what was found and named in collages of these pairs."""
    counts: Counter[str] = Counter()
    for left, right in pairs:
        photo, split = collage(left.path, right.path)
        answer = answer_to(photo, services)
        halves = [(left, surest_of(answer.animals or (), 0, split)), (right, surest_of(answer.animals or (), split, 2))]
        named = [found is not None and found.candidates[0].taxon == label.taxon for label, found in halves]
        counts["found"] += sum(found is not None for _, found in halves)
        counts["named"] += sum(named)
        counts["both"] += all(named)
        counts["boxes"] += len(answer.animals or ())
        counts["whole"] += len({left.taxon, right.taxon} & {each.taxon for each in answer.candidates[:2]})
        counts["alone"] += sum(
            answer_to(each.path.read_bytes(), services, boxes=False).candidates[0].taxon == each.taxon
            for each in (left, right)
        )
    halves_of_all = 2 * len(pairs)
    rows = [
        ["halves with a box", _of(counts["found"], halves_of_all), *_target(counts["found"] / halves_of_all, FOUND)],
        ["halves named right", _of(counts["named"], halves_of_all), *_target(counts["named"] / halves_of_all, NAMED)],
        ["collages with both named right", _of(counts["both"], len(pairs)), "", ""],
        ["boxes too many", f"{counts['boxes'] - counts['found']}", "", ""],
        ["for comparison: named by the whole collage's first two", _of(counts["whole"], halves_of_all), "", ""],
        ["for comparison: named right alone, as a photo", _of(counts["alone"], halves_of_all), "", ""],
    ]
    return table(rows, [f"{len(pairs)} collages of two mammals or birds", "result", "target", ""])


def _of(count: int, total: int) -> str:
    return f"{count} of {total}"


def _target(share: float, least: float) -> tuple[str, str]:
    return f"at least {least:.0%}", verdict(share >= least)


def group_table(photos: Sequence[Labelled], services: Services) -> str:
    """Return the table of how many photos have a box of an animal, by group."""
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for photo in photos:
        group = GROUPS.get(photo.group, "other animals" if photo.taxon else "other things")
        total[group] += 1
        found[group] += bool(answer_to(photo.path.read_bytes(), services).animals)
    names = [*GROUPS.values(), "other animals", "other things"]
    rows = [[name, total[name], f"{found[name] / total[name]:.0%}"] for name in names if total[name]]
    return table(rows, ["photos of", "n", "with a box of an animal"])


def time_table(photos: Sequence[bytes], services: Services, rounds: int) -> str:
    """Return the table of processor times per photo, by number of boxes, on one thread."""
    by_boxes: dict[int, list[bytes]] = {}
    for photo in photos:
        by_boxes.setdefault(len(answer_to(photo, services).animals or ()), []).append(photo)
    rows = []
    for number in sorted(by_boxes)[:3]:
        some = by_boxes[number][:AT_ONCE]
        cases = {
            name: lambda boxes=boxes, some=some: [answer_to(photo, services, boxes=boxes) for photo in some]
            for name, boxes in (("plain", False), ("with boxes", True))
        }
        times = interleaved(cases, rounds, warm_up=1, clock=process_time)
        plain, boxed = (median(each) / len(some) * 1e3 for each in times.values())
        rows.append([number, len(some), f"{plain:.1f} ms", f"{boxed:.1f} ms", f"{ratio(times, *reversed(cases)):.2f}"])
    return table(rows, ["animals found", "photos", "without boxes", "with boxes", "ratio"])


def main() -> None:
    """Print the tables about the detector in model/packs/README.md."""
    options = parser(__doc__, 9, "measurements of time")
    options.add_argument("--photos", type=Path, required=True, help=PHOTOS_HELP)
    arguments = options.parse_args()
    services = Services.build(Settings(model_threads=1))
    photos = read_labelled(arguments.photos, services)
    usable = [photo for photo in photos if photo.group in IN_COLLAGES]
    draw = random.Random(_SEED)
    pairs = [(left, right) for left, right in (draw.sample(usable, 2) for _ in range(COLLAGES))]
    collages = [collage(left.path, right.path)[0] for left, right in pairs]
    print(collage_table(pairs, services), group_table(photos, services), sep="\n\n", flush=True)
    print(f"\n{time_table([*collages, *(photo.path.read_bytes() for photo in photos)], services, arguments.rounds)}")


if __name__ == "__main__":
    main()
