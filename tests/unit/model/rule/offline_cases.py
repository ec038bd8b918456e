"""The golden vectors of working without signal: real scores of photos, places, and the answers that Python gives."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.answers import message_of, named_in
from chalicelib.api.words import reasons_of, why_not
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import NO_LOCATION, Features, features_of
from chalicelib.model.certainty import SurestBoxes
from chalicelib.model.models import PhotoScores
from chalicelib.model.recogniser import Recognition, needs_second_look
from chalicelib.model.session import Scores
from chalicelib.photo.pixels import Quality
from model.rule.build import RuleFiles

FILE = Path(__file__).parents[3] / "golden" / "offline" / "answers.json"
NOWHERE = ""
"""The name of a place that is not known."""
BY_DAY = Quality(1000, is_dark=False, is_soft=False, is_infrared=False)


class Case(NamedTuple):
    """A photo at a place."""

    number: int
    photo: dict[str, Any]
    place: str
    features: Features

    @property
    def sighting(self) -> SurestBoxes:
        animal, person, vehicle = self.photo["boxes"]
        return SurestBoxes(animal, person, vehicle, bool(self.photo["by_night"]))

    def looks(self, name: str, size: int) -> NDArray[np.float32]:
        """The scores of each look, shape (looks, size), with 0 for those that the file leaves out."""
        looks = np.zeros((len(self.photo["animal_probability"]), size), np.float32)
        for look, (numbers, values) in zip(looks, self.photo["scores"][name], strict=True):
            look[numbers] = values
        return looks


class Golden:
    """The cases, and what Python says of each. `rule`: of this checkout's models."""

    def __init__(self, rule: RuleFiles) -> None:
        self.rule, self.recogniser = rule, rule.recogniser
        self.document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))

    def cases(self) -> Iterator[Case]:
        """Each photo without a place, and at two of them."""
        places = [*self.document["places"]]
        for number, photo in enumerate(self.document["photos"]):
            for place in (NOWHERE, places[number % len(places)], places[(number + 1) % len(places)]):
                yield Case(number, photo, place, self.features(place))

    def features(self, place: str) -> Features:
        if place == NOWHERE:
            return NO_LOCATION
        found = self.document["places"][place]
        return features_of(
            CellAnimals(
                int(found["cell"], 16),
                "golden",
                tuple(found["areas"]),
                np.array(found["animals"], np.int32),
                np.array(found["weights"], np.float32),
                np.array(found["status"], np.uint8),
                np.array(self.document["unknown"], np.int32),
                np.array(found["relatives"], np.uint16),
            ),
            "miss",
        )

    def recognition(self, case: Case) -> Recognition:
        """What Python recognises."""
        models = self.recogniser.models
        general = case.looks("vision", len(models.taxonomy.animals))
        packs = {pack.name: pack for pack in models.packs if pack.name in case.photo["scores"]}
        photos = []
        for number, probability in enumerate(case.photo["animal_probability"]):
            of_packs = {
                name: np.bincount(
                    pack.labels.animal_of, case.looks(name, len(pack.labels.animal_of))[number], len(pack.animals)
                ).astype(np.float32)
                for name, pack in packs.items()
            }
            scores = Scores(general[number], general[number], float(np.float32(probability)))
            photos.append(PhotoScores(np.zeros((1, 1, 3), np.uint8), scores, of_packs))
        fused = models.fuse(photos)
        return self.recogniser.named(fused, models.prior_at(case.features), case.sighting)

    def answer(self, case: Case) -> dict[str, Any]:
        """The parts of an answer that follow from the scores and the place."""
        found = self.recognition(case)
        scores = found.scores
        subject = case.sighting.subject(scores.animal_probability, self.recogniser.naming.animal)
        prediction, perhaps, candidates = named_in(found, self.recogniser.models.prior_at(case.features), 5)
        reasons = reasons_of(subject, found.decision, BY_DAY)
        return {
            "packs": [run.pack.name for run in scores.packs],
            "subject": subject,
            "message": message_of(prediction, found.decision, case.features.mode, subject),
            "prediction": prediction,
            "perhaps": list(perhaps),
            "candidates": list(candidates),
            "animal_probability": round(scores.animal_probability, 4),
            "reasons": list(reasons),
            "why_not": why_not(reasons),
            "looks_twice": needs_second_look(found.prediction),
        }

    def feeds(self, case: Case, packs: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
        """The inputs of a graph."""
        table, photo, found = self.rule.table, case.photo, case.features.found
        weights, relatives = np.zeros(table.size, np.float32), np.zeros(table.numbers, np.float32)
        weights[[self._position[each] for each in found.animals.tolist()]] = found.weights
        weights[[self._position[each] for each in found.unknown.tolist()]] = 1
        relatives[found.relatives] = 1
        models = self.recogniser.models
        outputs = {pack.name: len(pack.labels.animal_of) for pack in models.packs}
        feeds = {
            "vision": case.looks("vision", len(models.taxonomy.animals)),
            "animal_probability": np.array(photo["animal_probability"], np.float32),
            "weights": weights,
            "relatives": relatives,
            "narrowed": np.array([case.features.mode == "narrowed"], np.float32),
            "boxes": np.array(photo["boxes"], np.float32),
            "by_night": np.array([photo["by_night"]], np.float32),
            **{name: case.looks(name, outputs[name]) for name in packs},
        }
        return {name: values.astype(np.float64) for name, values in feeds.items()}

    @cached_property
    def _position(self) -> dict[int, int]:
        return {animal.id: animal.output_index for animal in self.rule.table.everything.animals}
