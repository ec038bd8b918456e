"""Sample records of requests, for tests of metrics and logs, and a sample answer."""

from dataclasses import replace

from chalicelib.api.responses import (
    Answer,
    Candidate,
    FeaturesUsed,
    MemberTaxon,
    ModelUsed,
    PhotoQuality,
    Place,
    PossibleTaxon,
    PredictedTaxon,
    Resident,
    Timings,
)
from chalicelib.config.settings import PhotoLimits
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Trace
from chalicelib.model.shares import Here
from chalicelib.photo.photos import PhotoFacts
from chalicelib.telemetry.record import Outcome, Record, of_features, of_photos
from tests.support.pictures import jpeg

CELL, VERSION = 0x83BE0EFFFFFFFFF, "b0491d054589"


def members(*names: tuple[str, str]) -> tuple[MemberTaxon, ...]:
    """Return members of a taxon by their common and scientific names."""
    return tuple(MemberTaxon(taxon=_id(latin), name=name, scientific_name=latin) for name, latin in names)


def candidate(name: str, latin: str, score: float, vision_score: float, here: Here | None) -> Candidate:
    """Return one candidate, a species."""
    (named,) = members((name, latin))
    return {**named, "rank": "species", "score": score, "vision_score": vision_score, "here": here, "season": None}


def predicted(
    name: str, latin: str, score: float, sure: str, rank: str = "species", has: tuple[MemberTaxon, ...] = ()
) -> PredictedTaxon:
    """Return a prediction without relatives. `has`: its members."""
    return PredictedTaxon(
        name=name, scientific_name=latin, rank=rank, score=score, sure=sure, members=has, relatives_here=None
    )


def possible(name: str, latin: str, score: float, *has: tuple[str, str]) -> PossibleTaxon:
    """Return a family that a photo perhaps shows. `has`: its members."""
    (named,) = members((name, latin))
    return PossibleTaxon(**named, rank="family", score=score, members=members(*has))


def resident(name: str, latin: str, here: Here = "native", weight: float = 1.0) -> Resident:
    """Return one animal of a cell, a species."""
    (named,) = members((name, latin))
    return Resident(**named, rank="species", here=here, weight=weight)


def _id(latin: str) -> str:
    return latin.lower().replace(" ", "-")


KOALA = candidate("koala", "Phascolarctos cinereus", 0.97, 0.95, "native")
ANSWER = Answer(
    message="Almost certain: koala.",
    prediction=predicted("koala", "Phascolarctos cinereus", 0.97, "almost certain"),
    perhaps=(),
    candidates=(KOALA,),
    animal_probability=0.99,
    subject="animal",
    photo_quality=PhotoQuality(pixels=1024, dark=False, soft=False, infrared=False),
    why_not=None,
    animals=None,
    people=None,
    vehicles=None,
    location=Place(source="exif", cell="83be0efffffffff", center=(-33.8, 151.8), areas=("AU",)),
    features=FeaturesUsed(mode="narrowed", cache="miss", animals=78, version=VERSION, month=None),
    model=ModelUsed(name="faunalens", version="71d949d78aae", packs=()),
    timings_ms=Timings(photo=1, features=1, scoring=1, boxes=0, total=3),
    request_id="157dbf60-a904-4f04-bf8b-9eb11105a3e1",
    photos=(),
    reasons=(),
    focus=None,
    class_map=None,
)
OUTCOME = Outcome("exif", KOALA["taxon"], KOALA["name"], KOALA["score"], "native", "species", "71d949d78aae", {})
"""What metrics count of `ANSWER`."""


def answered(outcome: Outcome = OUTCOME) -> Record:
    """Return a record that contains only what is counted of an identification."""
    record = Record(ANSWER["request_id"], "/identify")
    record.note(outcome.notes())
    return record


def complete(*faults: str) -> Record:
    """Return the record of a process's first request, with a value for each metric of an identification.

    `faults`: codes of faults during its lookup.
    """
    record = Record(ANSWER["request_id"], "/identify", initialisation=0.2153)
    record.seconds = {"photo": 0.0352, "location": 0.0001, "features": 0.0024, "scoring": 0.0121, "boxes": 0.061}
    facts = PhotoFacts.read(jpeg(), PhotoLimits())
    assert facts is not None
    record.note(of_photos([facts]))
    details = tuple(f"{fault}: requested by the test" for fault in faults)
    lookup = replace(NO_LOCATION, mode="narrowed", cache="miss", found=NO_ANIMALS._replace(version=VERSION))
    record.note(of_features(CELL, replace(lookup, faults=faults, trace=Trace(details=details))))
    closer = OUTCOME._replace(packs={"birds": 18.2}, looked_twice=True, animals=1)
    record.note(closer.notes())
    return record
