"""Answers to photos by the whole request path, and scores of the models alone, without servers.

The features are those of this checkout's dataset, from a file of cells as `faunalens identify --local` keeps it.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.field.truth import FieldPhoto, Lineage, Verdict, verdict
from chalicelib.api.words import sure_of
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.features import NO_LOCATION
from chalicelib.identify import IdentifyRequest, identify
from chalicelib.location import Location, cell_of
from chalicelib.model.certainty import NO_BOXES, SurestBoxes
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Decision, Naming
from chalicelib.model.recogniser import needs_second_look, surest_boxes
from chalicelib.model.shares import Prior
from chalicelib.photo.photos import DecodedPhoto, open_photo
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from faunalens.engines.local import CellFile, NoCache, of_a_run

CELLS = Path(__file__).parents[2] / ".local" / "cells"
_PROGRESS_EVERY = 50
_say = partial(print, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a photo. `worth`: the verdict on it, by the photo's truth.

    `rank`, `score`: of the named taxon. `is_listed`: whether a listed taxon is right. `list_score`: 0 without a list.
    """

    photo: FieldPhoto
    worth: Verdict
    rank: str | None
    score: float | None
    is_listed: bool
    list_score: float

    @classmethod
    def of(cls, photo: FieldPhoto, decision: Decision) -> "Answered":
        """Judge a decision about a photo by the photo's truth."""
        named, perhaps = decision.prediction, decision.perhaps
        rank = named.taxon.rank if named else None
        lineage = {taxon.rank: taxon.scientific_name for taxon in named.lineage} if named else None
        of_list = [verdict(photo, {each.rank: each.scientific_name}, each.rank) for each in perhaps]
        return cls(
            photo,
            verdict(photo, lineage, rank or ""),
            rank,
            round(named.score, 4) if named else None,
            any(each in ("exact", "useful") for each in of_list),
            sum(each.score for each in perhaps),
        )

    @property
    def sure(self) -> str | None:
        """Return the app's word for the score of the named taxon, such as `likely`; None without a name."""
        return None if self.score is None else sure_of(self.score)

    @property
    def is_right(self) -> bool:
        """Return whether the answer names a taxon to which the animal belongs."""
        return self.worth in ("exact", "useful", "vague")

    @property
    def is_usable(self) -> bool:
        """Return whether the answer names or lists a right family or narrower taxon."""
        return self.worth in ("exact", "useful") or self.is_listed

    @property
    def is_silent(self) -> bool:
        """Return whether the answer neither names nor lists a taxon."""
        return self.rank is None and not self.list_score


class TwoScores(NamedTuple):
    """The scores of a photo after one look and after two, with the weights of the animals at its place.

    `surest`: the surest boxes of the second look.
    """

    one: FusedScores
    two: FusedScores
    surest: SurestBoxes
    prior: Prior

    def name(self, naming: Naming) -> tuple[FusedScores, SurestBoxes, Decision]:
        """Decide as the recogniser does. Return the decisive scores, what the detectors saw, and the decision."""
        _, first = naming.name(self.one, self.prior)
        if not needs_second_look(first.prediction):
            return self.one, NO_BOXES, first
        return self.two, self.surest, naming.name(self.two, self.prior, self.surest)[1]


def local_services() -> Services:
    """Return the services of an identification, with the features of this checkout's dataset."""
    settings = of_a_run(Settings())
    cells = CellFile.of(settings.model.path, CELLS, _say)
    return Services.build(settings, CellFeatures(NoCache(), cells, settings.features))


def lineages_of(services: Services) -> list[Lineage]:
    """Return the lineages of all species that models know, and of their relatives."""
    relatives = services.recogniser.naming.families.relatives
    known = services.recogniser.models.everything().animals
    return [
        *(
            {"class": each.class_, "order": each.order, "family": each.family, "genus": each.genus}
            for each in relatives.unknown(relatives.numbers, frozenset())
        ),
        *({taxon.rank: taxon.scientific_name for taxon in animal.lineage} for animal in known),
    ]


def answer_all(folder: Path, photos: Sequence[FieldPhoto], services: Services, *, with_places: bool) -> list[Answered]:
    """Return the answers to all photos. `with_places`: send a photo's place with the request, if known."""
    answered = []
    for photo in _reported(photos):
        place = photo.place if with_places else None
        request = IdentifyRequest(Location(*place, "request") if place else None, "optional" if place else "ignored")
        found = identify([(folder / photo.file).read_bytes()], request, services, Record("field", "/identify"))
        answered.append(Answered.of(photo, found.recognised.together.decision))
    return answered


def scores_of(folder: Path, photos: Sequence[FieldPhoto], services: Services) -> Iterator[TwoScores]:
    """Yield the scores of each photo, after one and after two looks."""
    recogniser, models = services.recogniser, services.recogniser.models
    size = models.general.input_size
    for each in _reported(photos):
        opened = open_photo((folder / each.file).read_bytes(), PhotoLimits())
        photo = DecodedPhoto.of(opened.decode(size), size, size, min(opened.width, opened.height))
        first = models.score(photo.square)
        detections = recogniser.detect(photo, first.general, boxes=False)
        part = recogniser.second_look_at(photo, detections, first.general)
        prior = models.prior_at(services.features.at(cell_of(*each.place)) if each.place else NO_LOCATION)
        yield TwoScores(
            models.fuse([first]), models.fuse([first, part] if part else [first]), surest_boxes(detections), prior
        )


def alone(scores: TwoScores, services: Services) -> TwoScores:
    """Return the scores of the same photo without a place."""
    return scores._replace(prior=services.recogniser.models.prior_at(NO_LOCATION))


def _reported[Photo](photos: Sequence[Photo]) -> Iterator[Photo]:
    """Yield the photos; print now and then how many are done."""
    for number, photo in enumerate(photos):
        if number % _PROGRESS_EVERY == 0:
            _say(f"photo {number} of {len(photos)}")
        yield photo
