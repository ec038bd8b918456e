"""Which photos to review, in which order, and what people said about them."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from math import sqrt
from typing import Any, NamedTuple

from cli.moved import COPIES
from cli.results import ResultsFile, now
from cli.study.finding import Finding, Kind, finding_of
from cli.study.taxa import lineage_of

Z = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""


class Precision(NamedTuple):
    """Of `reviewed` photos that the machine named `taxon`, `right` are it. `low`, `high`: the 95 % interval."""

    taxon: str
    reviewed: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return the share of right answers."""
        return self.right / self.reviewed


def wilson(right: int, reviewed: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share, 95 % (E. B. Wilson, JASA 22, 1927).

    >>> [round(each, 3) for each in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, square = right / reviewed, Z * Z
    middle = (share + square / (2 * reviewed)) / (1 + square / reviewed)
    half = Z * sqrt(share * (1 - share) / reviewed + square / (4 * reviewed**2)) / (1 + square / reviewed)
    return max(0.0, middle - half), min(1.0, middle + half)


def precision_of(reviews: Iterable[tuple[str, bool]]) -> list[Precision]:
    """Return the precision of each taxon, the most reviewed first. `reviews`: taxa named, and if rightly."""
    counts: dict[str, tuple[int, int]] = {}
    for taxon, is_right in reviews:
        reviewed, right = counts.get(taxon, (0, 0))
        counts[taxon] = reviewed + 1, right + is_right
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [Precision(taxon, reviewed, right, *wilson(right, reviewed)) for taxon, (reviewed, right) in ordered]


_ANSWERED = """
select photo.*, review.kind, review.name, review.scientific_name, review.rank, review.reviewer, review.reviewed
from photo left join review on review.photo = photo.id
where answer is not null and photo.id not in (COPIES)
""".replace("COPIES", COPIES)
_ONE = """
select photo.*, review.kind, review.name, review.scientific_name, review.rank, review.reviewer, review.reviewed
from photo left join review on review.photo = photo.id where photo.id = ?
"""
_SAVE = "insert or replace into review values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Queue:
    """The photos without a review when it was made. `most`: number of photos, or None for all.

    `drawn`: drawn at random, else the least sure first. Only the former makes a precision that holds for all photos.
    `rarest`: those come first whose animal is on the fewest photos of their station, reviewed ones included.
    """

    def __init__(
        self, results: ResultsFile, reviewer: str, most: int | None = None, *, drawn: bool, rarest: bool = False
    ) -> None:
        self._results, self._reviewer, self._drawn = results, reviewer, drawn
        found: list[tuple[tuple[str, str], float, int]] = []
        often = Counter[tuple[str, str]]()
        for row in results.rows(_ANSWERED):
            finding, station = finding_of(row), row["deployment"] or row["path"].rpartition("/")[0]
            key = station, str(finding.named or "")
            often[key] += 1
            if row["reviewer"] is None:
                found.append((key, finding.sureness, row["id"]))
        if drawn:
            random.shuffle(found)
        else:  # what is no animal is not rare
            found.sort(key=lambda each: (rarest and (not each[0][1], often[each[0]]), *each[1:]))
        self.ids = [identity for *_, identity in found[:most]]

    def photo(self, identity: int) -> dict[str, Any]:
        """Return what the page shows of a photo. Raises `KeyError` if there is none."""
        row = next(self._results.rows(_ONE, identity), None)
        if row is None:
            raise KeyError(identity)
        place = {name: row[name] for name in ("path", "deployment", "latitude", "longitude")}
        return {"id": identity, **place, **asdict(finding_of(row))}

    def path(self, identity: int) -> str:
        """Return the path of a photo below the study's folder. Raises `KeyError` if there is none."""
        return str(self.photo(identity)["path"])

    def accept(self, identity: int) -> None:
        """Save that the machine was right."""
        finding = self._machine(identity)
        named = (finding.named.name, finding.named.scientific_name, finding.named.rank) if finding.named else ()
        self._save(identity, finding, finding.kind, named, is_right=True)

    def correct(self, identity: int, kind: Kind, scientific_name: str = "", typed: str = "") -> None:
        """Save what a person said. The machine was right if it named the same taxon or a wider one that includes it,
        which it is known to do for what it perhaps is. `typed`: what the animal was called, if it is no known taxon.

        Raises `KeyError` for a photo or a taxon that is not known.
        """
        finding = self._machine(identity)
        if kind != "animal":
            self._save(identity, finding, kind, (), is_right=finding.kind == kind)
            return
        if text := " ".join(typed.split()):
            self._save(identity, finding, kind, (text, None, None), is_right=False)
            return
        lineage = lineage_of(scientific_name)
        perhaps = {each.scientific_name: each for each in finding.perhaps}
        offered = {each.scientific_name: each for each in finding.candidates} | perhaps
        name = lineage.name or (scientific_name if lineage.ranks else offered[scientific_name].name)
        ranks = {taxon: rank for rank, taxon in lineage.ranks.items()}
        rank = ranks.get(scientific_name) or (
            perhaps[scientific_name].rank if scientific_name in perhaps else "species"
        )
        above = {"Animalia", scientific_name, *ranks}
        is_right = finding.named is not None and (finding.named.scientific_name in above or scientific_name in perhaps)
        self._save(identity, finding, kind, (name, scientific_name, rank), is_right=is_right)

    def undo(self, identity: int) -> None:
        """Delete the review of a photo."""
        with self._results.transaction() as connection:
            connection.execute("delete from review where photo = ?", (identity,))

    def _machine(self, identity: int) -> Finding:
        row = next(self._results.rows("select *, null as reviewer from photo where id = ?", identity), None)
        if row is None:
            raise KeyError(identity)
        return finding_of(row)

    def _save(
        self, identity: int, machine: Finding, kind: Kind, named: tuple[str | None, ...], *, is_right: bool
    ) -> None:
        said = machine.named.scientific_name if machine.named else machine.kind
        names = named or (None, None, None)
        values = (identity, kind, *names, said, int(is_right), int(self._drawn), self._reviewer, now())
        with self._results.transaction() as connection:
            connection.execute(_SAVE, values)


def precision(results: ResultsFile, *, drawn: bool) -> list[Precision]:
    """Return the machine's precision by taxon. `drawn`: only of photos that were drawn at random.

    An animal whose name was typed does not count: that may be another name of what the machine said.
    """
    query = "select machine, is_right from review where (drawn or not ?) and (name is null or scientific_name notnull)"
    return precision_of((row["machine"], bool(row["is_right"])) for row in results.rows(query, int(drawn)))
