"""The queue of a review: which events people review, in which order, and how they split and merge events."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Literal, NamedTuple

from faunalens.study.event import found_in
from faunalens.study.finding import Finding
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import agreement
from faunalens.study.study import Study

Order = Literal["least-sure", "rarest", "random"]
LONGEST = 200
"""Most photos of an event to review at once; a longer one is cut: a camera on a timer makes one event of a season."""


class Choice(NamedTuple):
    """What to review. `order`: `rarest` begins with the animals that are in the fewest events of their deployment.

    `most`: largest number of events; None for all. `of`: `new` events have photos that no one has reviewed; `second`,
    ones that others have reviewed and this reviewer has not; `disagreements`, ones that reviewers name differently.
    """

    order: Order = "least-sure"
    most: int | None = None
    of: Literal["new", "second", "disagreements"] = "new"

    @property
    def drawn(self) -> bool:
        """Return whether events are chosen by chance alone, so that the precision in them holds for all photos."""
        return self.order == "random" and self.of == "new"

    def photos(self, results: ResultsFile, reviewer: str) -> set[int]:
        """Return the ids of the photos whose events are to be reviewed."""
        if self.of == "disagreements":
            return set(agreement(results).disagreements)
        query = "select id from photo where answer is not null and id not in (select photo from review)"
        if self.of == "second":
            query = "select photo from review group by photo having max(reviewer = ?) = 0"
        return {identity for (identity,) in results.rows(query, *([reviewer] if self.of == "second" else []))}


class Queue:
    """The events of a study. `events`: the events to review, in order, each as the ids of its photos."""

    def __init__(self, study: Study, choice: Choice, reviewer: str) -> None:
        self._results = study.results
        self._order: list[int] = []
        self._begins, self._begins_deployment = bytearray(), bytearray()
        wanted = choice.photos(study.results, reviewer)
        found: list[tuple[list[tuple[str, str]], float, list[int]]] = []
        self._often = often = Counter[tuple[str, str]]()
        last = None
        for event in study.events():
            for number, photo in enumerate(event):
                self._order.append(photo.id)
                self._begins.append(number % LONGEST == 0)
                self._begins_deployment.append(photo.deployment != last and number == 0)
            last = event[0].deployment
            whole = found_in([photo.finding for photo in event])
            animals = [(last, str(each.named)) for each in whole if each.named]
            often.update([*animals, (last, "")])
            sureness = min(each.sureness for each in whole)
            parts = batched((photo.id for photo in event), LONGEST, strict=False)
            found += [(animals, sureness, list(part)) for part in parts if not wanted.isdisjoint(part)]

        def rarity(animals: list[tuple[str, str]]) -> tuple[bool, int]:
            return not animals, min((often[key] for key in animals), default=0)  # without animals, not rare

        if choice.order == "random":
            random.shuffle(found)
        else:
            found.sort(key=lambda each: (choice.order == "rarest" and rarity(each[0]), *each[1:]))
        self._place = {photo: place for place, photo in enumerate(self._order)}
        self.events = [photos for *_, photos in found[: choice.most]]

    def event(self, photo: int) -> list[int]:
        """Return the ids of the photos in the event of a photo. Raises `KeyError` if the photo is in no event."""
        for changed, starts in self._results.rows("select photo, starts from boundary"):  # others split and merge too
            place = self._place.get(changed)
            if place is not None and not self._begins_deployment[place]:
                self._begins[place] = starts
        return self._event_at(self._place[photo])

    def before(self, event: Sequence[int]) -> list[int] | None:
        """Return the event before `event` in the same deployment, or None if it is the first."""
        place = self._place[event[0]]
        return None if self._begins_deployment[place] else self._event_at(place - 1)

    def after(self, event: Sequence[int]) -> list[int] | None:
        """Return the event after `event` in the same deployment, or None if it is the last."""
        place = self._place[event[-1]] + 1
        is_last = place == len(self._order) or self._begins_deployment[place]
        return None if is_last else self._event_at(place)

    def often(self, deployment: str, found: Iterable[Finding]) -> tuple[int, int] | None:
        """Return how many of a deployment's events have the rarest animal in `found`, and how many events there are.

        Return None if `found` has no animal. The numbers are those at the time when the queue was made.
        """
        counts = [self._often[deployment, str(each.named)] for each in found if each.named]
        return (min(counts), self._often[deployment, ""]) if counts else None

    def split(self, photo: int) -> list[list[int]]:
        """Split an event before a photo. Return both parts. Raises `ValueError` for the event's first photo."""
        event = self.event(photo)
        if event[0] == photo:
            raise ValueError("the photo begins an event already")
        self._save(photo, starts=True)
        return [self.event(event[0]), self.event(photo)]

    def merge(self, photo: int) -> list[list[int]]:
        """Merge the event of a photo with the one before it, and return it. Raises `ValueError` if none is before."""
        event = self.event(photo)
        if self.before(event) is None:
            raise ValueError("there is no event before this one in its deployment")
        self._save(event[0], starts=False)
        return [self.event(photo)]

    def _save(self, photo: int, *, starts: bool) -> None:
        with self._results.transaction() as connection:
            connection.execute("insert or replace into boundary values (?, ?)", (photo, int(starts)))

    def _event_at(self, place: int) -> list[int]:
        first, end = self._begins.rindex(1, 0, place + 1), self._begins.find(1, place + 1)
        return self._order[first : end if end > 0 else None]
