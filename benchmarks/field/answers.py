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
from chalicelib.features.cells import cell_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.identification import IdentifyRequest
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Naming
from chalicelib.model.prior import Prior
from chalicelib.model.recogniser import is_doubtful, second_square
from chalicelib.model.taxonomy import Prediction, Taxonomy
from chalicelib.photo.decode import open_photo
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from cli.engines.local import CellFile, NoCache, of_a_run

CELLS = Path(__file__).parents[2] / ".local" / "cells"
_PROGRESS_EVERY = 50
_say = partial(print, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a photo, and what it is worth. `score`: of the named taxon. `pixels`: the photo's shorter side."""

    photo: FieldPhoto
    worth: Verdict
    score: float | None
    sure: str | None
    subject: str
    pixels: int

    @property
    def is_right(self) -> bool:
        """Return whether a taxon was named, and the right one."""
        return self.worth in ("exact", "useful", "vague")


class TwoScores(NamedTuple):
    """The scores of a photo after one look and after two, with the weights of the animals at its place."""

    one: FusedScores
    two: FusedScores
    prior: Prior

    def name(self, naming: Naming, *, again: bool = True) -> Prediction | None:
        """Return the prediction, as the recogniser finds it. `again`: whether a doubtful photo gets a second look."""
        first = naming.name(self.one, self.prior).prediction
        if not (again and is_doubtful(first)):
            return first
        return naming.name(self.two, self.prior).prediction


def local_services() -> Services:
    """Return the services of an identification, with the features of this checkout's dataset."""
    settings = of_a_run(Settings())
    return Services.build(
        settings, CellFeatures(NoCache(), CellFile.of(settings.model.path, CELLS, _say), settings.features)
    )


def features_at(services: Services, place: tuple[float, float] | None) -> Features:
    """Return the features of a place, if it is known."""
    return services.features.at(cell_of(*place)) if place else NO_LOCATION


def answer_all(folder: Path, photos: Sequence[FieldPhoto], services: Services, *, with_places: bool) -> list[Answered]:
    """Return the answers to all photos. `with_places`: whether the request says where a photo is from, if known."""
    lineages = lineages_of(services.recogniser.models.everything())
    answered = []
    for photo in _reported(photos):
        place = photo.place if with_places else None
        request = IdentifyRequest(Location(*place, "request") if place else None, "optional" if place else "ignored")
        found = identify([(folder / photo.file).read_bytes()], request, services, Record("field", "/identify"))
        named = found.recognised.together.prediction
        taxon = named.taxon if named else None
        lineage = lineages[taxon.rank, taxon.scientific_name] if taxon else None
        worth = verdict(photo, lineage, taxon.rank if taxon else "")
        sure = sure_of(named.score, found.features.mode) if named else None
        score = round(named.score, 4) if named else None
        answered.append(Answered(photo, worth, score, sure, found.recognised.subject, found.quality.pixels))
    return answered


def scores_of(paths: Sequence[Path], features: Sequence[Features], services: Services) -> Iterator[TwoScores]:
    """Yield the scores of photos, whose places have these features."""
    models, detector = services.recogniser.models, services.recogniser.detector.get()
    size = models.general.input_size
    for path, here in zip(_reported(paths), features, strict=True):
        picture = open_photo(path.read_bytes(), PhotoLimits()).decode(size)
        photo, prior = DecodedPhoto(picture.square(size), picture.reduced(size)), models.prior_at(here)
        first = models.score(photo.square, prior)
        detections = detector.detect(photo.picture, size) if detector else None
        second = models.score(second_square(photo, detections, size), prior)
        yield TwoScores(models.fuse([first], prior), models.fuse([first, second], prior), prior)


def lineages_of(taxonomy: Taxonomy) -> dict[tuple[str, str], Lineage]:
    """Return the lineage of each taxon down to itself, by rank and scientific name."""
    found: dict[tuple[str, str], Lineage] = {("kingdom", "Animalia"): {}}
    for animal in taxonomy.animals:
        lineage: dict[str, str] = {}
        for taxon in animal.lineage:
            lineage = {**lineage, taxon.rank: taxon.scientific_name}
            found.setdefault((taxon.rank, taxon.scientific_name), lineage)
    return found


def _reported[Photo](photos: Sequence[Photo]) -> Iterator[Photo]:
    """Yield the photos; print now and then how many are done."""
    for number, photo in enumerate(photos):
        if number % _PROGRESS_EVERY == 0:
            _say(f"photo {number} of {len(photos)}")
        yield photo
