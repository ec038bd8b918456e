"""Answers of the API that the page is shown; made with the API's own classes, so they keep to the contract."""

from copy import deepcopy
from typing import Any

from chalicelib.api.responses import Answer, BoxesFound, FeaturesUsed, ModelUsed, Place, Residents, Timings
from tests.support.records import ANSWER, candidate, resident

AUSTRALIA = Place(source="exif", cell="83be0efffffffff", center=(-33.1, 150.9), areas=("AU",))
NOWHERE = Place(source="none", cell=None, center=None, areas=())
NARROWED = FeaturesUsed(mode="narrowed", cache="memory", animals=74, version="2026-11-24", month=None)


KOALA: Answer = {
    **ANSWER,
    "candidates": (
        candidate("koala", "Phascolarctos cinereus", 0.95, 0.81, "native"),
        candidate("rabbit", "Oryctolagus cuniculus", 0.02, 0.015, "introduced"),
        candidate("three-toed sloth", "Bradypus", 0.011, 0.11, "unexpected"),
        candidate("tabby cat", "Felis catus", 0.01, 0.004, "everywhere"),
    ),
    "animal_probability": 0.998,
    "location": AUSTRALIA,
    "features": NARROWED,
    "model": ModelUsed(name="faunalens", version="0123456789ab", packs=()),
    "timings_ms": Timings(photo=22.0, features=0.1, scoring=12.3, boxes=0.0, total=41.2),
    "request_id": "c0ffee00-0000-4000-8000-000000000000",
}
NO_PEOPLE, TWO_PEOPLE = BoxesFound(count=0, boxes=()), BoxesFound(count=2, boxes=())
ALONE = FeaturesUsed(mode="no_location", cache="bypass", animals=0, version=None, month=None)
RESIDENTS = Residents(
    animals=(
        resident("koala", "Phascolarctos cinereus"),
        resident("red fox", "Vulpes vulpes", "introduced", 0.8),
    ),
    location=AUSTRALIA,
    features=NARROWED,
    request_id="c0ffee00-0000-4000-8000-000000000001",
)


def koala(**changes: Any) -> dict[str, Any]:
    """The answer to a photo of a koala, with changes, as JSON would hold it."""
    return deepcopy({**KOALA, **changes})


def alone(**changes: Any) -> dict[str, Any]:
    """The answer from the photo alone."""
    return koala(location=NOWHERE, features=ALONE, **changes)
