"""Find what people should know of a study before they use its numbers: doubtful times and deployments, mixed models."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from faunalens.study.deployments import corrected, lies_in
from faunalens.study.results import QUERIES, ResultsFile
from faunalens.words import count

OLDEST = datetime(2000, 1, 2)  # noqa: DTZ001, a camera's clock has no zone
"""A time before this is wrong. Many clocks begin at 2000-01-01 when they are reset."""
AHEAD = timedelta(days=1)  # how far a clock may be ahead of UTC, in any zone
ROLLOVER = timedelta(days=30)
"""If the last photo by name is older than the first by less than this, only the names began again, not the clock."""
_PHOTOS = "select path, deployment, taken, shift from photo where answer is not null order by path"
_DIGITS = re.compile(r"(\d+)")


DOUBTS = {
    "copies": ("copy", "copies", "of other photos of a deployment: not counted"),
    "untimed": ("photo has", "", "no time in EXIF: each is an event of its own"),
    "shared": ("photo is", "", "in several deployments, byte by byte; is a card there twice?"),
    "reset": ("photo has", "", "the time of a clock that was reset, as by new batteries; --shift corrects it"),
    "future": ("photo has", "", "a time in the future; --shift corrects the clock"),
    "outside": ("photo is", "", "outside of the deployment's dates; correct the table or the clock"),
    "unassigned": ("photo is", "", "in no deployment"),
}
"""What `doubts_of` counts: the words after a 1, irregular ones after other numbers, and the rest of the sentence."""


class Doubts(NamedTuple):
    """What is doubtful of photos with an answer: their numbers, by the keys of `DOUBTS`.

    `backwards`: folders in which times go back while names go on.
    """

    numbers: dict[str, int]
    backwards: list[str]

    def sentences(self, but: Container[str] = ()) -> Iterator[str]:
        """Yield sentences on what is doubtful, and what to do. `but`: keys of `DOUBTS` to leave out."""
        for name, (one, many, what) in DOUBTS.items():
            if self.numbers[name] and name not in but:
                yield f"{count(self.numbers[name], one, many)} {what}"
        if self.backwards:
            where = f"in {count(len(self.backwards), 'folder')}, such as {self.backwards[0] or '.'}"
            yield f"the clock jumps back {where}; --shift corrects it for the photos that you name"


def remarks(results: ResultsFile, but: Container[str] = ()) -> Iterator[str]:
    """Yield sentences on what to know of a study before its numbers are used: copies, times, deployments, models.

    `but`: keys of `DOUBTS` to leave out.
    """
    yield from doubts_of(results).sentences(but)
    if len(made := made_by(results)) > 1:
        parts = ", ".join(f"{count:,} by {name}" for name, count in made.items())
        yield f"the study is mixed: {parts}; --again outdated, or --boxes, makes all answers alike"


def made_by(results: ResultsFile) -> dict[str, int]:
    """Return the number of answers of each model, largest first. A study with several models is mixed."""
    return {f"{name} {version} {boxes}": count for name, version, boxes, count in results.rows(QUERIES["models"])}


def doubts_of(results: ResultsFile, now: datetime | None = None) -> Doubts:
    """Count the photos with an answer whose time or deployment is doubtful. `now`: in UTC, None for the present."""
    found, table = Counter[str](), {row["deploymentID"]: row for row in results.deployments()}
    found.update({name: results.number(name) for name in ("copies", "untimed", "shared")})
    backwards = []
    latest = (now or datetime.now(UTC)).replace(tzinfo=None) + AHEAD
    for folder, photos in groupby(results.rows(_PHOTOS), key=lambda row: row["path"].rpartition("/")[0]):
        card: list[tuple[str, datetime]] = []
        for row in photos:
            found["unassigned"] += bool(table) and row["deployment"] is None
            if row["taken"]:
                time = corrected(row["taken"], row["shift"])
                dates = table.get(row["deployment"] or "")
                found["outside"] += dates is not None and not lies_in(dates, time)
                card.append((row["path"], time.replace(tzinfo=None)))
        times = [time for _, time in card]
        first = min(times, default=OLDEST)
        # a clock that is reset begins at the first hour of some year
        begun = first.year if (first.month, first.day, first.hour) == (1, 1, 0) else 0
        found["reset"] += sum(time < OLDEST or time.year == begun for time in times)
        found["future"] += sum(time > latest for time in times)
        if jumps_back(card):
            backwards.append(folder)
    return Doubts({name: found[name] for name in DOUBTS}, backwards)


def jumps_back(card: Sequence[tuple[str, datetime]]) -> bool:
    """Return whether a camera's clock was set back. `card`: name and time of each photo on its card, sorted by name.

    It was not if the camera only began again at IMG_0001, so that the last photos by name are the first by time.
    """
    if not _jumps([time for _, time in card]):  # sorted as text, for most cameras also by number
        return False
    times = [time for _, time in sorted(card, key=lambda photo: _natural(photo[0]))]
    jumps = _jumps(times)
    return jumps > 0 and not (jumps == 1 and timedelta() <= times[0] - times[-1] < ROLLOVER)


def _jumps(times: Sequence[datetime]) -> int:
    """Return how often a clock goes back by more than the hour that ends summer time."""
    return sum(later < one and later < one - timedelta(hours=1) for one, later in pairwise(times))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts IMG_9 before IMG_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
