"""Answers to field photos by the whole request path, with the features of this checkout's dataset, without servers."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks.field_truth import FieldPhoto, Lineage, Verdict, verdict
from chalicelib.api.parameters import IdentifyParams
from chalicelib.config.settings import Settings
from chalicelib.features.cells import cell_of
from chalicelib.features.features import Features
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from database.dataset import read_dataset

if TYPE_CHECKING:
    from chalicelib.features.cell_features import CellFeatures

_PROGRESS_EVERY = 50


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


class DatasetFeatures:
    """The features of some cells, from the files of this checkout. Takes the place of `CellFeatures`."""

    def __init__(self, cells: Iterable[int]) -> None:
        wanted = set(cells)
        dataset = read_dataset()
        about = {each.cell: each for each in dataset.cells if each.cell in wanted}
        animals: dict[int, list[tuple[int, float, int]]] = {cell: [] for cell in wanted}
        for rows in dataset.cell_animals:
            for cell, animal, weight, status in rows[np.isin(rows["cell"], list(wanted))].tolist():
                animals[cell].append((animal, weight, status))
        unknown = np.array(sorted(each.animal for each in dataset.unknown), np.int32)
        self._features = {}
        for cell, rows_of_cell in animals.items():
            ids, weights, status = zip(*sorted(rows_of_cell), strict=True) if rows_of_cell else ((), (), ())
            self._features[cell] = Features(
                "narrowed" if rows_of_cell else "unknown_area",
                "miss",
                dataset.version,
                about[cell].areas if cell in about else (),
                np.array(ids, np.int32),
                np.array(weights, np.float32),
                np.array(status, np.uint8),
                unknown,
                np.array(about[cell].relatives if cell in about else (), np.uint16),
            )

    def at(self, cell: int, waited: float = 0.0) -> Features:  # noqa: ARG002 — nothing to wait for
        """Return the features of a cell."""
        return self._features[cell]

    def in_shadow(self, cell: int) -> None:
        """Return that no dataset is in shadow."""


def field_services(photos: Sequence[FieldPhoto]) -> Services:
    """Return the services of an identification, with the features of the photos' places."""
    features = DatasetFeatures(cell_of(*photo.place) for photo in photos if photo.place)
    return replace(Services.build(Settings()), features=cast("CellFeatures", features))


def answer_all(folder: Path, photos: Sequence[FieldPhoto], services: Services, *, with_places: bool) -> list[Answered]:
    """Return the answers to all photos. `with_places`: whether the request says where a photo is from, if known."""
    lineages = lineages_of(services.models.everything())
    answered = []
    for number, photo in enumerate(photos):
        if number % _PROGRESS_EVERY == 0:
            print(f"photo {number} of {len(photos)}", file=sys.stderr, flush=True)
        place = photo.place if with_places else None
        params = IdentifyParams(Location(*place, "request") if place else None, without_location=place is None)
        answer = identify([(folder / photo.file).read_bytes()], params, services, Record("field", "/identify"))
        named = answer.prediction
        lineage = lineages[named.rank, named.scientific_name] if named else None
        answered.append(
            Answered(
                photo,
                verdict(photo, lineage, named.rank if named else ""),
                named.score if named else None,
                named.sure if named else None,
                answer.subject,
                answer.photo_quality.pixels,
            )
        )
    return answered


def lineages_of(taxonomy: Taxonomy) -> dict[tuple[str, str], Lineage]:
    """Return the lineage of each taxon down to itself, by rank and scientific name."""
    found: dict[tuple[str, str], Lineage] = {("kingdom", "Animalia"): {}}
    for animal in taxonomy.animals:
        lineage: dict[str, str] = {}
        for taxon in animal.lineage:
            lineage = {**lineage, taxon.rank: taxon.scientific_name}
            found.setdefault((taxon.rank, taxon.scientific_name), lineage)
    return found
