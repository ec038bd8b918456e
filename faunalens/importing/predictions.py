"""Read what other programs' models found in photos: JSON of MegaDetector (any version), SpeciesNet or PyTorch-Wildlife.

All classes are converted to labels in SpeciesNet's form, so that taxa are found in one way. A class in another form is
found by its scientific or everyday name.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from chalicelib.model.detector import MOST, Box
from chalicelib.model.taxonomy import RANKS
from faunalens.engines.megadetector import CATEGORIES, boxes_of
from faunalens.errors import CommandError
from faunalens.importing.labels import PACKAGE, faults_of, is_coco
from faunalens.taxa.names import OF_LABEL, kind_called, taxon_called
from faunalens.taxa.taxa import lineage_of, searchable

Names = Literal["theirs", "ours", "both"]
"""Whose names the answers have. `both`: theirs, with ours beside them."""
LISTS = ("images", "predictions", "annotations")
"""The keys that the list of photos has in the JSON of MegaDetector, SpeciesNet and PyTorch-Wildlife."""
THEIRS = ("prediction", "prediction_score", "prediction_source", "country", "admin1_region")
"""Keys of SpeciesNet's final answer, after its geofence, which is kept beside ours."""
UNSAID = "of unknown version"
_VERSION = re.compile(r"v?\d+(\.\d+)+\w*")
type Classes = tuple[tuple[str, float], ...]
"""Labels in SpeciesNet's form with their scores, the best first."""


class Detected(NamedTuple):
    """What a model found in a photo or frame: boxes, each with its classes, and the classes of the `whole` picture."""

    boxes: tuple[tuple[Box, Classes], ...]
    whole: Classes = ()


class Program(NamedTuple):
    """Name and version of another program's model."""

    name: str
    version: str


class Predicted(NamedTuple):
    """What a file says of a photo or video. `frames`: what was found, by number of the frame; a photo is frame -1.

    `failure`: why the program could not look at it. `model`, `detector`: names and versions. `pixels`: whether boxes
    are in pixels. `theirs`: SpeciesNet's final answer, by `THEIRS`. `place`: latitude, longitude. `rate`: frames a
    second. `reviewer`: the person who named the animal, in our own exports.
    """

    path: str
    frames: Mapping[int, Detected]
    failure: str
    model: Program
    detector: Program | None = None
    pixels: bool = False
    theirs: Mapping[str, Any] = {}
    place: tuple[float, float] | None = None
    rate: float = 0.0
    reviewer: str = ""

    @property
    def classes(self) -> Iterator[Classes]:
        """Yield the classes of the whole photo and of each box, in all frames."""
        for found in self.frames.values():
            yield found.whole
            yield from (classes for _, classes in found.boxes)

    def in_shares(self, size: tuple[int, int]) -> "Predicted":
        """Return the prediction with boxes as shares of the photo. `size`: the photo's width and height in pixels."""
        if not self.pixels:
            return self
        (wide, high), found = size, self.frames[-1]  # no video has boxes in pixels
        boxes = tuple(
            (replace(box, x=box.x / wide, y=box.y / high, width=box.width / wide, height=box.height / high), classes)
            for box, classes in found.boxes
        )
        return self._replace(frames={-1: found._replace(boxes=boxes)}, pixels=False)


class Predictions:
    """A file of predictions. Raises `CommandError` if the file is damaged, or has no predictions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with faults_of(path):
            about = json.loads(path.read_text(encoding="utf-8-sig"), object_hook=_packed)
            about = {"images": about} if isinstance(about, list) else dict(about)
            self._items = [item for name in LISTS for item in about.get(name, ())]
        if not about.keys() & set(LISTS):
            expected = "expected JSON of MegaDetector, SpeciesNet, PyTorch-Wildlife or COCO"
            raise CommandError(f"{path} has no list of photos; {expected}")
        info = about.get("info") or {}
        detector = Program("megadetector", str(info.get("detector") or UNSAID))
        names = about.get("classification_categories") or about.get("clf_categories") or {}
        descriptions = about.get("classification_category_descriptions") or {}
        classifier = str(info.get("classifier") or "classifier")
        version, name = _VERSION.search(classifier), "speciesnet" if "speciesnet" in classifier.lower() else classifier
        self._model = Program(name, version[0] if version else UNSAID) if names else detector
        self._detector = detector if names else None
        self._labels = {each: label_of(name, descriptions.get(each, "")) for each, name in _named(names)}
        kinds = next(filter(None, map(about.get, ("detection_categories", "det_categories", "categories"))), CATEGORIES)
        of = {None: "1", "human": "2", "vehicle": "3"}  # an unknown word is an animal; other kinds have no boxes
        self._kinds = {each: of.get(kind_called(name), "") for each, name in _named(kinds)}

    @staticmethod
    def is_form_of(path: Path) -> bool:
        """Return whether a file is JSON, by its name, but neither COCO nor a Camtrap DP, which hold people's labels."""
        return path.is_file() and path.suffix.lower() == ".json" and path.name != PACKAGE and not is_coco(path)

    def __iter__(self) -> Iterator[Predicted]:
        """Yield what the file says of each photo or video. Raises `CommandError` if the file is damaged."""
        with faults_of(self._path):
            for each in self._items:
                item = json.loads(each) if isinstance(each, str) else each
                if "filepath" in item and "file" not in item:
                    yield self._of_speciesnet(item)
                else:
                    yield self._of_wildlife(item) if "img_id" in item else self._of_megadetector(item)

    def _of_megadetector(self, item: Mapping[str, Any]) -> Predicted:
        frames: dict[int, list[Mapping[str, Any]]] = {each: [] for each in item.get("frames_processed") or (-1,)}
        for each in item.get("detections") or ():
            category = self._kinds.get(str(each["category"]), "")
            frames.setdefault(each.get("frame_number", -1), []).append({**each, "category": category})
        found = {number: _found(each, self._classes) for number, each in frames.items()}
        return Predicted(
            item["file"],
            found,
            str(item.get("failure") or ("" if item.get("detections") is not None else "no detections")),
            self._model,
            self._detector,
            rate=float(item.get("frame_rate") or 0),
            reviewer=item.get("reviewer", ""),
        )

    def _of_speciesnet(self, item: Mapping[str, Any]) -> Predicted:
        said, failures = item.get("classifications") or {}, item.get("failures") or ()
        whole = tuple(zip(map(label_of, said.get("classes", ())), said.get("scores", ()), strict=True))
        boxes = _found(item.get("detections") or (), lambda _: ()).boxes
        latitude, longitude = (float(item.get(name) or 0) for name in ("latitude", "longitude"))
        place = (latitude, longitude) if "latitude" in item and abs(latitude) <= 90 and abs(longitude) <= 180 else None
        is_empty = not whole and item.get("detections") is None
        return Predicted(
            item["filepath"],
            {-1: Detected(boxes, whole)},
            ", ".join(failures) or "no prediction" if is_empty else "",
            Program("speciesnet", str(item.get("model_version") or UNSAID)),
            theirs={name: item[name] for name in THEIRS if item.get(name) is not None},
            place=place,
        )

    def _of_wildlife(self, item: Mapping[str, Any]) -> Predicted:
        """Read a photo in PyTorch-Wildlife's JSON. It lists boxes as corners in pixels, and their kinds separately."""
        kinds = item.get("category", item.get("det_category", ()))
        scores = item.get("confidence", item.get("det_confidence", ()))
        classes = iter(zip(item.get("clf_category", ()), item.get("clf_confidence", ()), strict=False))
        detections = []
        for (left, top, right, bottom), kind, score in zip(item["bbox"], kinds, scores, strict=True):
            named = next(classes, None) if self._kinds.get(str(kind)) == "1" else None
            box = {"category": kind, "conf": score, "bbox": (left, top, right - left, bottom - top)}
            detections.append(box | {"classifications": [named] if named else ()})
        return self._of_megadetector({"file": str(item["img_id"]), "detections": detections})._replace(pixels=True)

    def _classes(self, detection: Mapping[str, Any]) -> Classes:
        said = detection.get("classifications") or ()
        return tuple((self._labels[str(number)], float(score)) for number, score in said if str(number) in self._labels)

    @property
    def unknown(self) -> list[str]:
        """Return the names of the file's classes that mean no known taxon."""
        return [label.rpartition(";")[2] for label in self._labels.values() if label.startswith(UNKNOWN)]


def _packed(item: dict[str, Any]) -> Any:
    """Return a photo's object as JSON text, since the parsed objects of a large file would take gigabytes of memory."""
    if not item.keys() & {"detections", "filepath", "img_id"}:
        return item
    try:
        return json.dumps(item, allow_nan=False)
    except ValueError:  # NaN or infinity, which Python reads although JSON lacks them
        return item


UNKNOWN = "unknown;"
"""Begins the label of a class that is no known taxon, in place of the id."""


def _named(categories: Mapping[str, str] | Sequence[str]) -> Iterable[tuple[str, str]]:
    pairs = categories.items() if isinstance(categories, Mapping) else enumerate(categories)
    return [(str(number), str(name)) for number, name in pairs]


def _found(detections: Iterable[Mapping[str, Any]], classes: Any) -> Detected:
    surest = sorted(detections, key=lambda each: -float(each["conf"]))
    found: list[tuple[Box, Classes]] = [(box, classes(each)) for each in surest for box in boxes_of([each])]
    kinds = [box.kind for box, _ in found]
    return Detected(tuple(pair for at, pair in enumerate(found) if kinds[:at].count(pair[0].kind) < MOST[pair[0].kind]))


@cache
def label_of(name: str, description: str = "") -> str:
    """Convert a class to a label in SpeciesNet's form.

    `description`: the scientific names of its taxa, from wide to narrow.

    >>> label_of("elk", "animalia;chordata;mammalia;artiodactyla;cervidae;cervuscanadensis").split(";")[4:6]
    ['cervus', 'canadensis']
    """
    for each in (name, description):
        if each.count(";") == 6:
            return each
    if kind := kind_called(name):
        return ";;;;;;" + next(name for name, each in OF_LABEL.items() if each == kind)
    narrow = description.rpartition(";")[2].strip()
    taxon = taxon_called(_without_spaces().get(narrow.replace(" ", "").lower(), narrow)) if narrow else None
    taxon = taxon or taxon_called(name)
    if taxon is None:
        return f"{UNKNOWN};;;;;{name.replace(';', ',')}"
    return label_with(lineage_of(taxon.scientific_name).ranks, taxon.name)


def label_with(ranks: Mapping[str, str], name: str) -> str:
    """Return a label in SpeciesNet's form. `ranks`: scientific names by rank. `name`: the English name."""
    genus, _, epithet = ranks.get("species", ranks.get("genus", "")).partition(" ")
    return ";".join(("", *(ranks.get(rank, "").lower() for rank in RANKS[1:4]), genus.lower(), epithet, name))


@cache
def _without_spaces() -> Mapping[str, str]:
    return {latin.replace(" ", "").lower(): latin for latin, *_ in searchable()}
