"""A review session: what the page shows of an event, what a reviewer says of photos, and who holds which event.

Two people cannot review the same event at the same time, from two browsers or two processes. The photos of an event are
held, so it does not matter how another reviewer has split events.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from time import time
from typing import Any

from faunalens.review.queue import Choice, Queue
from faunalens.study.event import found_in
from faunalens.study.finding import OBSERVED, VALUES, Finding, Observation, Opinion, machine_of, of_taxon, opinions_of
from faunalens.study.results import QUERIES, ResultsFile, now
from faunalens.study.reviews import Agreement, agreement, precision, save, taxon_chosen, withdraw
from faunalens.study.study import Study, StudyPhoto, seconds_between
from faunalens.taxa.taxa import lineage_of, searchable

LONGEST = 1000  # most characters of a text, such as a note
MOST = 1_000_000  # largest count of animals

SECONDS = 120.0  # how long an event is held, unless its page goes on holding it
_FACTS = ("id", "path", "deployment", "latitude", "longitude", "width", "height")


class Held(Exception):
    """Another reviewer holds the event, so this one may not change it."""


def hold(results: ResultsFile, photos: Iterable[int], holder: str, reviewer: str) -> str | None:
    """Hold photos for the browser `holder`, for `SECONDS` from now. Return None.

    If another browser holds one of them, hold none, and return the name of its reviewer.
    """
    photos = list(photos)
    with results.transaction() as connection:
        other = held_by(results, photos, holder)
        if other is None:
            connection.execute("delete from hold where until <= ?", (time(),))
            rows = ((photo, holder, reviewer, time() + SECONDS) for photo in photos)
            connection.executemany("insert or replace into hold values (?, ?, ?, ?)", rows)
    return other


def held_by(results: ResultsFile, photos: Iterable[int], holder: str) -> str | None:
    """Return the reviewer of another browser that holds one of the photos, or None. `holder`: this browser."""
    row = next(results.rows(QUERIES["held by others"], json.dumps(list(photos), allow_nan=False), holder, time()), None)
    return str(row["reviewer"]) if row else None


def release(results: ResultsFile, holder: str) -> None:
    """Release the photos that are held by browsers whose names begin with `holder`: by one, or by all of a server."""
    with results.transaction() as connection:
        connection.execute("delete from hold where substr(holder, 1, length(?1)) = ?1", (holder,))


@dataclass(eq=False)
class Session:
    """A reviewer at work. `gap`: most seconds between an event's photos. `lives_at`: returns the taxa at a position."""

    results: ResultsFile
    reviewer: str
    choice: Choice
    gap: int = 60
    lives_at: Callable[[float, float], Iterable[str]] = lambda *_: ()

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Make the queue of events to review."""
        self._study = Study(self.results, self.gap)
        self.queue = Queue(self._study, self.choice, self.reviewer)
        self._drawn = {photo for event in self.queue.events for photo in event if self.choice.drawn}
        self._is_fresh = True

    def choices(self) -> dict[str, Any]:
        """Return the events to review, and the taxa and values that an opinion may have.

        Each call but the first makes the queue again: a run may have identified more photos, and others reviewed some.
        """
        if not self._is_fresh:
            self.begin()
        self._is_fresh = False
        about = {"reviewer": self.reviewer, "of": self.choice.of, "values": VALUES}
        return {"events": self.queue.events, "taxa": searchable(), **about}

    def event(self, photo: int, holder: str) -> dict[str, Any]:
        """Return what the page shows of a photo's event, and hold it for a browser. Raises `KeyError` without one."""
        event = self.queue.event(photo)
        photos = self._read(event)
        if not photos:  # pruned since
            raise KeyError(photo)
        return {
            "photos": self.photos(event),
            "here": self._here(photos),
            "often": self.queue.often(photos[0].deployment, found_in([photo.finding for photo in photos])),
            "before": self._neighbour(self.queue.before(event), -1, photos[0]),
            "after": self._neighbour(self.queue.after(event), 0, photos[-1]),
            "held_by": hold(self.results, event, holder, self.reviewer),
        }

    def photos(self, photos: Sequence[int]) -> list[dict[str, Any]]:
        """Return what the page shows of photos: what the models found, and reviewers' opinions.

        In a review for second opinions, other reviewers' opinions are left out until this reviewer's own is saved.
        """
        shown = []
        for row in self._study.rows(photos):
            photo, opinions, machine = self._study.photo(row), opinions_of(row), machine_of(row)
            if self.choice.of == "second" and all(each.reviewer != self.reviewer for each in opinions):
                opinions = []
            facts = {name: getattr(photo, name) for name in _FACTS}
            said = [each._asdict() | {"observations": list(map(asdict, each.observations))} for each in opinions]
            clip = photo.clip._asdict() if photo.clip else None
            found = asdict(machine) | {"differing": list(map(asdict, machine.differing))}
            time = photo.time and photo.time.isoformat()
            shown.append({**facts, "time": time, **found, "opinions": said, "clip": clip})
        return shown

    def say(self, photos: Sequence[int], said: Mapping[str, Any], holder: str) -> list[dict[str, Any]]:
        """Save the opinion on photos that the page sends (`said`). Return what the page shows of them afterwards.

        `said["at"]`: the time of an earlier opinion that the page restores; without it, the time is now. Raises `Held`
        if another reviewer holds a photo, `KeyError` for an unknown photo or taxon, `ValueError` for an invalid value.
        """
        self._expect_free(photos, holder)
        if said.get("undo"):
            withdraw(self.results, photos, self.reviewer)
        else:
            observations: tuple[Observation, ...] = ()
            if not said.get("accept"):
                observations = observations_of(said["observations"], list(map(machine_of, self._study.rows(photos))))
            opinion = Opinion(self.reviewer, _text(said, "at") or now(), observations)
            save(self.results, photos, opinion, drawn=self._drawn.issuperset(photos))
        return self.photos(photos)

    def hold(self, photo: int, holder: str) -> str | None:
        """Hold the event of a photo, as the function `hold` does. Raises `KeyError` if the photo is in no event."""
        return hold(self.results, self.queue.event(photo), holder, self.reviewer)

    def precision(self) -> list[dict[str, Any]]:
        """Return the precision of the models by taxon, over all photos that were reviewed."""
        return [{**each._asdict(), "share": each.share} for each in precision(self.results, drawn=False)]

    def agreement(self) -> dict[str, Any]:
        """Return how far the two reviewers with most photos in common agree; empty if there are no two."""
        pairs, disagreements = agreement(self.results)
        one, other, photos, _, kappa = pairs[0] if pairs else Agreement("", "", 0, 0, None)
        reviewers = [one, other] if pairs else []
        return {"disagreements": disagreements, "reviewers": reviewers, "photos": photos, "kappa": kappa}

    def split(self, photo: int, holder: str) -> list[list[int]]:
        """Split an event, so that a photo begins the second part. Return both parts."""
        self._expect_free(self.queue.event(photo), holder)
        return self.queue.split(photo)

    def merge(self, photo: int, holder: str) -> list[list[int]]:
        """Merge the event of a photo with the event before it. Return the merged event."""
        event = self.queue.event(photo)
        self._expect_free([*event, *(self.queue.before(event) or ())], holder)
        return self.queue.merge(photo)

    def picture(self, photo: int) -> tuple[str, float]:
        """Return the path of a photo or video, and the time of its best frame in s. Raises `KeyError` if unknown."""
        query = "select path, coalesce(answer ->> '$.video.seconds', 0.0) as seconds from photo where id = ?"
        row = next(self.results.rows(query, photo), None)
        if row is None:
            raise KeyError(photo)
        return row["path"], row["seconds"]

    def _read(self, event: Sequence[int]) -> list[StudyPhoto]:
        """Return the photos of an event; in a review for second opinions, without what other reviewers said of them."""
        rows, is_blind = self._study.rows(event), self.choice.of == "second"
        photos = zip(map(self._study.photo, rows), rows, strict=True)
        return [replace(photo, finding=machine_of(row)) if is_blind else photo for photo, row in photos]

    def _expect_free(self, photos: Sequence[int], holder: str) -> None:
        if other := held_by(self.results, photos, holder):
            raise Held(f"{other} is reviewing this event; go on with another one, or wait two minutes")

    def _here(self, photos: Sequence[StudyPhoto]) -> list[str]:
        """Return the scientific names of animals that photos may show or that live there, with genera and families."""
        findings = [photo.finding for photo in photos]
        here = {each.scientific_name for found in findings for each in (*found.perhaps, *found.candidates)}
        latitude, longitude = photos[0].latitude, photos[0].longitude
        if latitude is not None and longitude is not None:
            here.update(self.lives_at(latitude, longitude))
        above = (lineage_of(latin).ranks.get(rank, latin) for latin in here for rank in ("genus", "family"))
        return sorted(here.union(above))

    def _neighbour(self, event: list[int] | None, number: int, to: StudyPhoto) -> dict[str, Any] | None:
        """Return what the page shows of a neighbouring event. `number`: index of its photo that is nearest to `to`."""
        photos = self._read(event) if event else []
        if not event or not photos:
            return None
        near = photos[number]
        gap = abs(seconds_between(near.time, to.time)) if near.time and to.time else None
        says = [asdict(of_taxon(each.named, each.kind)) for each in found_in([photo.finding for photo in photos])]
        return {"id": event[0], "time": near.time and near.time.isoformat(), "gap_seconds": gap, "says": says}


def observations_of(said: Sequence[Mapping[str, Any]], machine: Sequence[Finding]) -> tuple[Observation, ...]:
    """Return the observations that the page sent as JSON. `machine`: what the models found in these photos.

    Raises `ValueError` for an invalid value, and `KeyError` for an unknown taxon.
    """
    observations = tuple(_observation(each, machine) for each in said)
    if not observations or (len(observations) > 1 and any(each.kind in ("blank", "unknown") for each in observations)):
        raise ValueError("a photo shows one thing or several, or else it is blank or unknown")
    return observations


def _observation(said: Mapping[str, Any], machine: Sequence[Finding]) -> Observation:
    kind: Any = said.get("kind")
    count, typed = said.get("count") or None, _text(said, "typed")
    for name, values in (("kind", OBSERVED), ("sex", VALUES["sex"]), ("life_stage", VALUES["life_stage"])):
        if (said.get(name) or name == "kind") and said.get(name) not in values:
            raise ValueError(f"{name} is {said.get(name)!r}, and has to be one of {', '.join(values)}")
    if count is not None and not (isinstance(count, int) and 1 <= count <= MOST):
        raise ValueError(f"count is {count!r}, and has to be a whole number from 1 to {MOST:,}")
    if kind in ("blank", "unknown"):
        return Observation(kind, note=_text(said, "note"))
    observed = Observation(kind, typed if kind == "animal" else None)
    if kind == "animal" and not typed:
        observed = of_taxon(taxon_chosen(said["scientific_name"], machine), kind)
    details: dict[str, Any] = {name: _text(said, name) for name in ("sex", "life_stage", "behavior", "note")}
    return replace(observed, count=count, **details)


def _text(said: Mapping[str, Any], name: str) -> str | None:
    """Return the text `name` in what the page sent, on one line, or None if it is empty."""
    return " ".join(str(said.get(name) or "").split())[:LONGEST] or None
