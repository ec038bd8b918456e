"""What the API answers: the shapes of the HTTP contract, and how they come from scores and features.

The OpenAPI document is made from these classes: a field's type is its schema, the text beside it its description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from chalicelib.features.cells import center_of, text_of
from chalicelib.features.features import CacheLevel, Features, Mode
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Animal, Prediction, Taxonomy

Here = Literal["native", "introduced", "everywhere", "unexpected"]
Source = Literal["exif", "request", "none"]

_STATUS: Mapping[int, Here] = {1: "native", 2: "introduced"}
_ASIDE: Mapping[Mode, str] = {
    "narrowed": "",
    "no_location": "",
    "unknown_area": " Nothing is known of the animals of this place, so this is the picture alone.",
    "degraded": " The place could not be used just now, so this is the picture alone.",
}


@dataclass(frozen=True, slots=True)
class PredictedTaxon:
    """The most specific taxon that holds enough of the probability."""

    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as species or family."]
    score: Annotated[float, "Probability that the animal belongs to this taxon, 0 to 1."]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One animal that it can be."""

    animal: Annotated[int, "Identifier of the animal."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank of the animal's class."]
    score: Annotated[float, "Calibrated probability with the place considered, 0 to 1."]
    vision_score: Annotated[float, "The same from the picture alone."]
    here: Annotated[Here | None, "Whether the animal lives at this place; null if the place is unknown."]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the photo was taken, no closer than its cell (about 110 km across)."""

    source: Annotated[Source, "Who said where: the photo's EXIF, the request, or nobody."]
    cell: Annotated[str | None, "H3 cell, resolution 3."]
    center: Annotated[tuple[float, float] | None, "Latitude and longitude of the cell's centre."]
    areas: Annotated[tuple[str, ...], "Countries and territories that the cell touches, ISO 3166-1 alpha-2."]


@dataclass(frozen=True, slots=True)
class FeaturesUsed:
    """What is known of the place's animals, and how it was found."""

    mode: Annotated[Mode, "Whether and how the place narrowed the answer; degraded: it could not be asked."]
    cache: Annotated[CacheLevel, "Where the features came from."]
    animals: Annotated[int, "How many animals are known to live in the cell."]
    version: Annotated[str | None, "Version of the data set."]


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The model that looked at the photo."""

    name: Annotated[str, "Name of the model."]
    version: Annotated[str, "First 12 digits of the SHA-256 of the model's file."]


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went, in milliseconds."""

    photo: Annotated[float, "Decoding and shrinking."]
    features: Annotated[float, "Features of the cell."]
    scoring: Annotated[float, "The model."]
    total: Annotated[float, "All of it."]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the photo shows."""

    message: Annotated[str, "The answer as a sentence."]
    prediction: Annotated[PredictedTaxon | None, "What it is; null if no animal was recognised."]
    candidates: Annotated[tuple[Candidate, ...], "The likeliest animals, best first."]
    animal_probability: Annotated[float, "Probability that the photo shows an animal at all, 0 to 1."]
    location: Annotated[Place, "Where the photo was taken."]
    features: Annotated[FeaturesUsed, "What was known of that place."]
    model: Annotated[ModelUsed, "What looked at the photo."]
    timings_ms: Annotated[Timings, "Where the time went."]
    request_id: Annotated[str, "Identifier of the request, to be quoted in questions."]


@dataclass(frozen=True, slots=True)
class Resident:
    """One animal that lives in the cell."""

    animal: Annotated[int, "Identifier of the animal."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank of the animal's class."]
    here: Annotated[Here, "Native or introduced."]
    weight: Annotated[float, "Weight of the animal here, above 0 and at most 1."]


@dataclass(frozen=True, slots=True)
class Residents:
    """The animals that live at a place. Domestic and cosmopolitan ones live everywhere and are not listed."""

    animals: Annotated[tuple[Resident, ...], "The animals, by name."]
    location: Annotated[Place, "The place."]
    features: Annotated[FeaturesUsed, "How this was found."]
    request_id: Annotated[str, "Identifier of the request."]


@dataclass(frozen=True, slots=True)
class Upload:
    """Where a photo too large for a request can be posted to, and what to call then."""

    id: Annotated[str, "Identifier of the upload. Whoever has it may have the photo identified."]
    url: Annotated[str, "Where to post a form (multipart/form-data) to: S3."]
    fields: Annotated[
        Mapping[str, str],
        "The form's fields, to be sent as they are; then Content-Type (image/…), and last the photo as field file.",
    ]
    identify_url: Annotated[str, "Path to POST to, without a body, once the photo has been uploaded."]
    max_bytes: Annotated[int, "Largest photo that is taken."]
    expires_in: Annotated[int, "Seconds for which the form can be posted."]
    request_id: Annotated[str, "Identifier of the request."]


def candidates_of(scores: Scores, features: Features, taxonomy: Taxonomy, top: int) -> tuple[Candidate, ...]:
    """The `top` likeliest animals, best first; ties in the model's order."""
    statuses = dict(zip(features.animals.tolist(), features.status.tolist(), strict=True))
    best = np.argsort(-scores.probabilities, kind="stable")[:top]
    return tuple(
        Candidate(
            animal.id,
            animal.name,
            animal.scientific_name,
            animal.rank,
            score=round(float(scores.probabilities[index]), 4),
            vision_score=round(float(scores.vision[index]), 4),
            here=_here(animal, statuses, features.mode),
        )
        for index, animal in ((index, taxonomy.animals[index]) for index in best.tolist())
    )


def residents_of(features: Features, taxonomy: Taxonomy) -> tuple[Resident, ...]:
    """The animals of a cell, by name; those that the model does not know are left out."""
    known = {animal.id: animal for animal in taxonomy.animals}
    rows = zip(features.animals.tolist(), features.status.tolist(), features.weights.tolist(), strict=True)
    found = (
        Resident(each.id, each.name, each.scientific_name, each.rank, _STATUS[status], round(weight, 3))
        for each, status, weight in ((known.get(animal), status, weight) for animal, status, weight in rows)
        if each is not None
    )
    return tuple(sorted(found, key=lambda resident: resident.name.casefold()))


def predicted(prediction: Prediction | None) -> PredictedTaxon | None:
    """The prediction as it is answered."""
    if prediction is None:
        return None
    taxon = prediction.taxon
    return PredictedTaxon(taxon.name, taxon.scientific_name, taxon.rank, round(prediction.score, 4))


def message_of(prediction: PredictedTaxon | None, features: Features) -> str:
    """The answer as a sentence."""
    if prediction is None:
        return "No animal was recognised in this photo."
    if prediction.rank == "kingdom":  # all candidates share no more than being animals
        return f"An animal, but which one is not clear.{_ASIDE[features.mode]}"
    rank = "" if prediction.rank in ("species", "breed") else f"{prediction.rank}, "
    return f"Most likely: {prediction.name} ({rank}{prediction.score:.0%}).{_ASIDE[features.mode]}"


def place_of(cell: int | None, source: Source, features: Features) -> Place:
    """The place as it may be told: the cell, never the coordinates."""
    if cell is None:
        return Place("none", None, None, ())
    return Place(source, text_of(cell), center_of(cell), features.areas)


def features_used(features: Features) -> FeaturesUsed:
    """The features as they are answered."""
    return FeaturesUsed(features.mode, features.cache, len(features.animals), features.version)


def _here(animal: Animal, statuses: Mapping[int, int], mode: Mode) -> Here | None:
    if animal.kind in ("domestic", "cosmopolitan"):
        return "everywhere"
    if mode != "narrowed":
        return None
    status = statuses.get(animal.id)
    return "unexpected" if status is None else _STATUS[status]
