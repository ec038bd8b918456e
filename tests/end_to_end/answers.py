"""Answers of the API that the page is shown; made with the API's own classes, so they keep to the contract."""

from dataclasses import asdict, replace
from typing import Any

from chalicelib.api.responses import (
    Answer,
    BoxesFound,
    Candidate,
    FeaturesUsed,
    ModelUsed,
    PhotoQuality,
    Place,
    PredictedTaxon,
    Resident,
    Residents,
    Timings,
)
from chalicelib.model.prior import Here

AUSTRALIA = Place("exif", "83be0efffffffff", (-33.1, 150.9), ("AU",))
NOWHERE = Place("none", None, None, ())
NARROWED = FeaturesUsed("narrowed", "memory", 74, "2026-11-24")


def candidate(name: str, scientific_name: str, score: float, vision_score: float, here: Here | None) -> Candidate:
    """One candidate, a species."""
    taxon = scientific_name.lower().replace(" ", "-")
    return Candidate(taxon, name, scientific_name, "species", score, vision_score, here)


KOALA = Answer(
    message="Almost certain: koala.",
    prediction=PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.97, sure="almost certain"),
    perhaps=(),
    candidates=(
        candidate("koala", "Phascolarctos cinereus", 0.95, 0.81, "native"),
        candidate("rabbit", "Oryctolagus cuniculus", 0.02, 0.015, "introduced"),
        candidate("three-toed sloth", "Bradypus", 0.011, 0.11, "unexpected"),
        candidate("tabby cat", "Felis catus", 0.01, 0.004, "everywhere"),
    ),
    animal_probability=0.998,
    subject="animal",
    photo_quality=PhotoQuality(1024, dark=False, soft=False, infrared=False),
    why_not=None,
    animals=None,
    people=None,
    vehicles=None,
    location=AUSTRALIA,
    features=NARROWED,
    model=ModelUsed("faunalens", "0123456789ab"),
    timings_ms=Timings(22.0, 0.1, 12.3, 0.0, 41.2),
    request_id="c0ffee00-0000-4000-8000-000000000000",
)
NO_PEOPLE, TWO_PEOPLE = BoxesFound(0, ()), BoxesFound(2, ())
ALONE = FeaturesUsed("no_location", "bypass", 0, None)
RESIDENTS = Residents(
    animals=(
        Resident("phascolarctos-cinereus", "koala", "Phascolarctos cinereus", "species", "native", 1.0),
        Resident("vulpes-vulpes", "red fox", "Vulpes vulpes", "species", "introduced", 0.8),
    ),
    location=AUSTRALIA,
    features=NARROWED,
    request_id="c0ffee00-0000-4000-8000-000000000001",
)


def koala(**changes: Any) -> dict[str, Any]:
    """The answer to a photo of a koala, with changes, as JSON would hold it."""
    return asdict(replace(KOALA, **changes))


def alone(**changes: Any) -> dict[str, Any]:
    """The answer from the photo alone."""
    return koala(location=NOWHERE, features=ALONE, **changes)
