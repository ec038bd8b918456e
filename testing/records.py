"""Sample records of requests, for tests and benchmarks of metrics and logs."""

from dataclasses import replace

from chalicelib.api.responses import (
    AnimalFound,
    Answer,
    BoxFound,
    Candidate,
    FeaturesUsed,
    ModelUsed,
    PackUsed,
    PhotoQuality,
    Place,
    PredictedTaxon,
    Timings,
)
from chalicelib.config.settings import PhotoLimits
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION
from chalicelib.photo.decode import open_photo
from chalicelib.telemetry.record import Compared, Record
from testing.pictures import jpeg

KOALA = Candidate("phascolarctos-cinereus", "koala", "Phascolarctos cinereus", "species", 0.97, 0.95, "native")
KOALAS = PredictedTaxon("koala", "Phascolarctos cinereus", "species", 0.97)
ANSWER = Answer(
    message="Most likely: koala (97%).",
    prediction=KOALAS,
    candidates=(KOALA,),
    animal_probability=0.99,
    subject="animal",
    photo_quality=PhotoQuality(1024, dark=False, soft=False, infrared=False),
    why_not=None,
    animals=None,
    people=None,
    vehicles=None,
    location=Place("exif", "83be0efffffffff", (-33.8, 151.8), ("AU",)),
    features=FeaturesUsed("narrowed", "miss", 78, "b0491d054589"),
    model=ModelUsed("faunalens", "927898b77542"),
    timings_ms=Timings(1, 1, 1, 0, 3),
    request_id="157dbf60-a904-4f04-bf8b-9eb11105a3e1",
)


def answered(answer: Answer = ANSWER) -> Record:
    """Return a record that contains only the answer."""
    return Record(answer.request_id, "/identify", cell=answer.location.cell, answer=answer)


def complete() -> Record:
    """Return the record of a process's first request, with a value for each metric of an identification."""
    found = AnimalFound(BoxFound(0.2, 0.3, 0.4, 0.5, 0.9), KOALAS, (KOALA,))
    model = replace(ANSWER.model, packs=(PackUsed("birds", "5f64a8f92101", 18.2),))
    record = answered(replace(ANSWER, animals=(found,), model=model))
    record.looked_twice = True
    record.shadow = Compared("e41b6d0c2a97", is_done=True, taxon="Vombatus ursinus", differs=True)
    record.photos, record.initialisation = [open_photo(jpeg(), PhotoLimits())], 0.2153
    known = NO_ANIMALS._replace(version=ANSWER.features.version or "")
    record.features = replace(NO_LOCATION, mode="narrowed", cache="miss", found=known)
    record.seconds = {"photo": 0.0352, "location": 0.0001, "features": 0.0024, "scoring": 0.0121, "boxes": 0.061}
    return record
