"""Which photos of a study the labels of another program mean: by their path, their bytes or their name."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from cli.deployments import normal
from cli.importing.labels import Label
from cli.results import ResultsFile
from cli.study.moved import checksum_of

SURE = 1_000
"""More names than a path has: the bytes are the same."""
SLACK = 2.0
"""Seconds by which a camera's time may differ between two programs."""


class StudyPhotos:
    """The photos of a results file, to be found."""

    def __init__(self, results: ResultsFile) -> None:
        self._named: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        self._same: dict[int, dict[int, list[int]]] = {}
        self._taken: dict[int, str] = {}
        for identity, path, size, checksum, taken in results.rows("select id, path, size, checksum, taken from photo"):
            parts = _parts(path)
            self._named[parts[-1]].append((parts, identity))
            if checksum is not None:
                self._same.setdefault(size, {}).setdefault(checksum, []).append(identity)
            if taken:
                self._taken[identity] = taken

    def of(self, label: Label) -> tuple[Sequence[int], int]:
        """Return the photos that a label means: one, all with the same bytes, or none; and how many names agree.

        Paths may begin at other folders: the photo with the most folders in common counts, if it is one. Where that is
        the file's name alone, the times must not contradict.
        """
        if label.file is not None:
            of_size = self._same.get(label.file.stat().st_size)
            if of_size and (same := of_size.get(checksum_of(label.file))):
                return same, SURE
        parts = _parts(label.photo)
        known = [(_common(parts, other), identity) for other, identity in self._named.get(parts[-1], ())]
        most = max((common for common, _ in known), default=0)
        best = [identity for common, identity in known if common == most]
        if len(best) != 1 or (most == 1 and self._contradict(label.taken, self._taken.get(best[0]))):
            return (), 0
        return best, most

    def _contradict(self, one: str, other: str | None) -> bool:
        """Return whether two times of a camera are known, and differ."""
        try:
            times = [datetime.fromisoformat(each).replace(tzinfo=None) for each in (one, other or "")]
        except ValueError:
            return False
        return abs((times[0] - times[1]).total_seconds()) > SLACK


def _parts(path: str) -> tuple[str, ...]:
    names = normal(path).replace("\\", "/").casefold().split("/")
    return tuple(name for name in names if name not in ("", ".", "..")) or ("",)


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the number of names that two paths have in common at their end."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
