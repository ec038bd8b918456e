"""Independent records: how often each species came to each station, counted as camtrapR's `recordTable` does."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from faunalens.study.event import found_in
from faunalens.study.finding import Finding
from faunalens.study.study import Study, StudyPhoto
from faunalens.taxa.taxa import agree, lineage_of, taxon_rank


class Species(NamedTuple):
    """What a record is of. `species`: a scientific name, a typed name, or the kind of something other than an animal.

    `rank`: its rank, empty without one. `is_wide`: whether it is an animal whose name is wider than the wanted rank.
    """

    species: str
    name: str
    rank: str = ""
    is_wide: bool = False


class Sighting(NamedTuple):
    """A photo that shows a species. `time`: on the camera's clock.

    `most`: largest number in a photo of its event, or None. `method`: `human` or `machine`, whichever named it.
    `differs`: what other models called the photo, where that differs.
    """

    station: str
    of: Species
    time: datetime
    path: str
    most: int | None
    method: str = "machine"
    differs: str = ""


class Record(NamedTuple):
    """An independent record. `first`: its first photo.

    `images`: number of photos; photos of the same second count once. `seconds`: since the record or photo that it is
    compared to; 0 for the first record of a species at a station.
    """

    first: Sighting
    seconds: float
    images: int
    most: int | None


def species_of(finding: Finding, rank: str) -> Species:
    """Return what a finding is at a rank, such as a lion's genus. A taxon wider than the rank stays unchanged."""
    named = finding.named
    if named is None:
        return Species(finding.kind, finding.kind)
    if named.is_typed:
        return Species(named.name, named.name)
    own = taxon_rank(named.rank)
    latin = lineage_of(named.scientific_name).ranks.get(rank) or (named.scientific_name if own == rank else None)
    if latin is None:
        return Species(named.scientific_name, named.name, own, is_wide=True)
    return Species(latin, lineage_of(latin).name or (named.name if latin == named.scientific_name else latin), rank)


def sightings_of(study: Study, stations: dict[str, str], rank: str) -> Iterator[Sighting]:
    """Yield what each photo with a time shows, named as its event is. `stations`: the station of each deployment."""
    for event in study.events():
        whole = found_in([photo.finding for photo in event])
        for photo in event:
            if photo.time is not None:
                station, clock = stations[photo.deployment], photo.time.replace(tzinfo=None)
                differs = " | ".join(map(str, photo.finding.differing))
                for each in _shown(photo, whole):
                    of = species_of(each, rank)
                    yield Sighting(station, of, clock, photo.path, each.count, each.method, differs)


def _shown(photo: StudyPhoto, whole: tuple[Finding, ...]) -> list[Finding]:
    """Return which findings of its event (`whole`) a photo shows: the first if the photo agrees with none."""
    found: list[Finding] = []
    for part in photo.finding.each:
        same = [each for each in whole if each.kind == part.kind]
        line = part.named.line if part.named else ()
        agreeing = [each for each in same if each.named and agree(each.named.line, line)] or same
        found += [each for each in agreeing[:1] if each not in found]
    return found


def records_of(sightings: Iterable[Sighting], gap: timedelta, *, to_last_photo: bool = False) -> Iterator[Record]:
    """Yield the independent records, by station, species and time.

    A photo begins a record if it is the first of its species at its station, or at least `gap` after the beginning of
    the last record (camtrapR's `lastIndependentRecord`), or with `to_last_photo` after the last photo (`lastRecord`).
    """
    ordered = sorted(sightings, key=lambda each: (each.station, each.of.species, each.time, each.path))
    for _, same in groupby(ordered, key=lambda each: (each.station, each.of.species)):
        record: Record | None = None
        last: datetime | None = None
        for time, group in groupby(same, key=lambda each: each.time):
            together = list(group)
            most = _most(*(each.most for each in together))
            since = last if to_last_photo else record and record.first.time
            seconds = (time - since).total_seconds() if since else 0.0
            if record and seconds < gap.total_seconds():
                record = record._replace(images=record.images + 1, most=_most(record.most, most))
            else:
                if record:
                    yield record
                record = Record(together[0], seconds, 1, most)
            last = time
        if record:
            yield record


def _most(*counts: int | None) -> int | None:
    return max((each for each in counts if each is not None), default=None)
