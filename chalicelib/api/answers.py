"""Convert the result of an identification, and the animals of a cell, to the bodies of responses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from chalicelib.api import responses
from chalicelib.api.words import Reason, and_list, english_of, or_list, reasons_of, sure_of, why_not, with_article
from chalicelib.features.codec import Seasons
from chalicelib.features.features import Features, Mode
from chalicelib.identify import Identification
from chalicelib.location import Source, center_of, text_of
from chalicelib.model.certainty import Subject
from chalicelib.model.naming import Decision, Member
from chalicelib.model.recogniser import ClassMap, Recognised, Recognition
from chalicelib.model.shares import HERE_OF_STATUS, Prior
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo.pixels import Quality

if TYPE_CHECKING:
    from chalicelib.model.detector import Box

MOST_RELATIVES = 10
"""Maximum number of relatives in an answer."""
_NAMED_RELATIVES = 3
"""Maximum number of relatives in the message."""
LEAST_SHOWN = 0.01
"""Least score of a candidate in an answer."""
_EXACT = frozenset({"species", "subspecies", "breed"})
"""Ranks whose names need no article."""
_MODE_NOTES: Mapping[Mode, str] = {
    "narrowed": "",
    "no_location": "",
    "unknown_area": " No animals are known for this area, so only the photo was used.",
    "degraded": " The animals of this area are temporarily unavailable, so only the photo was used.",
}


def answer_of(found: Identification, request_id: str, top: int) -> responses.Answer:
    """Return the response to an identification, with `top` candidates."""
    recognised, quality, features = found.recognised, found.quality, found.features
    prediction, perhaps, candidates = named = named_in(recognised.together, recognised.prior, top)
    photos, boxes = _photos(recognised), recognised.boxes
    detections = boxes.detections if boxes else None
    reasons = _reasons(recognised, quality)
    return responses.Answer(
        message=message_of(prediction, recognised.together.decision, features.mode, recognised.subject, photos),
        prediction=prediction,
        perhaps=perhaps,
        candidates=candidates,
        animal_probability=round(recognised.together.scores.animal_probability, 4),
        subject=recognised.subject,
        photo_quality={
            "pixels": quality.pixels,
            "dark": quality.is_dark,
            "soft": quality.is_soft,
            "infrared": quality.is_infrared,
        },
        why_not=why_not(reasons),
        animals=_animals(recognised, top, named),
        people=_counted(detections.people) if detections else None,
        vehicles=_counted(detections.vehicles) if detections else None,
        location=_place(found.cell, found.source, features),
        features=_used(features),
        model=_models(recognised),
        timings_ms=cast("responses.Timings", found.timings),
        request_id=request_id,
        photos=photos,
        reasons=reasons,
        focus=_focus(recognised),
        class_map=class_map_of(recognised.class_map),
    )


def residents_of(cell: int, features: Features, taxonomy: Taxonomy, request_id: str) -> responses.Residents:
    """Return the response with the animals of a cell, sorted by name. Animals that `taxonomy` lacks are left out."""
    found, index_of = features.found, taxonomy.index_of
    rows = zip(found.animals.tolist(), found.status.tolist(), found.weights.tolist(), strict=True)
    residents = (
        responses.Resident(
            taxon=each.taxon_id,
            name=each.name,
            scientific_name=each.scientific_name,
            rank=each.rank,
            here=HERE_OF_STATUS[status],
            weight=round(weight, 3),
        )
        for animal, status, weight in rows
        if animal in index_of
        for each in (taxonomy.animals[index_of[animal]],)
    )
    return {
        "animals": tuple(sorted(residents, key=lambda resident: resident["name"].casefold())),
        "location": _place(cell, "request", features),
        "features": _used(features),
        "request_id": request_id,
    }


type _Named = tuple[
    responses.PredictedTaxon | None, tuple[responses.PossibleTaxon, ...], tuple[responses.Candidate, ...]
]


def named_in(found: Recognition, prior: Prior, top: int) -> _Named:
    """Return the prediction, the taxa that the photo or box perhaps shows, and the `top` likeliest candidates."""
    scores = found.scores
    candidates = tuple(
        responses.Candidate(
            taxon=animal.taxon_id,
            name=animal.name,
            scientific_name=animal.scientific_name,
            rank=animal.rank,
            score=round(float(scores.probabilities[animal.output_index]), 4),
            vision_score=round(float(scores.vision[animal.output_index]), 4),
            here=prior.here(animal),
            season=_season(prior.features.found.seasons, animal.id),
        )
        for animal in scores.likeliest(top)
        if scores.probabilities[animal.output_index] >= LEAST_SHOWN
    )
    return _predicted(found), _possible(found.decision), candidates


def _season(seasons: Seasons, animal: int) -> tuple[float, ...] | None:
    months = seasons.months[seasons.animals == animal].tolist()
    return tuple(round(each / 255, 2) for each in months[0]) if months else None


def _predicted(found: Recognition) -> responses.PredictedTaxon | None:
    """Return the predicted taxon with its relatives in the cell."""
    if found.prediction is None:
        return None
    taxon, score = found.prediction.taxon, found.prediction.score
    some = tuple(
        responses.RelativeTaxon(taxon=each.taxon, name=each.name, scientific_name=each.scientific_name)
        for each in found.relatives[:MOST_RELATIVES]
    )
    score = round(score, 4)
    return {
        "name": taxon.name,
        "scientific_name": taxon.scientific_name,
        "rank": taxon.rank,
        "score": score,
        "relatives_here": {"count": len(found.relatives), "taxa": some} if some else None,
        "sure": sure_of(score),
        "members": _members(found.decision.members),
    }


def _possible(decision: Decision) -> tuple[responses.PossibleTaxon, ...]:
    return tuple(
        responses.PossibleTaxon(
            taxon=each.taxon,
            name=each.name,
            scientific_name=each.scientific_name,
            rank=each.rank,
            score=round(each.score, 4),
            members=_members(each.members),
        )
        for each in decision.perhaps
    )


def _members(members: Iterable[Member]) -> tuple[responses.MemberTaxon, ...]:
    return tuple(cast("responses.MemberTaxon", each._asdict()) for each in members)


def _reasons(recognised: Recognised, quality: Quality) -> tuple[Reason, ...]:
    animals = recognised.detections.animals if recognised.detections else ()
    share = animals[0].width * animals[0].height if animals else None
    return reasons_of(recognised.subject, recognised.together.decision, quality, share)


def _photos(recognised: Recognised) -> tuple[responses.PhotoGuess, ...]:
    """Return the prediction from each photo alone; empty if there is only one photo.

    A wide or missing prediction from all fits almost any animal, so each photo then has to fit the others as well.
    """
    together = recognised.together.decision
    is_narrow = together.prediction is not None and not together.prediction.is_wide
    named = [] if is_narrow else [each.decision for each in recognised.alone if each.prediction is not None]
    return tuple(
        responses.PhotoGuess(
            prediction=_predicted(each),
            animal_probability=round(each.scores.animal_probability, 4),
            agrees=all(_agree(each.decision, other) for other in [together, *(named if each.prediction else ())]),
        )
        for each in recognised.alone
    )


def _animals(recognised: Recognised, top: int, named: _Named) -> tuple[responses.AnimalFound, ...] | None:
    """Return the animal in each box; None without boxes.

    `named`: what `named_in` returned for the whole photo. A box recognised with the photo has the same.
    """
    if recognised.boxes is None:
        return None

    def found(box: "Box", each: Recognition) -> responses.AnimalFound:
        prediction, perhaps, candidates = (
            named if each is recognised.together else named_in(each, recognised.prior, top)
        )
        return {"box": _box(box), "prediction": prediction, "perhaps": perhaps, "candidates": candidates}

    return tuple(found(*each) for each in recognised.boxes.animals)


def _counted(boxes: "Sequence[Box]") -> responses.BoxesFound:
    return {"count": len(boxes), "boxes": tuple(map(_box, boxes))}


def _focus(recognised: Recognised) -> responses.BoxFound | None:
    focus = recognised.detections.focus if recognised.detections and recognised.looked_twice else None
    return _box(focus) if focus else None


def class_map_of(found: ClassMap | None) -> responses.ClassMapShown | None:
    """Return how strongly each square of the photo indicates the likeliest animal, as shares of the strongest square.

    None if the model gives no map, or if no square indicates the animal.
    """
    if found is None or (most := float(found.squares.max())) <= 0:
        return None
    rows = (found.squares.clip(0.0).astype(float) / most).round(2).tolist()
    return {"share": round(found.share, 4), "rows": tuple(map(tuple, rows))}


def _box(box: "Box") -> responses.BoxFound:
    sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "score": box.score}
    return cast("responses.BoxFound", {name: round(value, 4) for name, value in sides.items()})


def _models(recognised: Recognised) -> responses.ModelUsed:
    runs, model = recognised.together.scores.packs, recognised.model
    packs = tuple(
        responses.PackUsed(name=run.pack.name, version=run.pack.version, milliseconds=run.milliseconds) for run in runs
    )
    return {"name": model.name, "version": model.version, "packs": packs}


def _place(cell: int | None, source: Source, features: Features) -> responses.Place:
    """Return the location in the form that clients may see: as a cell, never as coordinates."""
    if cell is None:
        return {"source": "none", "cell": None, "center": None, "areas": ()}
    return {"source": source, "cell": text_of(cell), "center": center_of(cell), "areas": features.found.areas}


def _used(features: Features) -> responses.FeaturesUsed:
    return {
        "mode": features.mode,
        "cache": features.cache,
        "animals": len(features.found.animals),
        "version": features.version,
        "month": features.month,
    }


def _agree(one: Decision, other: Decision) -> bool:
    """Return whether one taxon is or includes the other.

    If a taxon is missing, return whether both decisions, or neither of them, say that there is an animal.
    """
    if one.prediction is None or other.prediction is None:
        return one.is_animal == other.is_animal
    taxa = one.prediction.lineage, other.prediction.lineage
    return all(a.scientific_name == b.scientific_name for a, b in zip(*taxa, strict=False))


def message_of(
    prediction: responses.PredictedTaxon | None,
    decision: Decision,
    mode: Mode,
    subject: Subject,
    photos: Sequence[responses.PhotoGuess] = (),
) -> str:
    """Return the result as a sentence. `photos`: what each photo shows by itself. `subject`: what all show together."""
    nothing = "no animal" if decision.is_animal else "an animal"  # that a photo shows without a name for it
    others = [
        f"photo {number} shows {_called(each['prediction']) if each['prediction'] else nothing}"
        for number, each in enumerate(photos, 1)
        if not each["agrees"]
    ]
    disagreement = f" The photos do not agree: by itself, {'; '.join(others)}." if others else ""
    notes = (_MODE_NOTES[mode] if subject == "animal" else "") + (_relatives_note(prediction) if prediction else "")
    return _sentence(prediction, decision, subject, several=bool(photos)) + notes + disagreement


def _sentence(
    prediction: responses.PredictedTaxon | None, decision: Decision, subject: Subject, *, several: bool
) -> str:
    perhaps = f"; perhaps {or_list([each.name for each in decision.perhaps])}." if decision.perhaps else ""
    unclear = f", but the {'photos do' if several else 'photo does'} not show clearly which one."
    if decision.looks_like is not None:
        elsewhere = f"t looks like {with_article(decision.looks_like.name)}, which is not known to live here."
        perhaps, unclear = perhaps and f"{perhaps} I{elsewhere}", f"; i{elsewhere}"
    if prediction is None:
        if subject == "person" or subject == "vehicle":
            return f"The photo shows a {subject}."
        return (
            f"This is an animal{perhaps or unclear}"
            if subject == "animal"
            else f"No animal was recognised in {'these photos' if several else 'this photo'}."
        )
    if decision.prediction is not None and decision.prediction.is_wide:
        name = with_article(prediction["name"])
        return f"{name[0].upper()}{name[1:]}{perhaps or unclear}"
    name = _called(prediction)
    if decision.is_unexpected:
        return f"Not known to live here: {prediction['name']}, {english_of(prediction['sure'])}."
    members = [each["name"] for each in prediction["members"]]
    if len(members) == 1:
        name = f"{name}, perhaps {with_article(members[0])}"
    elif members:
        name = f"{name}; {and_list(members, 'or')}"
    return f"{english_of(prediction['sure']).capitalize()}: {name}."


def _called(prediction: responses.PredictedTaxon) -> str:
    """Return the name of a taxon, with an article unless its rank is species, subspecies or breed."""
    name = prediction["name"]
    return name if prediction["rank"] in _EXACT else with_article(name)


def _relatives_note(prediction: responses.PredictedTaxon) -> str:
    """Return a sentence on the relatives that live here. It names three, or none of more if the message has members."""
    relatives = prediction["relatives_here"]
    if relatives is None:
        return ""
    names, count = [each["name"] for each in relatives["taxa"][:_NAMED_RELATIVES]], relatives["count"]
    more = count - len(names)
    listed = "" if prediction["members"] and more else f": {and_list([*names, f'{more} more'] if more else names)}"
    subject = "1 close relative lives" if count == 1 else f"{count} close relatives live"
    return f" {subject} here that the model does not know{listed}."
