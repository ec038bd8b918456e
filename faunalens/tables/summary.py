"""Collect what a report shows in one pass over a study: counts, hours, days, stations, and which photos to show."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from heapq import nlargest
from math import acos, cos, degrees, pi, radians, sin, tan

from faunalens.study.clocks import made_by, remarks
from faunalens.study.event import found_in
from faunalens.study.finding import KINDS, Finding
from faunalens.study.study import Study, StudyPhoto
from faunalens.tables.camtrapr import operations, stations_of
from faunalens.taxa.taxa import distinct

SHOWN = 6
"""How many of the surest, and of the least sure, photos of each group a report shows."""
WIDE = frozenset(
    {"kingdom", "phylum", "clade", "class", "superorder", "order", "suborder", "infraorder", "superfamily"}
)
"""Ranks above the family, which say little about what was seen."""
SUNRISE = radians(90.833)
"""Zenith angle of the sun at sunrise: its upper edge is on the horizon, with the refraction of the air."""


@dataclass(slots=True)
class Group:
    """Counts of the photos of one taxon, or of one kind of thing other than animals, such as vehicles.

    `is_wide`: whether the taxon is wider than a family. `hours`: 24 numbers of events, by hour of the day (of the sun
    if known, or else of the clock). `stations`: ids of the deployments with such photos. `perhaps`: number of photos by
    the name of a taxon that they may show. `surest`, `least`: the `SHOWN` photos about which the models are surest and
    least sure, each as score, path, and the frame's time in a video in seconds.
    """

    name: str
    scientific_name: str
    rank: str
    kind: str
    is_wide: bool = False
    photos: int = 0
    events: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    stations: set[str] = field(default_factory=set)
    perhaps: Counter[str] = field(default_factory=Counter)
    surest: list[tuple[float, str, float]] = field(default_factory=list)
    least: list[tuple[float, str, float]] = field(default_factory=list)


@dataclass(slots=True)
class Station:
    """Counts of a deployment. `name`: its station's name. `taxa`: scientific names of the animals seen at it."""

    name: str
    latitude: float | None
    longitude: float | None
    photos: int = 0
    events: int = 0
    taxa: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Summary:
    """What a report shows.

    `groups`: keyed by scientific name, typed name or kind. `stations`: by deployment id. `taxa`: scientific names seen
    in the study. `first_seen`: the first day of each taxon. `effort`: trap days by day. `by_sun`: number of events
    whose hour is that of the sun; `by_clock`: events without a place or a zone, whose hour is that of the clock.
    `untimed`: number of photos without a time in EXIF. `copies`: number of photos left out as copies. `unanswered`:
    paths of photos without an answer, each with what is wrong. `models`: the models that answered. `doubts`: sentences
    on clocks, deployments and models. `precision`: degrees to which coordinates are rounded, or 0.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    taxa: set[str] = field(default_factory=set)
    first_seen: dict[str, date] = field(default_factory=dict)
    effort: dict[date, float] = field(default_factory=dict)
    by_sun: int = 0
    by_clock: int = 0
    photos: int = 0
    events: int = 0
    reviewed: int = 0
    untimed: int = 0
    copies: int = 0
    unanswered: list[tuple[str, str]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    precision: float = 0.0

    def accumulation(self) -> list[tuple[float, int]]:
        """Return pairs of trap days and taxa seen by then: at the start, at each day with a new taxon, and at the end.

        A taxon that includes another one does not count.
        """
        found, effort = [(0.0, 0)], 0.0
        for day in sorted({*self.effort, *self.first_seen.values()}):
            effort += self.effort.get(day, 0.0)
            if day in self.first_seen.values():
                seen = distinct({name for name, first in self.first_seen.items() if first <= day})
                found.append((round(effort, 2), seen))
        return [*found, (round(effort, 2), found[-1][1])]


def summary_of(study: Study, *, hide_people: bool = False) -> Summary:
    """Collect what a report shows of a study. `hide_people`: show no photos with people."""
    results = study.results
    found = Summary(precision=study.precision, copies=results.number("copies"), models=list(made_by(results)))
    names = stations_of(study)
    for key, each in study.deployments.items():
        found.stations[key] = Station(names[key], each.latitude, each.longitude)
    for days in operations(study.deployments.values(), names).values():
        for day, share in days.items():
            found.effort[day] = found.effort.get(day, 0.0) + share
    for event in study.events():
        _count_event(found, event)
        for photo in event:
            _count_photo(found, photo, is_shown=not (hide_people and photo.finding.shows_people))
    found.doubts = list(remarks(results, but=("copies", "untimed")))
    found.unanswered = [(row["path"], row["detail"]) for row in study.unanswered()]
    return found


def _count_event(found: Summary, event: list[StudyPhoto]) -> None:
    whole = found_in([photo.finding for photo in event])
    names = {each.named.scientific_name for each in whole if each.named}
    station = found.stations[event[0].deployment]
    found.events += 1
    station.events += 1
    station.taxa |= names
    found.taxa |= names
    groups = [_group(found, each) for each in whole]
    for group in groups:
        group.events += 1
    if time := event[0].time:
        day, hour = time.date(), time.hour
        found.first_seen |= {name: min(found.first_seen.get(name, day), day) for name in names}
        if time.tzinfo is None or station.latitude is None or station.longitude is None:
            found.by_clock += 1
        else:
            found.by_sun += 1
            hour = int(sun_hour(time, station.latitude, station.longitude))
        for group in groups:
            group.hours[hour] += 1


def _count_photo(found: Summary, photo: StudyPhoto, *, is_shown: bool) -> None:
    finding = photo.finding
    found.photos += 1
    found.reviewed += finding.is_human
    found.untimed += not photo.timed
    found.stations[photo.deployment].photos += 1
    for part in {_key(each): each for each in (*finding.each, finding)}.values():
        group = _group(found, part)
        group.photos += 1
        group.stations.add(photo.deployment)
        group.perhaps.update(each.name for each in part.perhaps)
        if is_shown:
            shown = part.sureness, photo.path, part.clip.seconds if part.clip else 0.0
            group.surest = nlargest(SHOWN, [*group.surest, shown])
            group.least = nlargest(SHOWN, [*group.least, shown], key=lambda each: (-each[0], *each[1:]))


def _key(finding: Finding) -> str:
    named = finding.named
    return finding.kind if named is None else named.name if finding.is_typed else named.scientific_name


def _group(found: Summary, finding: Finding) -> Group:
    named, key = finding.named, _key(finding)
    if named is None:
        return found.groups.setdefault(key, Group(KINDS[finding.kind], "", "", finding.kind))
    is_wide = named.rank in WIDE and not finding.is_typed
    return found.groups.setdefault(key, Group(named.name, named.scientific_name, named.rank, finding.kind, is_wide))


def sun_hour(time: datetime, latitude: float, longitude: float) -> float:
    """Return the hour of the sun, 0 to 24, at a time with a zone: 6 at sunrise, 12 at noon, 18 at sunset.

    Between these, it is linear.

    So days of all seasons and latitudes are comparable. Where the sun neither rises nor sets, only noon counts.
    The formulas are NOAA's "General Solar Position Calculations" (Global Monitoring Division), good for about a minute;
    the two anchors are those of Vazquez et al. (2019), Methods in Ecology and Evolution 10: 2057.
    """
    utc = time.astimezone(UTC)
    minutes = utc.hour * 60 + utc.minute + utc.second / 60
    year = 2 * pi / 365 * (utc.timetuple().tm_yday - 1 + (minutes / 60 - 12) / 24)
    ahead = 229.18 * _series(year, (0.000075, 0), (0.001868, -0.032077), (-0.014615, -0.040849))  # min, of a sundial
    declination = _series(year, (0.006918, 0), (-0.399912, 0.070257), (-0.006758, 0.000907), (-0.002697, 0.00148))
    angle = ((minutes + ahead + 4 * longitude) / 4) % 360 - 180  # degrees from noon
    north = radians(latitude)
    rising = cos(SUNRISE) / (cos(north) * cos(declination)) - tan(north) * tan(declination)
    half = degrees(acos(rising)) if -1 < rising < 1 else 90.0
    if abs(angle) <= half:
        return 12 + 6 * angle / half
    night = 6 * (180 - abs(angle)) / (180 - half)  # hours of the sun until, or since, midnight
    return (24 - night) % 24 if angle > 0 else night


def _series(year: float, *terms: tuple[float, float]) -> float:
    """Return the value of a Fourier series. `year`: time of year in radians. `terms`: factors of cosine and sine."""
    return sum(a * cos(number * year) + b * sin(number * year) for number, (a, b) in enumerate(terms))
