"""Build the responses of identifications from scores and features."""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.api.responses import (
    Candidate,
    FeaturesUsed,
    Here,
    ModelUsed,
    PackUsed,
    PhotoGuess,
    Place,
    PredictedTaxon,
    Reason,
    RelativesHere,
    RelativeTaxon,
    Resident,
    Source,
)
from chalicelib.api.words import reasons_of, sure_of
from chalicelib.features.cells import center_of, text_of
from chalicelib.features.features import Features, Mode
from chalicelib.model.models import FusedScores, Models
from chalicelib.model.naming import Named, Subject, subject_of
from chalicelib.model.recogniser import Seen
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Animal, Prediction, Taxonomy
from chalicelib.photo.quality import Quality

if TYPE_CHECKING:
    from chalicelib.services import Services

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


def candidates_of(scores: Scores, features: Features, taxonomy: Taxonomy, top: int) -> tuple[Candidate, ...]:
    """Return the `top` likeliest animals, best first; ties keep the model's order."""
    statuses = dict(zip(features.found.animals.tolist(), features.found.status.tolist(), strict=True))
    unknown = frozenset(features.found.unknown.tolist())
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
    here = features.found
    rows = zip(here.animals.tolist(), here.status.tolist(), here.weights.tolist(), strict=True)
    found = (
        Resident(each.taxon_id, each.name, each.scientific_name, each.rank, _HERE_OF_STATUS[status], round(weight, 3))
        for each, status, weight in ((known.get(animal), status, weight) for animal, status, weight in rows)
        if each is not None
    )
    return tuple(sorted(found, key=lambda resident: resident.name.casefold()))


def named_in(
    scores: FusedScores, named: Named, features: Features, top: int, services: "Services"
) -> tuple[PredictedTaxon | None, tuple[Candidate, ...]]:
    """Return the prediction and the `top` candidates of a photo, or of a part of it."""
    prediction = predicted_taxon(named.prediction, features, services.relatives, scores.taxonomy.taxon_ids)
    return prediction, candidates_of(scores, features, scores.taxonomy, top)


def guesses_of(seen: Seen, features: Features, services: "Services") -> tuple[PhotoGuess, ...]:
    """Return what each of several photos shows by itself, or nothing if there is only one."""
    guesses = []
    for each in seen.of_each if len(seen.of_each) > 1 else ():
        taxon = services.eyes.naming.name(each, features).prediction
        shown = predicted_taxon(taxon, features, services.relatives, each.taxonomy.taxon_ids)
        agrees = _agree(taxon, seen.named.prediction)
        guesses.append(PhotoGuess(shown, round(each.animal_probability, 4), agrees))
    return tuple(guesses)


def models_used(models: Models, scores: FusedScores) -> ModelUsed:
    """Return the models that scored a photo."""
    packs = (PackUsed(each.pack.name, each.pack.version, each.milliseconds) for each in scores.packs)
    return ModelUsed(models.general.name, models.general.version, tuple(packs))


def predicted_taxon(
    prediction: Prediction | None, features: Features, relatives: Relatives, known: Set[str] = frozenset()
) -> PredictedTaxon | None:
    """Convert a prediction to the form in which responses show it, with its relatives in the cell.

    `known`: ids of the taxa that the models which looked know.
    """
    if prediction is None:
        return None
    close = relatives.close_to(prediction, features.found.relatives.tolist(), known)
    here = RelativesHere(
        len(close), tuple(RelativeTaxon(each.taxon, each.name, each.scientific_name) for each in close[:MOST_RELATIVES])
    )
    taxon = prediction.taxon
    return PredictedTaxon(
        taxon.name,
        taxon.scientific_name,
        taxon.rank,
        round(prediction.score, 4),
        here if close else None,
        sure_of(prediction.score, features.mode),
    )


def subject_seen(seen: Seen, threshold: float) -> Subject:
    """Return what a photo shows at all. `threshold`: the least probability of an animal."""
    best = {
        kind: max((box.score for box in boxes), default=0.0)
        for kind, boxes in (
            ("animal", seen.sightings.animals if seen.sightings else ()),
            ("person", seen.sightings.people if seen.sightings else ()),
            ("vehicle", seen.sightings.vehicles if seen.sightings else ()),
        )
    }
    return subject_of(seen.scores.animal_probability, threshold, **best)


def reasons_seen(seen: Seen, subject: Subject, quality: Quality) -> tuple[Reason, ...]:
    """Return why an answer is wide or missing; nothing if it is neither."""
    animals = seen.sightings.animals if seen.sightings else ()
    share = animals[0].width * animals[0].height if animals else None
    return reasons_of(subject, seen.named.prediction, quality, share, is_widened=seen.named.is_widened)


def message_of(
    prediction: PredictedTaxon | None,
    features: Features,
    photos: Sequence[PhotoGuess] = (),
    subject: Subject = "none",
) -> str:
    """Return the result as a sentence. `photos`: what each photo shows by itself. `subject`: of them all."""
    return _sentence(prediction, features, subject) + _disagreement_note(photos)


def _sentence(prediction: PredictedTaxon | None, features: Features, subject: Subject) -> str:
    if prediction is None and subject == "animal":
        return "This is an animal, but the photo does not show clearly which one."
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
    return Place(source, text_of(cell), center_of(cell), features.found.areas)


def features_used(features: Features) -> FeaturesUsed:
    """Return the summary of the features that responses show."""
    return FeaturesUsed(features.mode, features.cache, len(features.found.animals), features.version, features.month)


def _agree(one: Prediction | None, other: Prediction | None) -> bool:
    """Return whether two predictions can mean the same animal: one taxon is the other, or includes it."""
    if one is None or other is None:
        return one is other
    return any(a.lineage == b.lineage[: len(a.lineage)] for a, b in ((one, other), (other, one)))


def _disagreement_note(photos: Sequence[PhotoGuess]) -> str:
    others = [
        f"photo {number} shows {each.prediction.name if each.prediction else 'no animal'}"
        for number, each in enumerate(photos, 1)
        if not each.agrees
    ]
    return f" The photos do not agree: by itself, {', '.join(others)}." if others else ""


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
