"""Find the photos of a study that another program's labels are about: by path, by bytes, or by a unique name."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from os.path import commonprefix
from pathlib import Path

from faunalens.engines.place import NONE, Place
from faunalens.importing.labels import Label
from faunalens.study.deployments import PlaceOptions, Where, normal
from faunalens.study.identify import facts_in
from faunalens.study.listing import photos_below, study_folder
from faunalens.study.moved import checksum_of, find_below
from faunalens.study.results import UNSEEN, FileFacts, Outcome, ResultsFile, Task
from faunalens.study.video import VideoUnreadable, can_read, is_video, opened
from faunalens.terminal import MOST_FAULTS, photo_progress, say, shown, waiting, warn
from faunalens.words import count

HEAD = 1 << 16
"""Bytes at the beginning of a photo that mostly contain its EXIF and its size."""
SURE = 1_000
"""Strength of a match by equal bytes, as a number of shared names: more names than any two paths share."""
SLACK = 2.0
"""Seconds by which a camera's time may differ between two programs."""


class StudyPhotos:
    """Finds the photos of a results file that labels are about."""

    def __init__(self, results: ResultsFile) -> None:
        self._named: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        self._same: dict[int, dict[int, list[int]]] = {}
        self._taken: dict[int, str] = {}
        for identity, path, size, checksum, taken in results.rows("select id, path, size, checksum, taken from photo"):
            parts = _parts(path)
            self._named[parts[0]].append((parts, identity))
            if checksum is not None:
                self._same.setdefault(size, {}).setdefault(checksum, []).append(identity)
            if taken:
                self._taken[identity] = taken
        for each in self._named.values():
            each.sort()  # names repeat on each card; once sorted, the most similar paths are neighbours

    def of(self, label: Label) -> tuple[Sequence[int], int]:
        """Return the photos that a label is about (one, its copies, or none), and how many names both paths end with.

        The label's path may begin at another folder, so ends of paths are compared: the photo that shares most names
        counts, if there is only one. If they share only the file's name, their times must not differ.
        """
        if label.file is not None:
            of_size = self._same.get(label.file.stat().st_size)
            if of_size and (same := of_size.get(checksum_of(label.file))):
                return same, SURE
        parts = _parts(label.photo)
        known = self._named.get(parts[0], [])
        at = bisect(known, (parts, 0))
        closest = [commonprefix((parts, other)) for other, _ in known[max(at - 1, 0) : at + 1]]  # noqa: RUF071, tuples
        most = max(map(len, closest), default=0)
        at = bisect(known, (parts[:most], 0))  # first of the paths that end with these names
        best = [identity for other, identity in known[at : at + 2] if other[:most] == parts[:most]]
        if len(best) != 1 or (most == 1 and self._contradict(label.taken, self._taken.get(best[0]))):
            return (), 0
        return best, most

    def _contradict(self, one: str, other: str | None) -> bool:
        try:
            times = [datetime.fromisoformat(each).replace(tzinfo=None) for each in (one, other or "")]
        except ValueError:
            return False
        return abs((times[0] - times[1]).total_seconds()) > SLACK


def nearest[Row](matches: Iterable[tuple[Row, Sequence[int], int]]) -> dict[int, Row]:
    """Return, by photo, the row of a file that is about it.

    Of several candidates, the row whose path shares most names counts; after a tie, the photo has no row. `matches`:
    each row with the photos that it may be about, and the number of names that their paths share, as `StudyPhotos.of`
    returns them. If the files of several rows have the photo's bytes, the first row counts.
    """
    found: dict[int, tuple[Row | None, int]] = {}
    for row, photos, strength in matches:
        for photo in photos:
            owner, most = found.get(photo, (row, 0))
            if strength > most or (strength == most < SURE and owner != row):
                found[photo] = row if strength > most else None, strength
    return {photo: row for photo, (row, _) in found.items() if row is not None}


def warn_of_missing(paths: Sequence[str]) -> None:
    """Print the paths in a file that match no photo of the study, or perhaps several."""
    if missing := list(dict.fromkeys(paths)):  # a photo with two animals has two rows
        warn(f"{count(len(missing), 'photo')} in the file: not found in the study, or could be one of several there:")
        for path in missing[:MOST_FAULTS]:
            say(f"  {shown(path)}", err=True)


def listed(names: Counter[str]) -> str:
    """Return a text that lists the most frequent names, each with its number."""
    return ", ".join(f"{shown(name)} ({number:,})" for name, number in names.most_common(MOST_FAULTS))


def looked_for(results: ResultsFile, root: Path | None, given: PlaceOptions) -> Where:
    """Save the photos below `root` in the results; without `root`, give the saved photos the places in the options."""
    where = given.keep(results, NONE if root else None)
    if root:
        folder = study_folder(results, [root.absolute()], root)
        with waiting("looking for photos"):
            find_below(results, folder, photos_below([folder], folder, where, []))
    elif given.deployments or given.place:
        results.find(where.of(*row) for row in list(results.rows("select path, size, modified from photo")))
    return where


def let_in(results: ResultsFile, photos: Iterable[int]) -> set[int]:
    """Give an empty answer to labelled photos that have none and can be read. Return the ids of these photos.

    With an answer they belong to the study; `faunalens identify` still counts them as left.
    """
    query = "select id, path, size, modified, place, shift from photo where id = ? and answer is null"
    rows = [row for each in photos for row in results.rows(query, each)]
    folder, found = Path(results.study()["folder"]), set[int]()
    with photo_progress(0, len(rows), "reading photos") as reach, results.transaction():
        for number, (identity, path, size, modified, place, shift) in enumerate(rows, 1):
            facts = facts_of(folder / path, Place.parse(place))
            if facts.width:
                task = Task(identity, path, Place.parse(place), None, shift)
                results.save(Outcome(task, "new", size, modified, None, facts, UNSEEN))
                found.add(identity)
            reach(number)
    return found


def facts_of(path: Path, place: Place) -> FileFacts:
    """Return what a photo's file says, from its first bytes if they suffice; for a video, what its first frame says."""
    with suppress(OSError, VideoUnreadable):
        if not is_video(path):
            with path.open("rb") as file:
                facts = facts_in(head := file.read(HEAD), place)
                return facts if facts.width or len(head) < HEAD else facts_in(head + file.read(), place)
        if can_read():
            with opened(path) as video:
                facts = facts_in(video.frame_at(0.0).jpeg, place)
                return replace(facts, width=video.width, height=video.height)
    return FileFacts(latitude=place.latitude, longitude=place.longitude)


def _parts(path: str) -> tuple[str, ...]:
    """Return the names in a path for comparisons: that of the file, then of the folders above it, innermost first."""
    names = normal(path).replace("\\", "/").casefold().split("/")
    return tuple(name for name in reversed(names) if name not in ("", ".", "..")) or ("",)
