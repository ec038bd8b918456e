"""When cameras were in operation, and detection histories, as camtrapR's functions of these names compute them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo

from faunalens.errors import CommandError
from faunalens.study.study import Deployment, Study

type Operation = dict[date, float]
"""The share of each day in which a station's cameras worked. Days outside of the station's operation have no value."""
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
    """Return which share of each day a deployment was in operation, from its start to its end, without problems.

    A start or end without a time means noon; a problem without times, whole days. The saved table has midnight for
    such a start, and a second before midnight for such an end.
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
    """Return which share of a day is between start and end, and outside of all problems, exact to some 10 seconds."""
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
    """Return a time as a clock in a zone shows it, without an offset."""
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
