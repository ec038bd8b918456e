"""SpeciesNet, from the package of this name: its models look at photos, and our data about the place weigh its scores.

Its own geofence by countries and its roll-up are left out: as for our models, `Naming` uses ranges by state, sea and
month, and names families. The package downloads its weights at the first use, and uses a GPU if there is one.

Its scores are not calibrated with photos of ours, and the curves of our models would not fit them. So an answer shows
SpeciesNet's own probability, weighed by the place (`PLAIN` in certainty.py), unless `CERTAINTY` names a file of curves.
"""
# ruff: noqa: ARG002, answers have boxes whether they are asked for or not

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from chalicelib.features.features import Features
from chalicelib.model.certainty import SurestBoxes
from chalicelib.model.detector import KINDS, Box, Detections
from chalicelib.model.models import FusedScores
from chalicelib.model.recogniser import Boxes, Recognised, Recogniser, surest_boxes
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import KINDS as OUTSIDE
from chalicelib.model.taxonomy import Animal, Prediction, Relative, Taxon, Taxonomy, read_relatives
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.services import Services
from faunalens.engines.engine import Gathered, loading, required
from faunalens.engines.megadetector import boxes_of
from faunalens.taxa.names import Labelled, taxon_of_label
from faunalens.taxa.taxa import ANIMALS, lineage_of

NAME: Final = "speciesnet"
LEAST: Final = 0.1  # least score of a box that is classified: the default of the package
CERTAINTY: Final = "speciesnet-certainty.json"
FULL: Final = 1 << 14
"""Side of a square that is larger than any photo: small animals are cut out of all its pixels."""
_MOST_NAMED = 10  # most unknown taxa that a message names
NATIVE = 1  # status of every relative at a place: our data do not have the relatives' own
type Positions = NDArray[np.intp]
NONE: Positions = np.empty(0, np.intp)
type Classified = tuple[Sequence[str], Sequence[float]]
"""All labels, and the score of each."""


class SpeciesNet:
    """SpeciesNet's detector and classifier. Thread-safe. `weights`: a name known to the package, a folder, or empty."""

    def __init__(self, weights: str = "") -> None:
        package = _module(NAME)
        weights = weights or package.DEFAULT_MODEL
        with loading("SpeciesNet", weights, "their folder"):
            self._detector = package.SpeciesNetDetector(weights)
            self._classifier = package.SpeciesNetClassifier(weights)
        info = self._classifier.model_info
        self.name, self.version, self._box = NAME, str(info.version), package.BBox
        self._sees_whole = info.type_ == "full_image"
        self._classified = Gathered(self._batch)
        self.labels: list[str] = list(self._classifier.labels.values())

    def classified(self, image: Image.Image) -> tuple[tuple[Box, ...], list[Classified]]:
        """Return the boxes in an upright photo, and the scores of all labels for each box of an animal.

        A classifier that looks at whole photos gives the same scores for all boxes; without a box, it gives them once.
        """
        boxes = boxes_of(self._detector.predict("", self._detector.preprocess(image))["detections"], LEAST)
        parts = [self._box(box.x, box.y, box.width, box.height) for box in boxes if box.kind == "animal"]
        classified = self._classified(self._classifier.preprocess(image, bboxes=parts))
        return boxes, classified * max(len(parts), 1) if self._sees_whole else classified

    def _batch(self, crops: Sequence[Any]) -> list[list[Classified]]:
        """Return the scores of all labels for each crop of each photo."""
        names = [str(number) for number in range(len(crops))]
        found = self._classifier.batch_predict(names, list(crops), num_classes=None)
        return [[(row["classes"], row["scores"]) for row in each["classifications_list"]] for each in found]


class NetAnimals:
    """The animals that another model's labels stand for: with them, our models' code weighs its scores by the place.

    Our range data know a species as one of our models' animals or as a relative that no model of ours knows; here both
    are animals. A label of a genus or a family lives where any of its species does.

    `labels`: in SpeciesNet's form. `animals`: our models' animals. `relatives`: the relatives that no model of ours
    knows, by number. `taxonomy`: the labels' animals, in the order of their first labels; their ids are positions.
    """

    def __init__(self, labels: Iterable[str], animals: Iterable[Animal], relatives: Mapping[int, Relative]) -> None:
        animals = list(animals)
        kinds = {each.scientific_name: each.kind for each in reversed(animals)}
        found: dict[str, Animal] = {}
        self._position_of: dict[str, int] = {}
        for label in labels:
            meant = taxon_of_label(label)
            if latin := meant.scientific_name:
                animal = found.setdefault(latin, _animal(meant, len(found), kinds.get(latin, "wild")))
                self._position_of[label] = animal.id
        positions = {latin: each.id for latin, each in found.items()}
        self.taxonomy = Taxonomy.of(list(found.values()))
        self._of_animal = {
            each.id: _among(positions, (taxon.scientific_name for taxon in each.lineage)) for each in animals
        }
        self._of_relative = {number: _among(positions, each[1:2] + each[4:]) for number, each in relatives.items()}
        self._is_wild = np.array([OUTSIDE[each.kind] is None for each in found.values()])
        self._without_range = np.ones(len(found), np.bool_)
        for each in (*self._of_animal.values(), *self._of_relative.values()):
            self._without_range[each] = False

    def scores(self, labels: Sequence[str], scores: Sequence[float]) -> tuple[NDArray[np.float32], float]:
        """Return the probability of each animal, given that there is one, and the probability that there is one.

        `labels`, `scores`: what SpeciesNet says of one picture. All scores together, animals or not, add up to 1.
        """
        found = np.zeros(len(self.taxonomy.animals))
        for label, score in zip(labels, scores, strict=True):
            if label in self._position_of:
                found[self._position_of[label]] += score
        total = float(found.sum())
        all_alike = np.full(len(found), 1 / len(found))
        return (found / total if total else all_alike).astype(np.float32), min(total, 1.0)

    def at(self, features: Features) -> Features:
        """Convert the features of a place from our models' animals to these animals. Takes some milliseconds.

        An animal that lives there has the weight that our data give it, or 1 if it is a relative. An animal without a
        range in our data counts as one whose range is unknown.
        """
        if features.mode != "narrowed":
            return features
        here, count = features.found, len(self.taxonomy.animals)
        weights, status = np.zeros(count, np.float32), np.zeros(count, np.uint8)
        known = zip(here.animals.tolist(), here.weights.tolist(), here.status.tolist(), strict=True)
        rows = [(self._of_animal.get(each, NONE), weight, which) for each, weight, which in known]
        rows += [(self._of_relative.get(each, NONE), 1.0, NATIVE) for each in here.relatives.tolist()]
        for positions, weight, which in rows:
            status[positions] = np.where(weight > weights[positions], which, status[positions])
            weights[positions] = np.maximum(weights[positions], weight)
        strange = self._without_range.copy()
        for each in here.unknown.tolist():
            strange[self._of_animal.get(each, NONE)] = True
        present = np.flatnonzero(weights)
        found = here._replace(
            animals=present.astype(np.int32),
            weights=weights[present],
            status=status[present],
            unknown=np.flatnonzero(strange & self._is_wild & (weights == 0)).astype(np.int32),
        )
        return replace(features, found=found)


def _animal(meant: Labelled, position: int, kind: str) -> Animal:
    latin = meant.scientific_name
    above = [Taxon(lineage_of(each).name or each, each, rank) for rank, each in meant.ranks.items() if each != latin]
    taxon = "-".join(latin.lower().split())
    lineage = (*above, Taxon(meant.name, latin, meant.rank))
    return Animal(position, taxon, position, meant.name, latin, meant.rank, kind, lineage)


def _among(positions: Mapping[str, int], names: Iterable[str]) -> Positions:
    """Return the positions of the taxa with these names and of "any animal". Names without a label are left out."""
    return np.array(sorted({positions[name] for name in (*names, ANIMALS) if name in positions}), np.intp)


@dataclass(frozen=True, slots=True)
class NetRecogniser(Recogniser):
    """A recogniser that uses SpeciesNet (`net`). Its answers always have boxes. `animals`: what its labels mean."""

    net: SpeciesNet
    animals: NetAnimals

    def recognise(self, photos: Sequence[DecodedPhoto], features: Features, *, boxes: bool = True) -> Recognised:
        """Return what is in the box that most surely has an animal. `photos` must be one photo. Raises `ModelError`."""
        (photo,) = photos  # the command sends each photo on its own
        picture, prior = photo.picture, self.models.prior_at(self.animals.at(features))
        found, rows = self.net.classified(Image.fromarray(picture.whole(max(picture.width, picture.height))))
        animals, people, vehicles = (tuple(box for box in found if box.kind == kind) for kind in KINDS)
        shown = tuple(
            (box, self.named(self._scores(*row), prior, SurestBoxes(box.score)))
            for box, row in zip(animals, rows, strict=False)
        )
        if shown:
            _, together = max(shown, key=lambda each: each[0].score * each[1].scores.animal_probability)
        else:
            together = self.named(self._scores(*(rows[0] if rows else ((), ()))), prior)
        detections = Detections(animals, people, vehicles)
        subject = surest_boxes(detections).subject(together.scores.animal_probability, self.naming.animal)
        return Recognised(together, (), subject, detections, self.net, prior, Boxes(detections, shown))

    def name_with(self, found: Recognised, prior: Prior) -> Prediction | None:
        """Return the taxon that the scores in `found` lead to under another prior, such as that of another dataset."""
        prior = self.models.prior_at(self.animals.at(prior.features))
        return Recogniser.name_with(self, found, prior)

    def with_boxes(self, photo: DecodedPhoto, found: Recognised) -> Recognised:
        """Return `found` unchanged, because it has boxes already."""
        return found

    def _scores(self, labels: Sequence[str], scores: Sequence[float]) -> FusedScores:
        vision, animal = self.animals.scores(labels, scores)
        return FusedScores(vision, vision, animal, self.animals.taxonomy)


def change(weights: str, say: Callable[[str], None]) -> Callable[[Services], Services]:
    """Load SpeciesNet. Return a function that makes services name animals by it, and says which of its taxa we know."""
    return partial(with_speciesnet, net=SpeciesNet(weights), say=say)


def versions(weights: str, ours: Mapping[str, str]) -> Mapping[str, str]:
    """Return the versions of the weights and of our data, by name: none of our models is used."""
    return {name: version for name, version in ours.items() if name == "data"} | {NAME: version_of(weights)}


def with_speciesnet(services: Services, net: SpeciesNet, say: Callable[[str], None]) -> Services:
    """Return services that name animals by SpeciesNet. `say`: called with a sentence on its taxa."""
    old = services.recogniser
    relatives = read_relatives(old.naming.families.folder / "relatives.csv")
    animals = NetAnimals(net.labels, old.models.everything().animals, relatives)
    taxa = {each.scientific_name: each for each in map(taxon_of_label, net.labels) if each.kind == "animal"}
    strangers = [each.scientific_name for each in taxa.values() if not each.is_known]
    more = f", and the others are named as it does: {', '.join(strangers[:_MOST_NAMED])}" if strangers else ""
    say(f"SpeciesNet {net.version}: {len(taxa) - len(strangers):,} of its {len(taxa):,} taxa are known here{more}")
    naming = replace(old.naming, certainty=old.naming.certainty.with_name(CERTAINTY))
    recogniser = NetRecogniser(
        old.models, naming, old.detectors, second_look=False, boxes=True, net=net, animals=animals
    )
    return services._replace(photos=replace(services.photos, detail=FULL), recogniser=recogniser)


def version_of(weights: str) -> str:
    """Return the version of SpeciesNet's weights; download the weights if they are missing."""
    return str(_module(f"{NAME}.utils").ModelInfo(weights or _module(NAME).DEFAULT_MODEL).version)


def _module(name: str) -> Any:
    """Import a module of `speciesnet`, and undo its change to Pillow, with which damaged photos would pass as whole."""
    module = required(name, NAME)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return module
