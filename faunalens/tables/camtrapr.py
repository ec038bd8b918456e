"""Compute camera operation, independent records and detection histories, by camtrapR's rules."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from faunalens.errors import CommandError
from faunalens.study.event import found_in
from faunalens.study.finding import Finding
from faunalens.study.study import Deployment, Study, StudyPhoto
from faunalens.taxa.taxa import agree, lineage_of, taxon_rank

type Operation = dict[date, float]
"""The share of each day during which a station's cameras worked. Days outside of its operation have no value."""
DAY = timedelta(days=1)
LOCATION = "locationID"  # Camtrap DP's column for a place that several deployments may share
_PROBLEM = re.compile(r"Problem\d+_from")


def stations_of(study: Study, column: str = LOCATION) -> dict[str, str]:
    """Return the station of each deployment, by id: what its row has in `column`, or else the deployment's own id."""
    fields = [each.fields for each in study.deployments.values()]
    if column != LOCATION and not any(each.get(column) for each in fields):
        known = ", ".join(sorted({name for each in fields for name in each}))
        raise CommandError(f"no deployment has a {column}; expected a column of the table of deployments: {known}")
    return {key: each.fields.get(column) or key for key, each in study.deployments.items()}


def operations(deployments: Iterable[Deployment], stations: Mapping[str, str]) -> dict[str, Operation]:
    """Return the operation of each station, in order. A station is in operation while any of its cameras is.

    `stations`: the station of each deployment. Raises `CommandError` if a period of problems cannot be read.
    """
    found: dict[str, Operation] = {}
    for deployment in deployments:
        station = found.setdefault(stations[deployment.id], {})
        for day, share in operation(deployment).items():
            station[day] = min(station.get(day, 0.0) + share, 1.0)
    return found


def operation(deployment: Deployment) -> Operation:
    """Return for which share of each day a deployment was in operation, from its start to its end, without problems.

    A start or end without a time means noon; a problem without times means whole days. The saved table has midnight for
    such a start, and the second before midnight for such an end.
    """
    if not deployment.start or not deployment.end:
        return {}
    zone, given = deployment.start.tzinfo, deployment.fields
    start, end = _clock(deployment.start, zone), _clock(deployment.end, zone)
    if start.date() < end.date():
        if given.get("deploymentStart") and start.time() == time():
            start += DAY / 2
        if given.get("deploymentEnd") and end.time() == time(23, 59, 59):
            end = end.replace(hour=12, minute=0, second=0)
    problems = list(_problems(deployment, zone))
    days = (start.date() + DAY * number for number in range((end.date() - start.date()).days + 1))
    return {day: _share(day, start, end, problems) for day in days}


def _share(day: date, start: datetime, end: datetime, problems: Iterable[tuple[datetime, datetime]]) -> float:
    """Return the share of a day between start and end and outside of all problems, exact to about 10 seconds."""
    midnight = datetime.combine(day, time())
    begin, until = max(start, midnight), min(end, midnight + DAY)
    worked = until - begin
    for broken, mended in sorted(problems):
        lost = min(until, mended) - max(begin, broken)
        if lost > timedelta(0):
            worked, begin = worked - lost, min(until, mended)
    return round(max(worked / DAY, 0.0), 4)


def _problems(deployment: Deployment, zone: tzinfo | None) -> Iterator[tuple[datetime, datetime]]:
    """Yield a deployment's periods of problems, from the columns `Problem1_from`, `Problem1_to` and so on."""
    for column in filter(_PROBLEM.fullmatch, deployment.fields):
        other = column.replace("from", "to")
        texts = [deployment.fields.get(name, "") for name in (column, other)]
        if not any(texts):
            continue
        try:
            broken, mended = (_clock(datetime.fromisoformat(text), zone) for text in texts)
        except ValueError:
            has = f"the deployment {deployment.id} has {column} '{texts[0]}' and {other} '{texts[1]}'"
            raise CommandError(f"{has}; expected two dates or times, such as 2026-05-12T08:30") from None
        yield broken, mended + DAY if len(texts[1]) == len("2026-05-12") else mended


def _clock(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a time without offset, as a clock in `zone` shows it; without a zone, as its own clock does."""
    return (moment.astimezone(zone) if moment.tzinfo and zone else moment).replace(tzinfo=None)


class Occasions:
    """The days of a survey, cut into occasions of equal length that begin at midnight.

    `operations`: the operation of each station. `length`: days of an occasion. `by_survey`: whether the first occasion
    begins with the first day of the whole survey, rather than of each station.
    """

    def __init__(self, operations: Mapping[str, Operation], length: int, *, by_survey: bool) -> None:
        self._operations, self._length = operations, length
        self._spans = {station: (min(days), max(days)) for station, days in operations.items() if days}
        begin = min((first for first, _ in self._spans.values()), default=None) if by_survey else None
        self._begins = {station: begin or first for station, (first, _) in self._spans.items()}
        last = [(last - self._begins[station]).days for station, (_, last) in self._spans.items()]
        self.number = max(last, default=-1) // length + 1

    def of(self, station: str, day: date) -> int | None:
        """Return the number of the occasion that a day is in, from 0; None before or after the station's operation."""
        first, last = self._spans.get(station, (date.max, date.min))
        return (day - self._begins[station]).days // self._length if first <= day <= last else None

    def effort(self, station: str) -> list[float | None]:
        """Return a station's trap days in each occasion; None for an occasion without any."""
        effort = [0.0] * self.number
        for day, share in self._operations[station].items():
            effort[(day - self._begins[station]).days // self._length] += share
        return [round(each, 4) or None for each in effort]

    def history(self, station: str, days: Iterable[date]) -> list[int | None]:
        """Return for each occasion 1 if one of `days` has a detection, else 0; None for an occasion without effort."""
        detected = {self.of(station, day) for day in days}
        return [None if some is None else int(number in detected) for number, some in enumerate(self.effort(station))]


class Species(NamedTuple):
    """What a record shows. `species`: a scientific name, a typed name, or the kind of something other than an animal.

    `rank`: that of `species`, or empty. `is_wide`: whether it is an animal whose name is wider than the wanted rank.
    """

    species: str
    name: str
    rank: str = ""
    is_wide: bool = False


class Sighting(NamedTuple):
    """A photo that shows a species. `time`: on the camera's clock.

    `most`: largest number of animals in one photo of its event, or None. `method`: `human` or `machine`, whichever
    named it. `differs`: what other models called the photo, if that differs.
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

    `images`: number of photos; photos of the same second count once. `seconds`: time since the record or photo that it
    is compared to; 0 for the first record of a species at a station. `most`: largest number of animals in one photo.
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
    """Return the findings of the event (`whole`) that a photo shows: for a part that agrees with none, the first."""
    found: list[Finding] = []
    for part in photo.finding.each:
        same = [each for each in whole if each.kind == part.kind]
        line = part.named.line if part.named else ()
        agreeing = [each for each in same if each.named and agree(each.named.line, line)] or same
        found += [each for each in agreeing[:1] if each not in found]
    return found


def records_of(sightings: Iterable[Sighting], gap: timedelta, *, to_last_photo: bool = False) -> Iterator[Record]:
    """Yield the independent records, by station, species and time.

    A photo begins a record if it is the first of its species at its station, or at least `gap` later than the beginning
    of the last record (camtrapR's `lastIndependentRecord`) or, with `to_last_photo`, the last photo (`lastRecord`).
    """
    ordered = sorted(sightings, key=lambda each: (each.station, each.of.species, each.time, each.path))
    for _, same in groupby(ordered, key=lambda each: (each.station, each.of.species)):
        record: Record | None = None
        last: datetime | None = None
        for moment, group in groupby(same, key=lambda each: each.time):
            together = list(group)
            most = _most(*(each.most for each in together))
            since = last if to_last_photo else record and record.first.time
            seconds = (moment - since).total_seconds() if since else 0.0
            if record and seconds < gap.total_seconds():
                record = record._replace(images=record.images + 1, most=_most(record.most, most))
            else:
                if record:
                    yield record
                record = Record(together[0], seconds, 1, most)
            last = moment
        if record:
            yield record


def _most(*counts: int | None) -> int | None:
    return max((each for each in counts if each is not None), default=None)
