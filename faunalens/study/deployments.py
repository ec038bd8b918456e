"""The table of deployments: where and when each camera stood, which photos it took, and what its clock says.

The columns are those of Camtrap DP's deployments, and two of our own: `folder`, the folder with the photos, below the
study's folder; and `timezone`, the zone of the camera's clock, because EXIF has none and Camtrap DP demands one. Where
the table has a zone, start and end need no offset, and may be dates: the deployment then has both days in full.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache, cached_property
from itertools import chain, groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.study.results import ListedPhoto, ResultsFile
from faunalens.words import rows_of

REQUIRED = ("deploymentID", "latitude", "longitude")
FOLDER, ZONE = "folder", "timezone"
_TABLES = rows_of(Path(__file__).with_name("camtrap_dp.csv"))
COLUMNS = {table: tuple(row["column"] for row in rows) for table, rows in groupby(_TABLES, itemgetter("table"))}
"""The columns of each table of Camtrap DP 1.0.2."""
LIMITS = {row["column"]: row for row in _TABLES if row["least"]}
WORDS = {row["column"]: frozenset(row["words"].split()) for row in _TABLES if row["words"]}
"""The words that Camtrap DP allows in a column. `LIMITS`: the ranges of its numbers. Other values are invalid."""
TIMES = START, END = "deploymentStart", "deploymentEnd"
DAY = timedelta(days=1)

type Row = Mapping[str, str]
"""A deployment, by the columns of the table. Its times have an offset."""


@dataclass(frozen=True)
class Deployments:
    """The deployments of a study. `rows`: the rows of the table, each as values by column."""

    rows: list[dict[str, str]] = field(default_factory=list)

    @cached_property
    def by_folder(self) -> Mapping[str, Sequence[Row]]:
        """Return each folder's deployments, sorted by start: several if a camera was moved and kept its folder."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.get(FOLDER):  # people also write it as `./north` or `north\100MEDIA`
                folder = normal(row[FOLDER].replace("\\", "/")).removeprefix("./").strip("/")
                found.setdefault(folder, []).append(row)
        return {folder: sorted(rows, key=_clock_at) for folder, rows in found.items()}

    @cached_property
    def _by_name(self) -> Mapping[str, Row]:
        return {normal(row["deploymentID"]): row for row in self.rows}

    def named(self, name: str) -> Row | None:
        return self._by_name.get(normal(name))

    def at(self, path: str) -> Sequence[Row]:
        """Return the deployments in whose `folder` a photo lies, or else the one with the id of a folder above it.

        `path`: the photo's path below the study's folder. Of nested folders, the innermost counts.
        """
        parts = normal(path).split("/")[:-1]
        for length in range(len(parts), 0, -1):
            found = self.by_folder.get("/".join(parts[:length]))
            if found is not None:
                return found
        return next(([self._by_name[part]] for part in reversed(parts) if part in self._by_name), [])


def place_of(row: Row) -> Place:
    return Place("given", float(row["latitude"]), float(row["longitude"]))


def lies_in(row: Row, time: datetime) -> bool:
    """Return whether a photo was taken during a deployment, as far as the table says when that was.

    `time`: of the corrected clock. Without an offset, or if the table has a zone, it is local time at the deployment.
    """
    if row.get(ZONE):
        time = time.replace(tzinfo=parse_zone(row[ZONE]))
    start, end = (datetime.fromisoformat(row[name]) if row.get(name) else None for name in TIMES)
    if time.tzinfo is None:
        start, end = (each and each.replace(tzinfo=None) for each in (start, end))
    return (start is None or start <= time) and (end is None or time <= end)


def deployment_at(rows: Sequence[Row], time: datetime | None) -> Row | None:
    """Return which deployment took a photo: the folder's only one, or the last one that was running at its time.

    `rows`: the folder's deployments, sorted by start. `time`: None if unknown. If there are several deployments, a
    photo without a time, or taken between two of them, belongs to none: the result is None.
    """
    if len(rows) == 1:
        return rows[0]
    return next((row for row in reversed(rows) if time and lies_in(row, time)), None)


def _clock_at(row: Row, column: str = START) -> datetime:
    """Return the local time in `column`, a deployment's start or end; `datetime.min` if the column is empty."""
    return datetime.fromisoformat(row[column]).replace(tzinfo=None) if row.get(column) else datetime.min  # noqa: DTZ901, a clock


def normal(name: str) -> str:
    """Return a name in Unicode's form NFC, for comparisons: Macs write ü as two code points, others as one."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def read_deployments(path: Path) -> Deployments:
    """Read a table of deployments. Raises `CommandError`, which names the line and the fault.

    Where numbers have a decimal comma, spreadsheets separate the columns by semicolons: both are read.
    """
    rows: list[dict[str, str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(",;\t", key=file.readline().count)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise CommandError(f"{path} has no column {', '.join(missing)}; add it")
            for row in reader:
                if delimiter != ",":
                    row |= {name: (row[name] or "").replace(",", ".") for name in LIMITS if name in row}
                # Spreadsheets add rows without a value. `DictReader` puts surplus fields into a list.
                if "".join(chain.from_iterable(filter(None, row.values()))).strip():
                    rows.append(_checked(row))
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from error
    except ValueError as error:
        raise CommandError(f"{path}, line {reader.line_num}: {error}") from error
    except (OSError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read as a table of deployments: {error}") from error
    ids = Counter(normal(row["deploymentID"]) for row in rows)
    if twice := next((name for name, number in ids.items() if number > 1), None):
        raise CommandError(f"{path} has the deploymentID '{twice}' twice; each deployment needs its own")
    table = Deployments(rows)
    _expect_dates(path, table)
    return table


def _checked(row: dict[str, str]) -> dict[str, str]:
    """Return a row of the table with offsets in its times. Raises `ValueError` for what Camtrap DP would refuse."""
    if None in row or None in row.values():
        raise ValueError("expected as many fields as columns")
    row = {name: value.strip() for name, value in row.items()}
    if not row["deploymentID"]:
        raise ValueError("deploymentID is empty; name the deployment")
    for column, limits in LIMITS.items():
        text = row.get(column, "")
        if not text and column not in REQUIRED:
            continue
        least, most, is_whole = int(limits["least"]), int(limits["most"]), limits["type"] == "integer"
        with suppress(ValueError):
            if least <= float(text) <= most and (not is_whole or text.lstrip("+-").isdecimal()):
                continue
        numbers = "decimal degrees" if column in REQUIRED else f"a {'whole ' * is_whole}number"
        raise ValueError(f"{column} is '{text}'; expected {numbers} from {least} to {most}")
    for column, words in WORDS.items():
        text = row.get(column, "")
        if text and (text if column == "featureType" else text.lower()) not in words:
            raise ValueError(f"{column} is '{text}'; expected one of {', '.join(sorted(words))}")
    if row.get(ZONE):
        parse_zone(row[ZONE])
    times = {column: _moment(row, column) for column in TIMES if row.get(column)}
    if len(times) == len(TIMES) and times[START] > times[END]:
        raise ValueError("deploymentEnd is before deploymentStart; correct one of them")
    return row | {column: time.isoformat() for column, time in times.items()}


def _moment(row: Row, column: str) -> datetime:
    """Return the time in `column`, a deployment's start or end, with its offset from UTC. Raises `ValueError`."""
    text, zone = row[column], row.get(ZONE)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{column} is '{text}'; expected a date such as 2026-05-12, or a time such as 2026-05-12T08:30:00-07:00"
        ) from None
    if column == END and len(text) <= len("2026-05-12"):  # a date without a time
        moment += DAY - timedelta(seconds=1)
    if moment.tzinfo is None and not zone:
        raise ValueError(f"{column} is '{text}', without an offset; give the deployment a {ZONE}, such as -07:00")
    return moment if moment.tzinfo or not zone else moment.replace(tzinfo=parse_zone(zone))


def _expect_dates(path: Path, table: Deployments) -> None:
    """Raise `CommandError` if deployments share a folder, and their dates do not say which one took which photos."""
    for folder, shared in table.by_folder.items():
        for one, other in pairwise(shared):
            names = f"{one['deploymentID']} and {other['deploymentID']}"
            if _clock_at(one) == _clock_at(other):
                raise CommandError(f"{path} has the folder '{folder}' twice; say when {names} began, in {START}")
            if one.get(END) and _clock_at(one, END) - DAY > _clock_at(other):
                raise CommandError(f"{path} has {names} in the folder '{folder}' at the same time; correct their dates")


CENTURY = timedelta(days=36_525)  # the longest correction of a clock
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?")
_SHIFT = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?"
)


@cache
def parse_zone(text: str) -> tzinfo:
    """Parse a time zone: a name such as `Australia/Sydney`, or an offset such as `+10:00` or `UTC-8`.

    A name includes summer time. A camera that stays on winter time all year needs an offset. Raises `ValueError`.
    """
    found = _OFFSET.fullmatch(text)
    if found:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
        if offset <= timedelta(hours=14):
            return timezone(-offset if found["sign"] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        raise ValueError(
            f"'{text}' is not a time zone; expected a name such as Australia/Sydney, or an offset such as +10:00"
        ) from None


def parse_shift(text: str) -> timedelta:
    """Parse a correction of a clock, such as `+1h`, `-2d3h` or `90s`: what to add to its time. Raises `ValueError`.

    >>> parse_shift("-1h30m")
    datetime.timedelta(days=-1, seconds=81000)
    """
    found = _SHIFT.fullmatch(text)
    parts = {name: int(value) for name, value in found.groupdict().items() if value and name != "sign"} if found else {}
    if not found or not parts or max(parts.values()) > 10**9 or (shift := timedelta(**parts)) > CENTURY:
        raise ValueError(
            f"'{text}' is not a correction of a clock; expected days, hours, minutes, seconds, such as -1h30m"
        )
    return -shift if found["sign"] == "-" else shift


def corrected(taken: str, shift: float) -> datetime:
    """Return the camera's time `taken` (ISO 8601) plus `shift` seconds. It has an offset from UTC only if `taken` has.

    If the sum is outside of the years 1 to 9999, return `taken` without the shift.
    """
    time = datetime.fromisoformat(taken)
    with suppress(OverflowError):
        return time + timedelta(seconds=shift)
    return time


@dataclass(frozen=True, slots=True)
class Where:
    """Where and when the photos of a results file were taken. `default`: the place of photos without a deployment.

    `shift`: seconds to add to the cameras' clocks. If `default` or `shift` is None, the values of an earlier run stay.
    """

    results: ResultsFile
    deployments: Deployments
    default: Place | None
    shift: timedelta | None

    def of(self, path: str, size: int, modified: int, clock: tuple[str, float] | None = None) -> ListedPhoto:
        """Return a photo with its deployment and its place.

        `clock`: the time on its clock and the seconds to add to it; None for those in the results, if any.
        Where several deployments share a folder, a photo has no deployment before its time is known. Its place is then
        that of the first deployment: the others are mostly in the same cell.
        """
        shift = None if self.shift is None else self.shift.total_seconds()
        rows = self.deployments.at(path)
        known = (clock or self.results.clock_of(path)) if len(rows) > 1 else None
        time = corrected(known[0], known[1] if shift is None else shift) if known else None
        row = deployment_at(rows, time)
        place = place_of(row or rows[0]) if rows else self.default
        return ListedPhoto(path, size, modified, row["deploymentID"] if row else None, place, shift)

    def settle(self) -> None:
        """Assign photos in shared folders to deployments, by time. Photos whose cell changes thereby count as new."""
        if any(len(rows) > 1 for rows in self.deployments.by_folder.values()):
            rows = self.results.rows("select path, size, modified from photo where taken is not null")
            self.results.find(self.of(*row) for row in rows if len(self.deployments.at(row["path"])) > 1)


class PlaceOptions(NamedTuple):
    """The values of the options about place and clock; None for an option that was not given."""

    deployments: Deployments | None = None
    place: Place | None = None
    shift: timedelta | None = None

    def keep(self, results: ResultsFile, otherwise: Place | None = None) -> Where:
        """Save the table of deployments, if one is given, in the results. Return where photos were taken.

        `otherwise`: the place of photos without a deployment if the options give none.
        """
        if self.deployments:
            results.replace_deployments(self.deployments.rows)
        table = self.deployments or Deployments(results.deployments())
        return Where(results, table, self.place or otherwise, self.shift)
