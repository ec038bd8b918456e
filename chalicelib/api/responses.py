"""Response bodies of the API, and the functions that build them from scores and features.

The OpenAPI document is generated from these classes: annotations give each field its schema and description.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from chalicelib.features.cells import center_of, text_of
from chalicelib.features.features import CacheLevel, Features, Mode
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Animal, Prediction, Taxonomy

Here = Literal["native", "introduced", "everywhere", "unexpected", "unknown"]
Source = Literal["exif", "request", "none"]

MOST_RELATIVES = 10
"""Maximum number of relatives in an answer."""
_NAMED_RELATIVES = 3
"""Maximum number of relatives in the message."""
_HERE_OF_STATUS: Mapping[int, Here] = {1: "native", 2: "introduced"}
_MODE_NOTES: Mapping[Mode, str] = {
    "narrowed": "",
    "no_location": "",
    "unknown_area": " No animals are known for this area, so only the photo was used.",
    "degraded": " The animals of this area are temporarily unavailable, so only the photo was used.",
}


@dataclass(frozen=True, slots=True)
class RelativeTaxon:
    """A species that the model does not know."""

    taxon: Annotated[str, "Stable id of the species, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]


@dataclass(frozen=True, slots=True)
class RelativesHere:
    """Close relatives of the predicted taxon that live here. The model does not know them, so it may be one of them."""

    count: Annotated[int, "Number of relatives that live here."]
    taxa: Annotated[
        tuple[RelativeTaxon, ...],
        "At most 10 of them: first those of the same genus, then those of the same family; the most widespread first.",
    ]


@dataclass(frozen=True, slots=True)
class PredictedTaxon:
    """The most specific taxon whose share of the probability is high enough."""

    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as species or family."]
    score: Annotated[float, "Probability that the animal belongs to this taxon, 0 to 1."]
    relatives_here: Annotated[
        RelativesHere | None,
        "Close relatives that live here and that the model does not know; null if none are known, or without features.",
    ] = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the likeliest animals."""

    taxon: Annotated[str, "Stable id of the animal's taxon, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank of the animal, such as species or genus."]
    score: Annotated[float, "Calibrated probability from the photo and its location, 0 to 1."]
    vision_score: Annotated[float, "Calibrated probability from the photo alone, 0 to 1."]
    here: Annotated[
        Here | None,
        "Whether the animal lives here; unknown: the data do not say where it lives, or have nothing about this area, "
        "so the location did not lower its score; null: no location, or the features were unavailable.",
    ]


@dataclass(frozen=True, slots=True)
class BoxFound:
    """A box in the upright photo. All lengths are shares of its width or height, 0 to 1."""

    x: Annotated[float, "Left side."]
    y: Annotated[float, "Upper side."]
    width: Annotated[float, "Width."]
    height: Annotated[float, "Height."]
    score: Annotated[float, "How sure the detector is that something of this kind is there, 0 to 1."]


@dataclass(frozen=True, slots=True)
class AnimalFound:
    """One animal in the photo, identified in its box."""

    box: Annotated[BoxFound, "Where the animal is."]
    prediction: Annotated[PredictedTaxon | None, "The predicted taxon; null if the box shows no animal that is known."]
    candidates: Annotated[tuple[Candidate, ...], "The likeliest animals, best first."]


@dataclass(frozen=True, slots=True)
class BoxesFound:
    """The people or the vehicles in the photo."""

    count: Annotated[int, "Number of boxes."]
    boxes: Annotated[tuple[BoxFound, ...], "At most 100 boxes, the surest first."]


@dataclass(frozen=True, slots=True)
class Place:
    """The location of the photo, as a cell (about 110 km across)."""

    source: Annotated[Source, "Source of the location: the photo's EXIF or the request; none if no location was used."]
    cell: Annotated[str | None, "H3 cell at resolution 3."]
    center: Annotated[tuple[float, float] | None, "Latitude and longitude of the cell's centre."]
    areas: Annotated[tuple[str, ...], "Countries and territories in the cell, ISO 3166-1 alpha-2."]


@dataclass(frozen=True, slots=True)
class FeaturesUsed:
    """The features of the cell: their effect on the scores, and their source."""

    mode: Annotated[Mode, "How the location affected the scores; degraded: the features were unavailable."]
    cache: Annotated[CacheLevel, "Source of the features; bypass: they did not come through Redis."]
    animals: Annotated[int, "Number of animals known to live in the cell; 0 if the mode is degraded."]
    version: Annotated[str | None, "Version of the dataset."]


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The model that scored the photo."""

    name: Annotated[str, "Name of the model."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the model file."]


@dataclass(frozen=True, slots=True)
class Timings:
    """Duration of each step, in milliseconds."""

    photo: Annotated[float, "Decoding and resizing the photo."]
    features: Annotated[float, "Looking up the features of the cell."]
    scoring: Annotated[float, "Running the model."]
    boxes: Annotated[float, "Running the detector, and the model on each box of an animal; 0 without boxes."]
    total: Annotated[float, "The whole request so far."]


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an identification."""

    message: Annotated[str, "The result as a sentence."]
    prediction: Annotated[PredictedTaxon | None, "The predicted taxon; null if no animal was recognised."]
    candidates: Annotated[tuple[Candidate, ...], "The likeliest animals, best first."]
    animal_probability: Annotated[float, "Probability that the photo shows any animal, 0 to 1."]
    animals: Annotated[
        tuple[AnimalFound, ...] | None,
        "With boxes: at most 10 animals that the detector found, the surest first. Empty if it found none, which does "
        "not mean that there is none. Null without boxes.",
    ]
    people: Annotated[BoxesFound | None, "With boxes: the people in the photo. Null without boxes."]
    vehicles: Annotated[BoxesFound | None, "With boxes: the vehicles in the photo. Null without boxes."]
    location: Annotated[Place, "The location of the photo."]
    features: Annotated[FeaturesUsed, "The features of the cell, their effect and their source."]
    model: Annotated[ModelUsed, "The model that scored the photo."]
    timings_ms: Annotated[Timings, "Duration of each step."]
    request_id: Annotated[str, "Id of the request; quote it in support questions."]


@dataclass(frozen=True, slots=True)
class Resident:
    """One animal that lives in the cell."""

    taxon: Annotated[str, "Stable id of the animal's taxon, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank of the animal, such as species or genus."]
    here: Annotated[Here, "native or introduced."]
    weight: Annotated[float, "Weight of the animal in this cell, above 0 and at most 1."]


@dataclass(frozen=True, slots=True)
class Residents:
    """The animals that live in a cell, except domestic and cosmopolitan animals, which live everywhere."""

    animals: Annotated[
        tuple[Resident, ...],
        "The animals, sorted by name. Empty if none are known there (mode unknown_area), or if they are unavailable at "
        "the moment (mode degraded).",
    ]
    location: Annotated[Place, "The location."]
    features: Annotated[FeaturesUsed, "The features of the cell, and their source."]
    request_id: Annotated[str, "Id of the request."]


@dataclass(frozen=True, slots=True)
class Upload:
    """A form for uploading a large photo to S3, and the path to call after the upload."""

    id: Annotated[str, "Id of the upload. Keep it secret: anyone who knows it can have the photo identified."]
    url: Annotated[str, "S3 URL to POST the form to, as multipart/form-data."]
    fields: Annotated[
        Mapping[str, str],
        "Form fields to send unchanged, followed by Content-Type (image/…) and finally the photo in field file.",
    ]
    identify_url: Annotated[str, "Path to POST to, without a body, after the upload."]
    max_bytes: Annotated[int, "Largest photo accepted, in bytes."]
    expires_in: Annotated[int, "Lifetime of the form in seconds."]
    request_id: Annotated[str, "Id of the request."]


def candidates_of(scores: Scores, features: Features, taxonomy: Taxonomy, top: int) -> tuple[Candidate, ...]:
    """Return the `top` likeliest animals, best first; ties keep the model's order."""
    statuses = dict(zip(features.animals.tolist(), features.status.tolist(), strict=True))
    unknown = frozenset(features.unknown.tolist())
    best = np.argsort(-scores.probabilities, kind="stable")[:top]
    return tuple(
        Candidate(
            animal.taxon_id,
            animal.name,
            animal.scientific_name,
            animal.rank,
            score=round(float(scores.probabilities[index]), 4),
            vision_score=round(float(scores.vision[index]), 4),
            here=_here(animal, statuses, unknown, features.mode),
        )
        for index, animal in ((index, taxonomy.animals[index]) for index in best.tolist())
    )


def residents_of(features: Features, taxonomy: Taxonomy) -> tuple[Resident, ...]:
    """Return the animals of a cell, sorted by name, without animals that the model does not know."""
    known = {animal.id: animal for animal in taxonomy.animals}
    rows = zip(features.animals.tolist(), features.status.tolist(), features.weights.tolist(), strict=True)
    found = (
        Resident(each.taxon_id, each.name, each.scientific_name, each.rank, _HERE_OF_STATUS[status], round(weight, 3))
        for each, status, weight in ((known.get(animal), status, weight) for animal, status, weight in rows)
        if each is not None
    )
    return tuple(sorted(found, key=lambda resident: resident.name.casefold()))


def predicted_taxon(prediction: Prediction | None, features: Features, relatives: Relatives) -> PredictedTaxon | None:
    """Convert a prediction to the form in which responses show it, with its relatives in the cell."""
    if prediction is None:
        return None
    close = relatives.close_to(prediction, features.relatives.tolist())
    here = RelativesHere(
        len(close), tuple(RelativeTaxon(each.taxon, each.name, each.scientific_name) for each in close[:MOST_RELATIVES])
    )
    taxon = prediction.taxon
    return PredictedTaxon(
        taxon.name, taxon.scientific_name, taxon.rank, round(prediction.score, 4), here if close else None
    )


def message_of(prediction: PredictedTaxon | None, features: Features) -> str:
    """Return the result as a sentence."""
    if prediction is None:
        return "No animal was recognised in this photo."
    if prediction.rank == "kingdom":  # the candidates are too different for a narrower taxon
        return f"This is an animal, but the photo does not show clearly which one.{_MODE_NOTES[features.mode]}"
    rank = "" if prediction.rank in ("species", "breed") else f"{prediction.rank}, "
    notes = _MODE_NOTES[features.mode] + _relatives_note(prediction.relatives_here)
    return f"Most likely: {prediction.name} ({rank}{prediction.score:.0%}).{notes}"


def place_of(cell: int | None, source: Source, features: Features) -> Place:
    """Return the location in the form that clients may see: as a cell, never as coordinates."""
    if cell is None:
        return Place("none", None, None, ())
    return Place(source, text_of(cell), center_of(cell), features.areas)


def features_used(features: Features) -> FeaturesUsed:
    """Return the summary of the features that responses show."""
    return FeaturesUsed(features.mode, features.cache, len(features.animals), features.version)


def _relatives_note(relatives: RelativesHere | None) -> str:
    if relatives is None:
        return ""
    names = [each.name for each in relatives.taxa[:_NAMED_RELATIVES]]
    more = relatives.count - len(names)
    if more:
        names.append(f"{more} more")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    subject = "1 close relative lives" if relatives.count == 1 else f"{relatives.count} close relatives live"
    return f" {subject} here that the model does not know: {listed}."


def _here(animal: Animal, statuses: Mapping[int, int], unknown: Set[int], mode: Mode) -> Here | None:
    if animal.kind in ("domestic", "cosmopolitan"):
        return "everywhere"
    if mode == "unknown_area" or (mode == "narrowed" and animal.id in unknown):
        return "unknown"
    if mode != "narrowed":
        return None
    status = statuses.get(animal.id)
    return "unexpected" if status is None else _HERE_OF_STATUS[status]
