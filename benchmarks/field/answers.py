"""Answers to photos by the whole request path, without servers.

The features are those of this checkout's dataset, from a file of cells as `faunalens identify --local` keeps it.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.field.truth import FieldPhoto, Lineage, Verdict, verdict
from chalicelib.api.words import sure_of
from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.identify import IdentifyRequest, identify
from chalicelib.location import Location
from chalicelib.model.naming import Decision
from chalicelib.model.recogniser import Recognised
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


type Case = tuple[FieldPhoto, Recognised]


def identify_all(
    folder: Path, photos: Sequence[FieldPhoto], services: Services, *, with_places: bool
) -> Iterator[Case]:
    """Yield each photo with what it shows. `with_places`: send a photo's place with the request, if known."""
    for number, photo in enumerate(photos):
        if number % _PROGRESS_EVERY == 0:
            _say(f"photo {number} of {len(photos)}")
        place = photo.place if with_places else None
        request = IdentifyRequest(Location(*place, "request") if place else None, "optional" if place else "ignored")
        found = identify([(folder / photo.file).read_bytes()], request, services, Record("field", "/identify"))
        yield photo, found.recognised


def answers_of(cases: Iterable[Case]) -> list[Answered]:
    """Return the answers to photos."""
    return [Answered.of(photo, found.together.decision) for photo, found in cases]
