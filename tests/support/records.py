"""Sample records of requests, for tests of metrics and logs, and a sample answer."""

from dataclasses import replace

from chalicelib.api.responses import (
    Answer,
    Candidate,
    FeaturesUsed,
    ModelUsed,
    PhotoQuality,
    Place,
    PredictedTaxon,
    Timings,
)
from chalicelib.config.settings import PhotoLimits
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Trace
from chalicelib.photo.photos import PhotoFacts
from chalicelib.telemetry.record import Outcome, Record, of_features, of_photos
from tests.support.pictures import jpeg

CELL, VERSION = 0x83BE0EFFFFFFFFF, "b0491d054589"
KOALA = Candidate(
    taxon="phascolarctos-cinereus",
    name="koala",
    scientific_name="Phascolarctos cinereus",
    rank="species",
    score=0.97,
    vision_score=0.95,
    here="native",
    season=None,
)
KOALAS = PredictedTaxon(
    name="koala",
    scientific_name="Phascolarctos cinereus",
    rank="species",
    score=0.97,
    relatives_here=None,
    sure="almost certain",
    members=(),
)
ANSWER = Answer(
    message="Almost certain: koala.",
    prediction=KOALAS,
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
