"""Response bodies of the API. `chalicelib/api/answers.py` builds those of identifications.

The OpenAPI document is generated from these classes: annotations give each field its schema and description, and the
values that it may have, if a table has them.
"""

from collections.abc import Mapping
from typing import Annotated, TypedDict

from chalicelib.api.words import SURE, Reason
from chalicelib.features.features import CacheLevel, Mode
from chalicelib.location import Source
from chalicelib.model.certainty import Subject
from chalicelib.model.shares import Here

_RIGHT = ", ".join(f"{each.word} {each.right * 100:.0f}" for each in SURE[:-1])


class RelativeTaxon(TypedDict):
    """A close relative of the predicted taxon: a species that the model does not know."""

    taxon: Annotated[str, "Stable id of the species, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]


class RelativesHere(TypedDict):
    """Close relatives of the predicted taxon that live here. The model does not know them; the photo may show one."""

    count: Annotated[int, "Number of relatives that live here."]
    taxa: Annotated[
        tuple[RelativeTaxon, ...],
        "At most 10 of them: first those of the same genus, then those of the same family; the most widespread first.",
    ]


class MemberTaxon(TypedDict):
    """An animal that a taxon includes, which the photo may show."""

    taxon: Annotated[str, "Stable id of the animal's taxon, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]


class PossibleTaxon(TypedDict):
    """A family or narrower taxon that the photo perhaps shows, whether or not a model knows its animals."""

    taxon: Annotated[str, "Stable id of the taxon, made from its scientific name."]
    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as family."]
    score: Annotated[float, "Probability that the photo shows this taxon, 0 to 1; calibrated for the whole list."]
    members: Annotated[tuple[MemberTaxon, ...], "At most 3 of its animals, the likeliest first; empty if it has none."]


class PredictedTaxon(TypedDict):
    """The narrowest taxon that is certain enough, never wider than a class."""

    name: Annotated[str, "Common name."]
    scientific_name: Annotated[str, "Scientific name."]
    rank: Annotated[str, "Taxonomic rank, such as species or family."]
    score: Annotated[float, "Probability that this taxon is right, calibrated on field photos, 0 to 1."]
    relatives_here: Annotated[
        RelativesHere | None,
        "Close relatives that live here and that the model does not know; null if none are known, or without features.",
    ]
    sure: Annotated[
        str,
        f"How sure the prediction is, from its score. Of 100 such answers, at least so many are right: {_RIGHT}.",
        tuple(each.word for each in SURE),
    ]
    members: Annotated[
        tuple[MemberTaxon, ...],
        "For a genus or family: at most 3 of its animals, the likeliest first, including some that live here and that "
        "no model knows. For a dog: its likeliest breed.",
    ]


class Candidate(MemberTaxon):
    """One of the likeliest animals."""

    rank: Annotated[str, "Taxonomic rank of the animal, such as species or genus."]
    score: Annotated[float, "Calibrated probability from the photo and its location, 0 to 1."]
    vision_score: Annotated[float, "Calibrated probability from the photo alone, 0 to 1."]
    here: Annotated[
        Here | None,
        "Whether the animal lives here; unknown: the data do not say where it lives, or have nothing about this area, "
        "so the location did not lower its score; null: no location, or the features were unavailable.",
    ]
    season: Annotated[
        tuple[float, ...] | None,
        "Records of the animal here by month, January first, each as a share of the best month; null if not known.",
    ]


class BoxFound(TypedDict):
    """A box in the upright photo. Its lengths are shares of the photo's width or height, 0 to 1."""

    x: Annotated[float, "Left edge, as a share of the photo's width."]
    y: Annotated[float, "Top edge, as a share of the photo's height."]
    width: Annotated[float, "Width, as a share of the photo's width."]
    height: Annotated[float, "Height, as a share of the photo's height."]
    score: Annotated[float, "How sure the detector is that something of this kind is there, 0 to 1."]


class AnimalFound(TypedDict):
    """One animal in the photo, identified in its box."""

    box: Annotated[BoxFound, "Where the animal is."]
    prediction: Annotated[PredictedTaxon | None, "The predicted taxon; null if none is certain enough."]
    perhaps: Annotated[tuple[PossibleTaxon, ...], "Like perhaps of the answer, but for this box."]
    candidates: Annotated[tuple[Candidate, ...], "The likeliest animals, best first."]


class BoxesFound(TypedDict):
    """The people or the vehicles in the photo."""

    count: Annotated[int, "Number of boxes."]
    boxes: Annotated[tuple[BoxFound, ...], "At most 100 boxes, the surest first."]


class Place(TypedDict):
    """The location of the photo, as a cell (about 110 km across)."""

    source: Annotated[Source, "Source of the location: the photo's EXIF or the request; none if no location was used."]
    cell: Annotated[str | None, "H3 cell at resolution 3."]
    center: Annotated[tuple[float, float] | None, "Latitude and longitude of the cell's centre."]
    areas: Annotated[
        tuple[str, ...],
        "Countries and territories in the cell, ISO 3166-1 alpha-2; empty at sea, and without the features.",
    ]


class FeaturesUsed(TypedDict):
    """The features of the cell: their effect on the scores, and their source."""

    mode: Annotated[Mode, "How the location affected the scores; degraded: the features were unavailable."]
    cache: Annotated[CacheLevel, "Source of the features; bypass: they did not come through Redis."]
    animals: Annotated[int, "Number of animals known to live in the cell; 0 if the mode is degraded."]
    version: Annotated[str | None, "Version of the dataset."]
    month: Annotated[int | None, "Month, 1 to 12, whose season the scores include; null if they include none."]


class ModelVersion(TypedDict):
    """The name and version of a model or a pack."""

    name: Annotated[str, "Name of the model or the pack."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the model file."]


class PackUsed(TypedDict):
    """A pack that scored the photo after the general model."""

    name: Annotated[str, "Name of the pack, such as birds."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the pack's file."]
    milliseconds: Annotated[float, "Time that the pack took; the first photo of a process also loads it."]


class ModelUsed(TypedDict):
    """The models that scored the photo."""

    name: Annotated[str, "Name of the general model."]
    version: Annotated[str, "First 12 hex digits of the SHA-256 of the model file."]
    packs: Annotated[tuple[PackUsed, ...], "The packs that scored the photo too, because it seems to show their taxa."]


class PhotoGuess(TypedDict):
    """What one of several photos shows by itself."""

    prediction: Annotated[PredictedTaxon | None, "The predicted taxon; null if none is certain enough."]
    animal_probability: Annotated[float, "Probability that the photo shows any animal, 0 to 1."]
    agrees: Annotated[
        bool,
        "Whether this photo fits the prediction from all and, if that is wide or missing, those from each of the "
        "others; if not, it may show another animal.",
    ]


class PhotoQuality(TypedDict):
    """What makes an animal hard to recognise in the photo."""

    pixels: Annotated[int, "Length of the photo's shorter side, in pixels."]
    dark: Annotated[bool, "Whether the photo is dark."]
    soft: Annotated[bool, "Whether the photo is out of focus or shaken, at the size at which the model sees it."]
    infrared: Annotated[bool, "Whether the photo has no colours, like photos taken by infrared light."]


class Timings(TypedDict):
    """Duration of each step, in milliseconds."""

    photo: Annotated[float, "Decoding and resizing the photo."]
    features: Annotated[float, "Looking up the features of the cell."]
    scoring: Annotated[float, "Running the model."]
    boxes: Annotated[float, "Running the detector, and the model on each box of an animal; 0 without boxes."]
    total: Annotated[float, "The whole request, until this response was made."]


class ClassMapShown(TypedDict):
    """Where the general model saw the likeliest animal: a grid of squares over the middle of the upright photo."""

    share: Annotated[float, "Side of the whole grid as a share of the photo's shorter side, 0 to 1."]
    rows: Annotated[tuple[tuple[float, ...], ...], "Rows, top first: how much of the animal each square shows, 0 to 1."]


class Answer(TypedDict):
    """The result of an identification."""

    message: Annotated[str, "The result as a sentence."]
    prediction: Annotated[
        PredictedTaxon | None, "The predicted taxon; null if no animal was recognised, or nothing as narrow as a class."
    ]
    perhaps: Annotated[
        tuple[PossibleTaxon, ...],
        "If the prediction is wider than a family, or null though there is an animal: at most 3 families or narrower "
        "taxa that live here, the likeliest first. Empty if they are not likely enough.",
    ]
    candidates: Annotated[
        tuple[Candidate, ...], "The likeliest animals that models know, best first; none with a score below 1 %."
    ]
    animal_probability: Annotated[float, "Probability that the photo shows any animal, 0 to 1."]
    subject: Annotated[Subject, "Kind of thing that the photo shows. An animal may be too small or too dark to name."]
    photo_quality: Annotated[PhotoQuality, "The quality of the photo; of several photos, of the first."]
    why_not: Annotated[
        str | None,
        "Why the prediction is wide or missing, as a sentence; null if it is neither, or if the photo looks like one "
        "animal or family, which the message names.",
    ]
    animals: Annotated[
        tuple[AnimalFound, ...] | None,
        "With boxes: at most 10 animals that the detector found, the surest first. Empty if it found none, which does "
        "not mean that there is none. Null without boxes.",
    ]
    people: Annotated[BoxesFound | None, "With boxes: the people in the photo. Null without boxes."]
    vehicles: Annotated[BoxesFound | None, "With boxes: the vehicles in the photo. Null without boxes."]
    location: Annotated[Place, "The location of the photo."]
    features: Annotated[FeaturesUsed, "The features of the cell, their effect and their source."]
    model: Annotated[ModelUsed, "The models that scored the photo."]
    timings_ms: Annotated[Timings, "Duration of each step."]
    request_id: Annotated[str, "Id of the request; quote it in support questions."]
    photos: Annotated[
        tuple[PhotoGuess, ...], "What each photo shows by itself, in the order sent; empty if there is only one."
    ]
    reasons: Annotated[tuple[Reason, ...], "The reasons in why_not as codes, to say them in other languages."]
    focus: Annotated[
        BoxFound | None, "Box of the surest animal, which models scored too; null if the whole photo was enough."
    ]
    class_map: Annotated[ClassMapShown | None, "Where the animal was seen; null for several photos."]


class Resident(MemberTaxon):
    """One animal that lives in the cell."""

    rank: Annotated[str, "Taxonomic rank of the animal, such as species or genus."]
    here: Annotated[Here, "Whether the animal is native or introduced here."]
    weight: Annotated[float, "Weight of the animal in this cell, above 0 and at most 1."]


class Residents(TypedDict):
    """The animals that live in a cell, without those that live everywhere."""

    animals: Annotated[
        tuple[Resident, ...],
        "The animals, sorted by name. Empty if none live there (mode narrowed), if it is not known which do (mode "
        "unknown_area), or if they are unavailable at the moment (mode degraded).",
    ]
    location: Annotated[Place, "The location."]
    features: Annotated[FeaturesUsed, "The features of the cell, and their source."]
    request_id: Annotated[str, "Id of the request."]


class Upload(TypedDict):
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
