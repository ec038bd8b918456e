"""Records, camera operation, trap rates and detection histories for R, by camtrapR's rules."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from chalicelib.config import VERSION
from faunalens.exports.files import inert, table, whole
from faunalens.study.deployments import parse_shift
from faunalens.study.study import Study
from faunalens.tables.camtrapr import LOCATION, Occasions, Record, operations, records_of, sightings_of, stations_of
from faunalens.taxa.taxa import Kind
from faunalens.terminal import warn
from faunalens.words import count, rows_of

MEANINGS = Path(__file__).with_suffix(".csv")  # the files and their columns, with what they mean
README = Path(__file__).with_suffix(".md")
KINDS: Mapping[str, Kind] = {"people": "human", "vehicles": "vehicle", "blank": "blank", "unknown": "unknown"}
"""Kinds other than animals, by the words for them in --include."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How records are counted. `gap`: least time between independent records. `compared_to`, `day1`: as in camtrapR.

    `occasion`: length in days. `rank`: the rank that counts as a species. `include`: kinds to count besides animals.
    `station`: the column of the table of deployments that names the stations.
    """

    gap: timedelta = timedelta(minutes=30)
    compared_to: str = "lastIndependentRecord"
    occasion: int = 7
    day1: str = "station"
    rank: str = "species"
    include: Sequence[str] = ()
    station: str = LOCATION


class _Survey:
    """What all tables share: the stations, when they were in operation, and the counts of the records added."""

    def __init__(self, study: Study, rules: Rules) -> None:
        self.stations = stations_of(study, rules.station)
        self.days = operations(study.deployments.values(), self.stations)
        self.effort = {station: sum(shares.values()) for station, shares in self.days.items()}
        self.occasions = Occasions(self.days, rules.occasion, by_survey=rules.day1 == "survey")
        self.events: Counter[tuple[str, str]] = Counter()
        self.detected: dict[tuple[str, str], set[date]] = defaultdict(set)
        self.outside = 0

    @property
    def species(self) -> list[str]:
        return sorted({each for each, _ in self.events})

    def add(self, record: Record) -> None:
        station, day = record.first.station, record.first.time.date()
        key = record.first.of.species, station
        self.events[key] += 1
        self.detected[key].add(day)
        self.outside += self.occasions.of(station, day) is None


def write_tables(study: Study, folder: Path, rules: Rules, title: str) -> None:
    """Write all tables and their README. Warn of records that are in no detection history."""
    survey = _Survey(study, rules)
    sightings = sightings_of(study, survey.stations, rules.rank)
    left_out = set(KINDS.values()) - {KINDS[each] for each in rules.include}
    wanted = (each for each in sightings if each.of.species not in left_out)
    with _rows(folder, "records.csv") as write, _rows(folder, "records_wide.csv") as write_wide:
        for record in records_of(wanted, rules.gap, to_last_photo=rules.compared_to == "lastRecord"):
            if record.first.of.is_wide:
                write_wide(_record(record))
            else:
                write(_record(record))
                survey.add(record)
    if unsaid := sum(not each.fields.get("deploymentEnd") for each in study.deployments.values()):
        warn(f"{count(unsaid, 'deployment has')} no deploymentEnd in a table: the effort ends with the last photo")
    if survey.outside:
        warn(f"{count(survey.outside, 'record is')} outside the operation of the station, and in no detection history")
    _write_stations(folder, survey, study)
    _write_rates(folder, survey)
    _write_matrices(folder, survey)
    with whole(folder / "README.md") as partial:
        partial.write_text(readme(rules, title), encoding="utf-8")


def _record(record: Record) -> dict[str, Any]:
    first = record.first
    minutes = round(record.seconds / 60, 1)
    hours = round(minutes / 60, 1)  # camtrapR rounds the rounded value again
    folder, _, file = first.path.rpartition("/")
    return {
        "Station": first.station,
        "Species": first.of.species,
        "DateTimeOriginal": first.time,
        "Date": first.time.date(),
        "Time": first.time.time(),
        "delta.time.secs": round(record.seconds),
        "delta.time.mins": minutes,
        "delta.time.hours": hours,
        "delta.time.days": round(hours / 24, 1),
        "Directory": folder,
        "FileName": file,
        "n_images": record.images,
        "count": record.most,
        "name": first.of.name,
        "rank": first.of.rank,
        "method": first.method,
        "differs": first.differs,
    }


def _write_stations(folder: Path, survey: _Survey, study: Study) -> None:
    first = {survey.stations[each.id]: each for each in reversed(study.deployments.values())}
    with _rows(folder, "stations.csv") as write:
        for station, days in survey.days.items():
            events = [number for (_, where), number in survey.events.items() if where == station]
            place = {"latitude": first[station].latitude, "longitude": first[station].longitude}
            span = {"first_day": min(days, default=None), "last_day": max(days, default=None)}
            counted = {"trap_days": round(survey.effort[station], 2), "events": sum(events), "species": len(events)}
            write({"Station": station, **place, **span, **counted})


def _write_rates(folder: Path, survey: _Survey) -> None:
    def rate(events: int, effort: float) -> dict[str, Any]:
        rai = round(100 * events / effort, 3) if effort else None
        return {"events": events, "trap_days": round(effort, 2), "rai": rai}

    with _rows(folder, "rai.csv") as write, _rows(folder, "rai_stations.csv") as write_one:
        for each in survey.species:
            events = {station: survey.events[each, station] for station in survey.days}
            write({"Species": each} | rate(sum(events.values()), sum(survey.effort.values())))
            for station, number in events.items():
                write_one({"Species": each, "Station": station} | rate(number, survey.effort[station]))


def _write_matrices(folder: Path, survey: _Survey) -> None:
    known = sorted({day for days in survey.days.values() for day in days})
    number = (known[-1] - known[0]).days + 1 if known else 0
    days = [known[0] + timedelta(days=each) for each in range(number)]
    names = [f"o{number + 1}" for number in range(survey.occasions.number)]
    with _rows(folder, "operation.csv", ["Station", *map(str, days)]) as write:
        for station, shares in survey.days.items():
            write({"Station": station} | {str(day): shares.get(day) for day in days})
    with _rows(folder, "effort.csv", ["Station", *names]) as write:
        for station in survey.days:
            write({"Station": station} | dict(zip(names, survey.occasions.effort(station), strict=True)))
    with _rows(folder, "detections.csv", ["Species", "Station", *names]) as write:
        for each in survey.species:
            for station in survey.days:
                history = survey.occasions.history(station, survey.detected.get((each, station), ()))
                write({"Species": each, "Station": station} | dict(zip(names, history, strict=True)))


@contextmanager
def _rows(folder: Path, name: str, columns: Sequence[str] = ()) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Open the table `name` in a folder. Yield a function that writes a row, with NA for None.

    `columns`: the columns, for a table whose columns tables.csv does not list.
    """
    with table(folder / name, columns or [column for column in meanings()[name] if column]) as write:
        yield lambda row: write({key: "NA" if value in (None, "") else inert(value) for key, value in row.items()})


@cache
def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return the meaning of each column, by file and column. The column "" stands for the file itself."""
    found: dict[str, dict[str, str]] = {}
    for row in rows_of(MEANINGS):
        found.setdefault(row["file"], {})[row["column"]] = row["meaning"]
    return found | {"records_wide.csv": found["records.csv"] | found["records_wide.csv"]}


def readme(rules: Rules, title: str) -> str:
    """Return the README of the tables, in Markdown: how they were made, and the meaning of all columns."""
    minutes = f"{rules.gap.total_seconds() / 60:g}"
    facts = asdict(rules) | {"title": title, "version": VERSION, "minutes": minutes, "columns": columns()}
    return Template(README.read_text(encoding="utf-8")).substitute(facts)


def columns() -> str:
    """Return the list of all files and their columns, in Markdown."""
    return "\n".join(
        f"- `{row['column']}`: {row['meaning']}" if row["column"] else f"\n**{row['file']}**: {row['meaning']}.\n"
        for row in rows_of(MEANINGS)
    ).strip()


def parse_duration(text: str) -> timedelta:
    """Parse a duration, such as `30min` or `1h`. Raises `ValueError`.

    >>> parse_duration("30min")
    datetime.timedelta(seconds=1800)
    """
    with suppress(ValueError):
        duration = parse_shift(text.replace("min", "m"))
        if duration >= timedelta(0):
            return duration
    raise ValueError(f"'{text}' is not a duration; expected one such as 30min, 1h or 7d")


def parse_days(text: str) -> int:
    """Parse a duration of whole days. Raises `ValueError`."""
    duration = parse_duration(f"{text}d" if text.isdecimal() else text)
    if duration % timedelta(days=1) or not duration:
        raise ValueError(f"'{text}' is not a number of days; expected one such as 7d")
    return duration.days
