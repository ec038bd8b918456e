"""Make answers from what other programs' models found: their scores are weighed by the place, as our models' are."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import uuid4

import numpy as np

from chalicelib.api.answers import answer_of
from chalicelib.api.http import json_of
from chalicelib.api.parameters import DEFAULT_TOP
from chalicelib.api.responses import AnimalFound, Answer
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.identify import Identification
from chalicelib.lazy import Lazy
from chalicelib.location import Location, cell_of
from chalicelib.model.certainty import MOST_EMPTY, NO_BOXES, SurestBoxes
from chalicelib.model.detector import KINDS, Box, Detections
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Decision
from chalicelib.model.recogniser import Boxes, Recognised, Recogniser, Recognition, surest_boxes
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Animal, Relative, read_relatives
from chalicelib.photo.pixels import Quality
from faunalens.engines.speciesnet import CERTAINTY, NetAnimals
from faunalens.importing.predictions import Classes, Detected, Predicted, Program, label_with
from faunalens.study.finding import of_answer
from faunalens.study.identify import answer_of_frames
from faunalens.taxa.names import taxon_of_label
from faunalens.taxa.taxa import ANIMALS

OTHERS = ";;;;;;animal"
"""The label for all animals that a file does not list: it has only the best classes, which do not add up to 1."""
ENOUGH = Quality(pixels=10_000, is_dark=False, is_soft=False, is_infrared=False)
"""A quality without faults, for photos whose pixels were not looked at."""
_TIMES = dict.fromkeys(("photo", "features", "scoring", "boxes", "total"), 0.0)


class Weighing:
    """Makes answers from a file. `labels`: all classes in it. `season_floor`: least factor for an animal off season."""

    def __init__(
        self, labels: Iterable[str], recogniser: Recogniser, features: Callable[[], CellFeatures], season_floor: float
    ) -> None:
        naming, models = recogniser.naming, recogniser.models
        relatives = read_relatives(naming.families.folder / "relatives.csv")
        ours = models.everything().animals
        self._animals = NetAnimals([*labels, *_labels_of(ours, relatives.values()), OTHERS], ours, relatives)
        self._nothing = np.zeros(len(self._animals.taxonomy.animals), np.float32)
        naming = replace(naming, certainty=naming.certainty.with_name(CERTAINTY))
        self._recogniser = replace(recogniser, naming=naming)
        self._features, self._season_floor = Lazy(features), season_floor
        self._at = lru_cache(1000)(self._look_up)

    def answer(
        self, said: Predicted, location: Location | None, month: int | None
    ) -> tuple[str, dict[str, Any] | None]:
        """Return the answer as JSON, and the file's name for the photo. `said`: with boxes as shares of the photo."""
        cell = cell_of(location.latitude, location.longitude) if location else None
        features, prior = self._at(cell, month)

        def answer(found: Detected) -> Answer:
            recognised = self._recognised(found, said.model, prior)
            whole = Identification((), location, cell, features, recognised, ENOUGH, _TIMES)
            made = _without_others(answer_of(whole, str(uuid4()), DEFAULT_TOP))
            made["animals"] = tuple(map(_without_others, made["animals"] or ()))
            if said.detector:
                made["model"]["packs"] = (
                    {"name": said.detector.name, "version": said.detector.version, "milliseconds": 0.0},
                )
            return made

        answers = {number: answer(found) for number, found in said.frames.items()}
        first = next(iter(answers.values()))
        if -1 not in answers:  # a video; its duration is the time of the last frame that was looked at
            rate = said.rate or 1.0
            frames = [(number, number / rate, answers[number]) for number in sorted(answers)]
            return json_of(answer_of_frames(frames, rate, frames[-1][1])), _opinion_of(said, first)
        return json_of(answers[-1]), _opinion_of(said, first)

    def _look_up(self, cell: int | None, month: int | None) -> tuple[Features, Prior]:
        features = NO_LOCATION if cell is None else self._features.get().at(cell)
        features = features.in_month(month, self._season_floor)
        return features, self._recogniser.models.prior_at(self._animals.at(features))

    def _recognised(self, found: Detected, model: Program, prior: Prior) -> Recognised:
        """Return what a photo shows: its surest animal, which takes the classes of the whole photo if there are any."""
        animals, people, vehicles = (tuple(box for box, _ in found.boxes if box.kind == kind) for kind in KINDS)
        classes = [each for box, each in found.boxes if box.kind == "animal"]
        if classes and found.whole:
            classes[0] = found.whole
        named = tuple((box, self._named(each, prior, box)) for box, each in zip(animals, classes, strict=True))
        together = named[0][1] if named else self._named(found.whole, prior, None)
        detections = Detections(animals, people, vehicles)
        subject = surest_boxes(detections).subject(together.scores.animal_probability, self._recogniser.naming.animal)
        return Recognised(together, (), subject, detections, model, prior, Boxes(detections, named))

    def _named(self, classes: Classes, prior: Prior, box: Box | None) -> Recognition:
        """Name an animal by classes at `prior`'s place. Without any, a box is an unnamed animal, a photo is empty."""
        scores, surest = self._scores(classes, box), SurestBoxes(box.score) if box else NO_BOXES
        if classes and (box or scores.animal_probability >= MOST_EMPTY):
            return self._recogniser.named(scores, prior, surest)
        return Recognition(scores, Decision(is_animal=box is not None), ())

    def _scores(self, classes: Classes, box: Box | None) -> FusedScores:
        if not classes:
            return FusedScores(self._nothing, self._nothing, box.score if box else 0.0, self._animals.taxonomy)
        labels, scores = zip(*classes, strict=True)
        total = sum(scores)
        animals = sum(score for label, score in classes if taxon_of_label(label).kind == "animal")
        rest = max(1.0 - total, 0.0) * (animals / total if total else 1.0)
        vision, animal = self._animals.scores((*labels, OTHERS), (*scores, rest))
        named = vision if box or animal >= MOST_EMPTY else self._nothing  # most photos are blank, and naming takes long
        return FusedScores(named, vision, animal, self._animals.taxonomy)


def _labels_of(animals: Iterable[Animal], relatives: Iterable[Relative]) -> Iterator[str]:
    """Yield labels for the mammals and birds that our models know, and for the families of `relatives`.

    Other camera-trap models mostly know them too. A file lists only what was found: without these labels, an animal
    that was not found would count as unknown to the file's model.
    """
    for each in animals:
        line = {taxon.rank: taxon.scientific_name for taxon in each.lineage}
        if line.get("class") in ("Mammalia", "Aves"):
            yield label_with(line, each.name)
    for class_, order, family in sorted({(each.class_, each.order, each.family) for each in relatives}):
        yield f";{class_};{order};{family};;;{family}".lower()


def _without_others[Part: (Answer, AnimalFound)](part: Part) -> Part:
    """Leave out the candidate that stands for all animals that the file does not list. Return the part."""
    part["candidates"] = tuple(each for each in part["candidates"] if each["scientific_name"] != ANIMALS)
    return part


def _opinion_of(said: Predicted, answer: Answer) -> dict[str, Any] | None:
    """Return the file's own name for a photo, before its scores are weighed by the place; None if it has no name."""
    best = max((pair for classes in said.classes for pair in classes[:1]), key=itemgetter(1), default=("", 0.0))
    label = said.theirs.get("prediction") or best[0]
    score = said.theirs.get("prediction_score") or dict(pair for each in said.classes for pair in each).get(label, 0.0)
    if not label:
        return None
    meant = taxon_of_label(label)
    opinion = {"by": " ".join(said.model), "kind": meant.kind, "score": score}
    if meant.kind == "animal":
        opinion |= {"name": meant.name, "scientific_name": meant.scientific_name, "rank": meant.rank}
    fence = _geofence(said, answer)
    return opinion | ({"geofence": fence} if fence else {})


def _geofence(said: Predicted, answer: Answer) -> dict[str, Any] | None:
    """Return how SpeciesNet's geofence and our ranges disagree about its best animal; None if they agree."""
    country = said.theirs.get("country")
    if not country or answer["features"]["mode"] != "narrowed":
        return None
    meant = (taxon_of_label(label) for classes in said.classes for label, _ in classes)
    first = next((each for each in meant if each.kind == "animal"), None)
    if first is None:
        return None
    here = {each["scientific_name"]: each["here"] for each in answer["candidates"]}
    lives = here.get(first.scientific_name, "unexpected") != "unexpected"
    excludes = "geofence" in str(said.theirs.get("prediction_source"))
    return {"country": country, "taxon": first.name, "excludes": excludes} if excludes == lives else None


def opinion_in(answer: str) -> dict[str, Any]:
    """Return the name in an answer (JSON) in the form of a second opinion."""
    found = of_answer(json.loads(answer), "")
    opinion = {"by": found.by, "kind": found.kind, "score": found.sureness}
    named = asdict(found.named) if found.named else {}
    return opinion | {name: named[name] for name in ("name", "scientific_name", "rank") if name in named}


def with_others(answer: str, opinions: Sequence[Mapping[str, Any]]) -> str:
    """Return an answer (JSON) with second opinions added under `others`, where finding.py reads them."""
    return f'{answer[:-1]},"others":{json_of(opinions)}}}' if opinions else answer
