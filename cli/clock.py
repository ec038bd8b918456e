"""The clocks of cameras: the zone of a station, and the correction of a wrong clock."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CENTURY = timedelta(days=36_525)
"""The longest correction of a clock."""
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?")
_SHIFT = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?"
)


@cache
def parse_zone(text: str) -> tzinfo:
    """Parse a time zone: a name such as `Australia/Sydney`, or an offset such as `+10:00` or `UTC-8`.

    A name has summer time. A camera that stays on winter time all the year has an offset. Raises `ValueError`.
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
            f"'{text}' is no time zone; expected a name such as Australia/Sydney, or an offset such as +10:00"
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
            f"'{text}' is no correction of a clock; expected days, hours, minutes, seconds, such as -1h30m"
        )
    return -shift if found["sign"] == "-" else shift


def corrected(taken: str, shift: float) -> datetime:
    """Return the time on a clock after its correction by `shift` seconds. It has no zone.

    A time that the calendar does not have is left as the camera had it, such as the end of the year 9999 an hour later.
    """
    time = datetime.fromisoformat(taken)
    try:
        return time + timedelta(seconds=shift)
    except OverflowError:
        return time
