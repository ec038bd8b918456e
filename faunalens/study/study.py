"""A study: the photos, deployments and events of a results file, in order, as exports and reports read them."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import batched, groupby
from math import ceil, sqrt

from faunalens.study.deployments import TIMES, ZONE, corrected, parse_zone
from faunalens.study.finding import Clip, Finding, finding_of
from faunalens.study.results import BATCH, QUERIES, ResultsFile


@dataclass(frozen=True, slots=True)
class StudyPhoto:
    """A photo with an answer.

    `path`: relative to the study's folder. `time`: corrected by the shift; in the deployment's zone, or else with the
    offset in EXIF, or without any. `timed`: whether EXIF has a time; if not, `time` is that of the file if the study
    uses file times, or else None. `starts`: True if people said that the photo begins an event, False if they said that
    it continues the event of the photo before; else None.
    """

    path: str
    deployment: str
    time: datetime | None
    timed: bool
    latitude: float | None
    longitude: float | None
    width: int
    height: int
    finding: Finding
    id: int = 0
    starts: bool | None = None

    @property
    def clip(self) -> Clip | None:
        """Return the best frame of a video, or None for a photo."""
        return self.finding.clip

    @property
    def end(self) -> datetime | None:
        """Return when a video ends; for a photo, its time."""
        return self.time + timedelta(seconds=self.clip.duration) if self.time and self.clip else self.time


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment. `fields`: its row of the table, by the columns of Camtrap DP; empty if it has no row.

    `start`, `end`: from the table, or else of the first and last photo, or None. `taken`: times of the first and last
    photo; empty if no photo has a time. `has_time_issues`: a photo's time is missing, or outside of start and end.
    """

    id: str
    latitude: float | None
    longitude: float | None
    start: datetime | None
    end: datetime | None
    taken: tuple[datetime, ...]
    has_time_issues: bool
    fields: Mapping[str, str]

    @property
    def times(self) -> tuple[datetime, ...]:
        return tuple(each for each in (self.start, self.end, *self.taken) if each)


def box_around(deployments: Iterable[Deployment]) -> tuple[float, ...]:
    """Return west, south, east and north of the box around deployments, in degrees; empty if none has a known place."""
    places = [(each.longitude, each.latitude) for each in deployments]
    known = [(east, north) for east, north in places if east is not None and north is not None]
    return tuple(limit(degrees) for limit in (min, max) for degrees in zip(*known, strict=True))


def events_of(photos: Iterable[StudyPhoto], gap: float) -> Iterator[list[StudyPhoto]]:
    """Yield the events that photos form. A photo without a time is an event of its own.

    `photos`: sorted by deployment and time. `gap`: the longest time between two photos of an event, in seconds. Where
    people split or merged events, that counts instead.
    """
    event: list[StudyPhoto] = []
    for photo in photos:
        if event and _begins(photo, event[-1], gap):
            yield event
            event = []
        event.append(photo)
    if event:
        yield event


def _begins(photo: StudyPhoto, last: StudyPhoto, gap: float) -> bool:
    if photo.deployment != last.deployment:
        return True
    if photo.starts is not None:
        return photo.starts
    return photo.time is None or last.end is None or seconds_between(last.end, photo.time) > gap


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds between two times on the same camera's clock, whatever their offsets."""
    return (_clock(later) - _clock(earlier)).total_seconds()


def _clock(time: datetime) -> datetime:
    """Return a time without its offset, because some photos of a deployment may lack one in EXIF."""
    return time.replace(tzinfo=None)


METRES = 111_320  # metres in a degree of longitude at the equator
_PHOTOS = "select * from reviewed_photo where id in (select value from json_each(?)) and answer is not null"


@dataclass(eq=False)
class Study:
    """The photos of a results file that have an answer, and the deployments that took them.

    `results`: the open file. `gap`: longest time between two photos of an event, in seconds. `zone`: time zone of the
    cameras in deployments without `timezone`, or None. `precision`: degrees to which coordinates are rounded; 0 leaves
    them exact. `file_times`: whether photos without a time get the time of their file.
    """

    results: ResultsFile
    gap: int
    zone: tzinfo | None = None
    precision: float = 0.0
    file_times: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self._rows = {row["deploymentID"]: row for row in self.results.deployments()}
        self.folder = self.results.study().get("folder", "")
        self.results.define("deployment_of", self._deployment_of)
        self.results.define("clock_of", self._file_clock)

    def photos(self) -> Iterator[StudyPhoto]:
        """Yield the photos with an answer, by deployment and time. Copies within a deployment count once."""
        ids = [row["id"] for row in self.results.rows(QUERIES["in order"])]  # sorting whole rows would fill the disk
        for some in batched(ids, BATCH, strict=False):
            yield from map(self.photo, self.rows(some))

    def rows(self, photos: Sequence[int]) -> list[sqlite3.Row]:
        """Return the rows of photos, by their ids, in the same order. Skip photos that are gone or have no answer."""
        rows = {row["id"]: row for row in self.results.rows(_PHOTOS, json.dumps(photos, allow_nan=False))}
        return [rows[each] for each in photos if each in rows]

    @property
    def untimed(self) -> int:
        """Return the number of photos that have no time, so that each is an event of its own."""
        return 0 if self.file_times else self.results.number("untimed")

    def events(self) -> Iterator[list[StudyPhoto]]:
        """Yield the photos of each event, by deployment and time."""
        return events_of(self.photos(), self.gap)

    def unanswered(self) -> Iterator[sqlite3.Row]:
        """Yield the rows of photos that a run looked at without an answer; `code` and `detail` say what was wrong."""
        return self.results.rows("select * from photo where answer is null and code is not null order by path")

    @cached_property
    def deployments(self) -> dict[str, Deployment]:
        """Return all deployments by id: those in the table, in its order, then those made for photos without one."""
        taken = groupby(self.photos(), key=lambda photo: photo.deployment)
        found = {key: self._deployment(key, photos) for key, photos in taken}
        return {key: found.get(key) or self._deployment(key, ()) for key in dict.fromkeys((*self._rows, *found))}

    def rounded(self, degrees: float) -> float:
        """Return a coordinate in degrees, rounded to the study's `precision`, as exports may show it."""
        return round(round(degrees / self.precision) * self.precision, 6) if self.precision else degrees

    def uncertainty(self, fields: Mapping[str, str]) -> str:
        """Return the uncertainty of a deployment's coordinates in metres as text: the table's, plus what rounding adds.

        `fields`: the deployment's row of the table. Rounding adds half the diagonal of a square of `precision` at the
        equator. Empty if the table has none and coordinates are exact.
        """
        given = fields.get("coordinateUncertainty", "")
        metres = float(given or 0) + self.precision * METRES / sqrt(2)
        return str(ceil(metres)) if given or self.precision else ""  # whole metres, as Camtrap DP has them

    def photo(self, row: sqlite3.Row) -> StudyPhoto:
        place = row["latitude"], row["longitude"]
        latitude, longitude = (None if degrees is None else self.rounded(degrees) for degrees in place)
        deployment = self._deployment_of(row["deployment"], row["path"], *place)
        time = _file_time(row["modified"], self._zone_of(deployment)) if self.file_times else None
        if row["taken"]:
            time = corrected(row["taken"], row["shift"])
            if time.tzinfo is None or self._rows.get(deployment, {}).get(ZONE):
                time = time.replace(tzinfo=self._zone_of(deployment))
        starts = None if row["starts"] is None else bool(row["starts"])
        facts = row["path"], deployment, time, row["taken"] is not None, latitude, longitude
        return StudyPhoto(*facts, row["width"] or 0, row["height"] or 0, finding_of(row), row["id"], starts)

    def _deployment_of(self, given: str | None, path: str, latitude: float | None, longitude: float | None) -> str:
        """Return the id of a photo's deployment: `given`, or else one made of its folder and, if known, its place."""
        if given is not None:
            return given
        folder = path.rpartition("/")[0] or "photos"
        if latitude is None or longitude is None:
            return folder
        return f"{folder} @ {self.rounded(latitude):.3f},{self.rounded(longitude):.3f}"  # SQL gives exact ones

    def _file_clock(self, modified: int, deployment: str) -> str | None:
        return str(_clock(_file_time(modified, self._zone_of(deployment)))) if self.file_times else None

    def _zone_of(self, deployment: str) -> tzinfo | None:
        name = self._rows.get(deployment, {}).get(ZONE)
        return parse_zone(name) if name else self.zone

    def _deployment(self, key: str, photos: Iterable[StudyPhoto]) -> Deployment:
        """Return the deployment with the id `key`. `photos`: its photos by time; photos without a time are last."""
        first: StudyPhoto | None = None
        last, issues = None, False
        for photo in photos:
            first, last = first or photo, photo.time or last
            issues |= not photo.timed
        fields, zone = self._rows.get(key, {}), self._zone_of(key)
        taken = (first.time, last) if first and first.time and last else ()
        given = [_moment(fields.get(name, ""), zone) for name in TIMES]
        start, end = (one or other for one, other in zip(given, taken or (None, None), strict=True))
        if start and end and all(each.tzinfo for each in (start, end, *taken)):  # else they do not compare
            issues |= any(not start <= each <= end for each in taken)
        place = (first.latitude, first.longitude) if first else (None, None)
        if fields:
            place = self.rounded(float(fields["latitude"])), self.rounded(float(fields["longitude"]))
        return Deployment(key, *place, start, end, taken, issues, fields)


def _file_time(modified: int, zone: tzinfo | None) -> datetime:
    """Return the time of a file, to the second, in `zone`, or in UTC if that is None. `modified`: ns since 1970."""
    return datetime.fromtimestamp(modified // 10**9, zone or UTC).replace(tzinfo=zone)


def _moment(text: str, zone: tzinfo | None) -> datetime | None:
    moment = datetime.fromisoformat(text) if text else None
    return moment.astimezone(zone) if moment and zone else moment
