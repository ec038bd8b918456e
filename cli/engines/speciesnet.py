"""SpeciesNet by the package of this name: its detector and classifier see, and our data of the place weighs.

Its own geofence by countries and its roll-up are left out: ranges by state and sea, the month, species that it does not
know, families and words come from `Naming`, as for our models. The package gets its weights itself, at the first use,
and takes a GPU if there is one.

Its scores are not calibrated with photos of ours, and the curves of our models would not fit them. So a number is its
own probability, weighed by the place (`PLAIN` in certainty.py), unless `CERTAINTY` with curves for it lies beside the
general model.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from PIL import Image, ImageFile

from chalicelib.features.features import Features
from chalicelib.model.detector import KINDS, Box, Detections
from chalicelib.model.models import FusedScores, mean_of
from chalicelib.model.prior import Prior
from chalicelib.model.recogniser import Boxes, Recognised, Recogniser, sighting_of
from chalicelib.model.relatives import read_relatives
from chalicelib.model.subject import Sighting
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.services import Services
from cli.engines.engine import required
from cli.engines.gather import Gathered
from cli.engines.megadetector import boxes_of
from cli.engines.speciesnet_animals import NetAnimals
from cli.errors import CommandError
from cli.importing.speciesnet_taxa import taxon_of_label
from cli.terminal import MOST_FAULTS

NAME: Final = "speciesnet"
LEAST: Final = 0.1
"""Score of a box from which it is classified, as the package does by default."""
CERTAINTY: Final = "speciesnet-certainty.json"
FULL: Final = 1 << 14
"""Side of a square that is larger than any photo: small animals are cut out of all its pixels."""
type Classified = tuple[Sequence[str], Sequence[float]]
"""All labels, and the score of each."""


class SpeciesNet:
    """The package's two models. Thread-safe. `weights`: a name that it knows, or a folder; its default if empty."""

    def __init__(self, weights: str = "") -> None:
        package = _module(NAME)
        weights = weights or package.DEFAULT_MODEL
        try:
            with redirect_stdout(sys.stderr):
                self._detector = package.SpeciesNetDetector(weights)
                self._classifier = package.SpeciesNetClassifier(weights)
        except Exception as error:  # of torch, of the network, of the file: they have no common base class
            raise CommandError(
                f"SpeciesNet cannot load {weights} ({error}); its weights are downloaded at the first use: check the "
                "network, or give their folder with --weights"
            ) from error
        info = self._classifier.model_info
        self.name, self.version, self._box = NAME, str(info.version), package.BBox
        self._sees_whole = info.type_ == "full_image"
        self._classified = Gathered(self._batch)
        self.labels: list[str] = list(self._classifier.labels.values())

    def look(self, image: Image.Image) -> tuple[tuple[Box, ...], list[Classified]]:
        """Return the boxes in an upright photo, and what each box of an animal shows: all classes.

        A classifier of whole photos gives one row for all of them, also if there is none.
        """
        found = self._detector.predict("", self._detector.preprocess(image))
        boxes = boxes_of(found["detections"], LEAST)
        parts = [self._box(box.x, box.y, box.width, box.height) for box in boxes if box.kind == "animal"]
        classified = self._classified(self._classifier.preprocess(image, bboxes=parts))
        return boxes, classified * max(len(parts), 1) if self._sees_whole else classified

    def _batch(self, crops: Sequence[Any]) -> list[list[Classified]]:
        """Return what the crops of each photo show."""
        names = [str(number) for number in range(len(crops))]
        found = self._classifier.batch_predict(names, list(crops), num_classes=None)
        return [[(row["classes"], row["scores"]) for row in each["classifications_list"]] for each in found]


@dataclass(frozen=True, slots=True)
class NetRecogniser(Recogniser):
    """A recogniser by SpeciesNet. Answers always have boxes. `animals`: those of the labels of `net`."""

    net: SpeciesNet
    animals: NetAnimals

    def recognise(self, photos: Sequence[DecodedPhoto], features: Features) -> Recognised:
        """Return what a photo shows: that of the box that is surest to have an animal. Raises `ModelError`.

        Several photos of one animal show the geometric mean of what each does.
        """
        prior = self.models.prior_at(self.animals.at(features))
        looks = [self._recognised(photo, prior) for photo in photos]
        if len(looks) == 1:
            return looks[0]
        alone = tuple(each.together for each in looks)
        vision = mean_of([each.scores.vision for each in alone])
        animal = float(np.mean([each.scores.animal_probability for each in alone]))
        seen = max((sighting_of(each.detections) for each in looks), key=lambda each: each.animal)
        together = self.named(FusedScores(vision, vision, animal, self.animals.taxonomy), prior, seen)
        subject = seen.subject(animal, self.naming.animal)
        return replace(looks[0], together=together, alone=alone, subject=subject, boxes=None)

    def name_with(self, found: Recognised, prior: Prior) -> Prediction | None:
        """Return the taxon that the same scores show with the prior of another dataset."""
        prior = self.models.prior_at(self.animals.at(prior.features))
        return Recogniser.name_with(self, found, prior)

    def _recognised(self, photo: DecodedPhoto, prior: Prior) -> Recognised:
        picture = photo.picture
        boxes, rows = self.net.look(Image.fromarray(picture.whole(max(picture.width, picture.height))))
        animals, people, vehicles = (tuple(box for box in boxes if box.kind == kind) for kind in KINDS)
        shown = tuple(
            (box, self.named(self._scores(*row), prior, Sighting(box.score)))
            for box, row in zip(animals, rows, strict=False)
        )
        if shown:
            _, together = max(shown, key=lambda each: each[0].score * each[1].scores.animal_probability)
        else:
            together = self.named(self._scores(*(rows[0] if rows else ((), ()))), prior)
        detections = Detections(animals, people, vehicles)
        subject = sighting_of(detections).subject(together.scores.animal_probability, self.naming.animal)
        return Recognised(together, (), subject, detections, self.net, prior, Boxes(detections, shown))

    def with_boxes(self, photo: DecodedPhoto, found: Recognised) -> Recognised:  # noqa: ARG002, they are there
        """Return what was found."""
        return found

    def _scores(self, labels: Sequence[str], scores: Sequence[float]) -> FusedScores:
        vision, animal = self.animals.scores(labels, scores)
        return FusedScores(vision, vision, animal, self.animals.taxonomy)


def with_speciesnet(services: Services, net: SpeciesNet, say: Callable[[str], None]) -> Services:
    """Return services that name animals by SpeciesNet. `say`: gets how many of its labels are known."""
    old = services.recogniser
    relatives = read_relatives(old.naming.families.folder / "relatives.csv")
    animals = NetAnimals(net.labels, old.models.everything().animals, relatives)
    taxa = {each.scientific_name: each for each in map(taxon_of_label, net.labels) if each.kind == "animal"}
    strangers = [each.scientific_name for each in taxa.values() if not each.is_known]
    more = f", and the others are named as it does: {', '.join(strangers[:MOST_FAULTS])}" if strangers else ""
    say(f"SpeciesNet {net.version}: {len(taxa) - len(strangers):,} of its {len(taxa):,} taxa are known here{more}")
    naming = replace(old.naming, certainty=old.naming.certainty.with_name(CERTAINTY))
    recogniser = NetRecogniser(
        old.models, naming, old.detectors, second_look=False, boxes=True, net=net, animals=animals
    )
    return replace(services, photos=replace(services.photos, detail=FULL), recogniser=recogniser)


def version_of(weights: str) -> str:
    """Return the version of weights; downloads them if they are not there."""
    return str(_module(f"{NAME}.utils").ModelInfo(weights or _module(NAME).DEFAULT_MODEL).version)


def _module(name: str) -> Any:
    """Import a module of the package, which sets how Pillow reads photos: damaged ones would pass for whole ones."""
    module = required(name, NAME)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return module
